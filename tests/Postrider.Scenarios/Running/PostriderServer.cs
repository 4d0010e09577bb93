using System.Text.Json.Nodes;

namespace Postrider.Scenarios.Running;

/// <summary>The real server process on an installation of its own, to be ended and started again; both are swept away by dispose.</summary>
sealed class PostriderServer : IAsyncDisposable
{
    static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);

    readonly string _command;
    readonly int _port = Ports.Free();
    readonly HttpClient _http;
    string[] _settings;
    ServerProcess? _process;

    PostriderServer(Installation installation, string command, string[] settings)
    {
        (Installation, _command, _settings) = (installation, command, settings);
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = Address };
        Api = As(installation.LiveKey);
    }

    public Installation Installation { get; }

    public Uri Address => new($"http://127.0.0.1:{_port}");

    /// <summary>The API as tenant acme, with every scope.</summary>
    public ApiClient Api { get; }

    /// <summary>What it has printed.</summary>
    public string Output => _process?.Output ?? "";

    /// <param name="settings">NAME=VALUE</param>
    public static Task<PostriderServer> StartAsync(params string[] settings) => StartAsync("serve", settings);

    public static Task<PostriderServer> DemoAsync(params string[] settings) =>
        StartAsync("demo", [$"Inbound:Listen=127.0.0.1:{Ports.Free()}", .. settings]);

    static async Task<PostriderServer> StartAsync(string command, string[] settings)
    {
        var server = new PostriderServer(await PreparedInstallation.CopyAsync(), command, settings);
        try
        {
            await server.StartAgainAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public ApiClient As(string key) => new(_http, key);

    public async Task StartAgainAsync(params string[] settings)
    {
        await LaunchAsync(settings);
        await WaitUntilHealthyAsync();
    }

    /// <summary>Starts the process and does not wait for it to answer.</summary>
    public async Task LaunchAsync(params string[] settings)
    {
        if (settings.Length > 0)
            _settings = settings;
        if (_process is not null)
            await _process.DisposeAsync();
        _process = ServerProcess.Start([_command, .. _settings.SelectMany(setting => (string[])["--set", setting])], Environment());
    }

    public Task WaitUntilHealthyAsync() => Eventually.SeesAsync(IsHealthyAsync, healthy => healthy, "the server answers", StartLimit);

    /// <summary>A second process on the same store and settings, to its end.</summary>
    public async Task<CommandResult> StartRivalAsync()
    {
        var environment = Environment();
        environment["POSTRIDER_Http__Listen"] = $"http://127.0.0.1:{Ports.Free()}";
        await using var rival = ServerProcess.Start([_command], environment);
        return await rival.FinishAsync(TestContext.Current.CancellationToken);
    }

    public Task KillAsync() => _process!.KillAsync();

    /// <summary>SIGTERM, and its end.</summary>
    public async Task<CommandResult> StopAsync()
    {
        await _process!.TerminateAsync();
        return await _process.FinishAsync(TestContext.Current.CancellationToken);
    }

    /// <returns>The id of the message.</returns>
    public async Task<string> SendAsync(JsonObject letter)
    {
        var answer = await Api.PostAsync("/v3/mail/send", letter);
        Assert.True(answer.Status == 202, answer.ToString());
        return answer.Text("message_id");
    }

    public Task<Message> SettledAsync(string id) => SeesAsync(id, message => message.IsSettled, "it is settled");

    public Task<Message> SeesAsync(string id, Func<Message, bool> isIt, string awaited, TimeSpan? patience = null) =>
        Eventually.SeesAsync(() => Api.MessageAsync(id), isIt, awaited, patience);

    public async Task<Message> SendAndSettleAsync(JsonObject letter) => await SettledAsync(await SendAsync(letter));

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
            TestContext.Current.TestOutputHelper?.WriteLine($"--- postrider {_command}\n{_process.Errors}");
        }
        _http.Dispose();
        Directory.Delete(Installation.Folder, recursive: true);
    }

    Dictionary<string, string> Environment() => new()
    {
        ["POSTRIDER_Store"] = Installation.Store,
        ["POSTRIDER_Http__Listen"] = $"http://127.0.0.1:{_port}",
        ["POSTRIDER_Smtp__HostName"] = "sender.test",
    };

    async Task<bool> IsHealthyAsync()
    {
        if (_process!.HasExited)
            throw new InvalidOperationException($"The server ended: {(await _process.FinishAsync(CancellationToken.None)).Errors}");
        try
        {
            using var answer = await _http.GetAsync(new Uri("/health", UriKind.Relative), TestContext.Current.CancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
