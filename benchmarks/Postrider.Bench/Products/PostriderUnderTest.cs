using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Postrider.Bench.Load;
using Postrider.Bench.Machine;

namespace Postrider.Bench.Products;

/// <summary>The built program as an operator runs it: <c>postrider serve</c> on the SQLite store, set up through its command line.</summary>
sealed class PostriderUnderTest : IProductUnderTest
{
    const string Tenant = "bench";
    const string Live = "queued,processing,rendered,sending,sent";

    readonly TemporaryFolder _folder = new();
    readonly IPEndPoint _http = Loopback.FreePort();
    readonly HttpClient _client = new();
    readonly Dictionary<string, string> _environment;
    ChildProcess? _server;
    string _key = "";

    PostriderUnderTest(Destinations to) => _environment = new()
    {
        ["POSTRIDER_Store"] = Store,
        ["POSTRIDER_Http__Listen"] = $"http://{_http}",
        ["POSTRIDER_RateLimits__SendsPerSecond"] = "100000",    // the default of 10,000 would be what is measured
        ["POSTRIDER_Smtp__HostName"] = BenchMessage.SenderDomain,
        ["POSTRIDER_Smtp__Routes"] = $"*={to.Sink},{Destinations.IdleDomain}={to.FirstByte},{Destinations.DownDomain}={to.Down}",
    };

    public IReadOnlyCollection<int> Processes => [Server.Id];

    ChildProcess Server => _server ?? throw new InvalidOperationException("The server is not running.");

    string Store => $"sqlite:{_folder["data/postrider.db"]}";

    public static async Task<PostriderUnderTest> StartAsync(Destinations to, CancellationToken cancel)
    {
        var product = new PostriderUnderTest(to);
        try
        {
            await product.SetUpAsync(cancel);
            await product.StartServerAsync(cancel);
            return product;
        }
        catch
        {
            await product.DisposeAsync();
            throw;
        }
    }

    /// <summary>The program that <c>./bench</c> has built.</summary>
    public static string Program
    {
        get
        {
            for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            {
                if (!File.Exists(Path.Combine(folder.FullName, "Postrider.slnx"))) continue;
                var program = Path.Combine(folder.FullName, "artifacts/postrider/postrider");
                return File.Exists(program) ? program : throw new BenchFault($"{program} is not there: start the bench with ./bench");
            }

            throw new BenchFault("the bench must run inside the source tree");
        }
    }

    public Task<ISubmitter> ConnectAsync(string recipientDomain, CancellationToken cancel) =>
        HttpLoad.ConnectAsync(_http, _key, BenchMessage.Json([BenchMessage.Recipient(recipientDomain)]), cancel);

    /// <summary>A connection on which every request queues <paramref name="messages"/> messages.</summary>
    public Task<ISubmitter> ConnectForManyAsync(string recipientDomain, int messages, CancellationToken cancel) =>
        HttpLoad.ConnectAsync(
            _http, _key, BenchMessage.Json(Enumerable.Range(0, messages).Select(i => $"m{i}." + BenchMessage.Recipient(recipientDomain))), cancel);

    public async Task WaitUntilSettledAsync(CancellationToken cancel)
    {
        while (true)
        {
            using var answer = JsonDocument.Parse(
                await _client.GetStringAsync(new Uri($"http://{_http}/v3/messages?status={Live}&page_size=1"), cancel));
            if (answer.RootElement.GetProperty("messages").GetArrayLength() == 0) return;
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancel);    // 50 of the 100 reads a second it allows
        }
    }

    /// <summary>SIGKILL and a new start, without waiting for it to be ready.</summary>
    /// <returns>When the new process was started, as a <see cref="Stopwatch"/> timestamp.</returns>
    public async Task<long> KillAndStartAsync()
    {
        await Server.KillAsync();
        await Server.DisposeAsync();
        var startedAt = Stopwatch.GetTimestamp();
        _server = Serve();
        return startedAt;
    }

    public async Task StartServerAsync(CancellationToken cancel)
    {
        _server = Serve();
        await Loopback.WaitUntilListeningAsync(_http, _server, cancel);
        while (true)
        {
            using var answer = await _client.GetAsync(new Uri($"http://{_http}/ready"), cancel);
            if (answer.IsSuccessStatusCode) return;
            _server.ThrowIfEnded();
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancel);
        }
    }

    public Task WaitUntilListeningAsync(CancellationToken cancel) => Loopback.WaitUntilListeningAsync(_http, Server, cancel);

    public async ValueTask DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        _client.Dispose();
        _folder.Dispose();
    }

    async Task SetUpAsync(CancellationToken cancel)
    {
        _folder.Folder("data");
        await RunAsync(["tenant", "add", Tenant], cancel);
        await RunAsync(["domain", "add", "--tenant", Tenant, BenchMessage.SenderDomain], cancel);
        await RunAsync(["domain", "verify", BenchMessage.SenderDomain, "--assume-published"], cancel);
        _key = await RunAsync(
            ["key", "add", "--tenant", Tenant, "--dialect", "scaisend", "--scopes", "mail.send,stats.read"], cancel);
        _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", _key);
    }

    Task<string> RunAsync(IEnumerable<string> arguments, CancellationToken cancel) =>
        ChildProcess.RunAsync(Program, [.. arguments, "--store", Store], cancel, _environment);

    ChildProcess Serve() => ChildProcess.Start(Program, ["serve"], _folder["postrider.log"], _environment);
}
