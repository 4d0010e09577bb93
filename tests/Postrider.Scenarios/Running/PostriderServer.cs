using System.Globalization;
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

    /// <summary>What its processes go by; null for the machine's.</summary>
    public WallClock? Clock { get; private init; }

    public Uri Address => new($"http://127.0.0.1:{_port}");

    /// <summary>The API as tenant acme, with every scope.</summary>
    public ApiClient Api { get; }

    /// <summary>What it has logged since it was started last.</summary>
    public string Errors => _process?.Errors ?? "";

    public int ProcessId => _process!.Id;

    /// <summary>What it has printed.</summary>
    public string Output => _process?.Output ?? "";

    /// <param name="settings">NAME=VALUE</param>
    public static async Task<PostriderServer> StartAsync(params string[] settings) =>
        await StartAsync(await PreparedInstallation.CopyAsync(), "serve", settings);

    public static async Task<PostriderServer> DemoAsync(params string[] settings) =>
        await StartAsync(await PreparedInstallation.CopyAsync(), "demo", [$"Inbound:Listen=127.0.0.1:{Ports.Free()}", .. settings]);

    /// <param name="installation">Its folder is deleted by dispose.</param>
    /// <param name="clock">Null for the machine's.</param>
    /// <param name="settings">NAME=VALUE</param>
    public static Task<PostriderServer> StartAsync(Installation installation, WallClock? clock, params string[] settings) =>
        StartAsync(installation, "serve", settings, clock);

    public static async Task<PostriderServer> StartAsync(WallClock clock, params string[] settings) =>
        await StartAsync(await PreparedInstallation.CopyAsync(), "serve", settings, clock);

    static async Task<PostriderServer> StartAsync(Installation installation, string command, string[] settings, WallClock? clock = null)
    {
        var server = new PostriderServer(installation, command, settings) { Clock = clock };
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

    public Task StandStillAsync() => _process!.StandStillAsync();

    public Task GoOnAsync() => _process!.GoOnAsync();

    public Task TerminateAsync() => _process!.TerminateAsync();

    /// <summary>Its end, after <see cref="TerminateAsync"/>.</summary>
    public Task<CommandResult> EndAsync() => _process!.FinishAsync(TestContext.Current.CancellationToken);

    /// <summary>SIGTERM, and its end.</summary>
    public async Task<CommandResult> StopAsync()
    {
        await TerminateAsync();
        return await EndAsync();
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

    /// <param name="series">As /metrics shows it, with its labels. 0 when it was never counted.</param>
    public async Task<double> MetricAsync(string series)
    {
        var text = (await Api.GetAsync("/metrics")).Raw;
        var line = text.Split('\n').FirstOrDefault(line => line.StartsWith($"{series} ", StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line[(series.Length + 1)..], CultureInfo.InvariantCulture);
    }

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

    Dictionary<string, string> Environment()
    {
        var environment = new Dictionary<string, string>
        {
            ["POSTRIDER_Store"] = Installation.Store,
            ["POSTRIDER_Http__Listen"] = $"http://127.0.0.1:{_port}",
            ["POSTRIDER_Smtp__HostName"] = "sender.test",
        };
        if (Installation.Shared is { SecretKey: var key })
            environment["POSTRIDER_Secrets__Key"] = key;
        foreach (var (name, value) in Clock?.Environment ?? new Dictionary<string, string>())
            environment[name] = value;
        return environment;
    }

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
