using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;
using Postrider.Bench.Load;
using Postrider.Bench.Machine;

namespace Postrider.Bench.Products;

/// <summary>
/// The built program as an operator runs it: <c>postrider serve</c> on a SQLite file, or one node or several on a PostgreSQL, set up
/// through its command line. Connections are spread over the nodes, and over the tenants.
/// </summary>
sealed class PostriderUnderTest : IProductUnderTest
{
    const string Live = "queued,processing,rendered,sending,sent";

    readonly TemporaryFolder _folder = new();
    readonly HttpClient _client = new();
    readonly Dictionary<string, string> _environment;
    readonly PostgresServer? _database;
    readonly List<PostriderNode> _nodes = [];
    readonly List<string> _keys = [];
    int _connections;

    PostriderUnderTest(Destinations to, PostgresServer? database)
    {
        _database = database;
        _environment = new()
        {
            ["POSTRIDER_Store"] = database?.Address ?? $"sqlite:{_folder["data/postrider.db"]}",
            ["POSTRIDER_RateLimits__SendsPerSecond"] = "100000",    // the default of 10,000 would be what is measured
            ["POSTRIDER_RateLimits__OthersPerSecond"] = "100000",
            ["POSTRIDER_RateLimits__MessageListsPerSecond"] = "100000",
            ["POSTRIDER_Smtp__HostName"] = BenchMessage.SenderDomain,
            ["POSTRIDER_Smtp__Routes"] = $"*={to.Sink},{Destinations.IdleDomain}={to.FirstByte},{Destinations.DownDomain}={to.Down}",
        };
        if (database is not null)
            _environment["POSTRIDER_Secrets__Key"] = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
    }

    public IReadOnlyCollection<int> Processes => [.. Nodes, .. _database is null ? [] : (int[])[_database.ProcessId]];

    /// <summary>Those of postrider alone.</summary>
    public IReadOnlyCollection<int> Nodes => [.. _nodes.Select(node => node.ProcessId)];

    public PostgresServer? Database => _database;

    public static Task<PostriderUnderTest> OnSqliteAsync(Destinations to, int tenants, CancellationToken cancel) =>
        StartAsync(to, null, nodes: 1, tenants, cancel);

    public static async Task<PostriderUnderTest> OnPostgresAsync(Destinations to, int nodes, int tenants, CancellationToken cancel) =>
        await StartAsync(to, await PostgresServer.StartAsync(cancel), nodes, tenants, cancel);

    static async Task<PostriderUnderTest> StartAsync(
        Destinations to, PostgresServer? database, int nodes, int tenants, CancellationToken cancel)
    {
        var product = new PostriderUnderTest(to, database);
        try
        {
            await product.SetUpAsync(tenants, cancel);
            for (var i = 0; i < nodes; i++)
            {
                product._nodes.Add(new PostriderNode(product._environment, product._folder[$"postrider-{i}.log"]));
                product._nodes[i].Start();
                await product._nodes[i].WaitUntilReadyAsync(product._client, cancel);
            }

            return product;
        }
        catch
        {
            await product.DisposeAsync();
            throw;
        }
    }

    public Task<ISubmitter> ConnectAsync(string recipientDomain, CancellationToken cancel) =>
        ConnectAsync(BenchMessage.Json([BenchMessage.Recipient(recipientDomain)]), cancel);

    /// <summary>A connection on which every request queues <paramref name="messages"/> messages.</summary>
    public Task<ISubmitter> ConnectForManyAsync(string recipientDomain, int messages, CancellationToken cancel) =>
        ConnectAsync(
            BenchMessage.Json(Enumerable.Range(0, messages).Select(i => $"m{i}." + BenchMessage.Recipient(recipientDomain))), cancel);

    /// <summary>The same, of a batch, due at a time to come.</summary>
    public Task<ISubmitter> ConnectToScheduleAsync(
        string recipientDomain, int messages, (string Batch, DateTimeOffset At) schedule, CancellationToken cancel) => ConnectAsync(
        BenchMessage.Json(Enumerable.Range(0, messages).Select(i => $"m{i}." + BenchMessage.Recipient(recipientDomain)), schedule), cancel);

    /// <summary>Asks the first node, as the first tenant.</summary>
    public async Task<JsonDocument> AskAsync(HttpMethod method, string path, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(method, new Uri($"http://{_nodes[0].Http}{path}"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _keys[0]);
        using var answer = await _client.SendAsync(request, cancel);
        answer.EnsureSuccessStatusCode();
        return await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(cancel), cancellationToken: cancel);
    }

    Task<ISubmitter> ConnectAsync(byte[] json, CancellationToken cancel)
    {
        var number = _connections++;
        // Every tenant is at every node.
        return HttpLoad.ConnectAsync(_nodes[number % _nodes.Count].Http, _keys[number / _nodes.Count % _keys.Count], json, cancel);
    }

    public async Task WaitUntilSettledAsync(CancellationToken cancel)
    {
        foreach (var key in _keys)
        {
            while (await AnyLiveAsync(key, cancel))
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancel);    // 50 of the 100 reads a second it allows
        }
    }

    /// <summary>Kills the first node and starts it again.</summary>
    public Task<long> KillAndStartAsync() => _nodes[0].KillAndStartAsync();

    public Task WaitUntilListeningAsync(CancellationToken cancel) => _nodes[0].WaitUntilListeningAsync(cancel);

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes) await node.DisposeAsync();
        if (_database is not null) await _database.DisposeAsync();
        _client.Dispose();
        _folder.Dispose();
    }

    async Task SetUpAsync(int tenants, CancellationToken cancel)
    {
        _folder.Folder("data");
        for (var i = 1; i <= tenants; i++)
        {
            var tenant = $"bench{i}";
            await RunAsync(["tenant", "add", tenant], cancel);
            await RunAsync(["domain", "add", "--tenant", tenant, BenchMessage.SenderDomain], cancel);
            await RunAsync(["domain", "verify", BenchMessage.SenderDomain, "--assume-published"], cancel);
            _keys.Add(await RunAsync(
                [
                    "key", "add", "--tenant", tenant, "--dialect", "scaisend",
                    "--scopes", "mail.send,mail.schedule,mail.cancel,stats.read",
                ],
                cancel));
        }
    }

    Task<string> RunAsync(IEnumerable<string> arguments, CancellationToken cancel) =>
        PostriderProgram.RunAsync(arguments, _environment, cancel);

    async Task<bool> AnyLiveAsync(string key, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(
            HttpMethod.Get, new Uri($"http://{_nodes[0].Http}/v3/messages?status={Live}&page_size=1"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        using var answer = await _client.SendAsync(request, cancel);
        answer.EnsureSuccessStatusCode();
        using var messages = JsonDocument.Parse(await answer.Content.ReadAsStreamAsync(cancel));
        return messages.RootElement.GetProperty("messages").GetArrayLength() > 0;
    }
}
