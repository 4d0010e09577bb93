using System.Globalization;
using Postrider.Testing;

[assembly: AssemblyFixture(typeof(Postrider.Scenarios.Running.PreparedCluster))]

namespace Postrider.Scenarios.Running;

/// <summary>Nodes on one PostgreSQL server of their own; all of it is swept away by dispose.</summary>
sealed class NodeGroup : IAsyncDisposable
{
    readonly List<PostriderServer> _nodes = [];
    readonly Installation _installation;

    NodeGroup(PostgresCluster cluster, PostgresCluster? standby, Installation prepared)
    {
        var address = standby is null ? cluster.Address(PreparedCluster.Database) : cluster.Address(PreparedCluster.Database, standby);
        (Cluster, Standby, _installation) = (cluster, standby, prepared with { Shared = (address, PreparedCluster.SecretKey) });
    }

    public PostgresCluster Cluster { get; }

    /// <summary>The server that follows the cluster; null when none was asked for.</summary>
    public PostgresCluster? Standby { get; }

    public IReadOnlyList<PostriderServer> Nodes => _nodes;

    public PostriderServer this[int node] => _nodes[node];

    /// <param name="settings">Of every node: NAME=VALUE</param>
    public static Task<NodeGroup> StartAsync(int nodes, params string[] settings) => StartAsync(nodes, withStandby: false, settings);

    /// <summary>Two nodes on a server with a synchronous standby, which each is told of.</summary>
    public static Task<NodeGroup> StartWithStandbyAsync(params string[] settings) => StartAsync(2, withStandby: true, settings);

    static async Task<NodeGroup> StartAsync(int nodes, bool withStandby, string[] settings)
    {
        var (cluster, prepared) = await PreparedCluster.CopyAsync();
        var group = new NodeGroup(cluster, withStandby ? await cluster.StartSynchronousStandbyAsync() : null, prepared);
        try
        {
            await Task.WhenAll(Enumerable.Range(0, nodes).Select(_ => group.AddAsync(settings)));
            return group;
        }
        catch
        {
            await group.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts another node.</summary>
    public Task<PostriderServer> AddAsync(params string[] settings) => AddAsync(clock: null, settings);

    /// <summary>Starts another node, which goes by a clock of its own.</summary>
    public async Task<PostriderServer> AddAsync(WallClock? clock, params string[] settings)
    {
        var folder = Directory.CreateTempSubdirectory("postrider-node-").FullName;
        var node = await PostriderServer.StartAsync(_installation with { Folder = folder }, clock, settings);
        lock (_nodes) _nodes.Add(node);
        return node;
    }

    public Task<string> QueryAsync(string sql) => QueryAsync(Cluster, sql);

    public static Task<string> QueryAsync(PostgresCluster cluster, string sql) => cluster.QueryAsync(PreparedCluster.Database, sql);

    /// <summary>That the totals, which transitions keep, are what counting the rows comes to.</summary>
    public static async Task AssertTotalsAsync(PostgresCluster cluster)
    {
        string[] statuses = ["queued", "processing", "rendered", "sending", "sent", "delivered", "bounced", "failed", "cancelled", "sandbox"];
        var totals = string.Join(" union all ", statuses.Select((name, status) => string.Create(
            CultureInfo.InvariantCulture, $"select {status} as status, coalesce(sum({name}), 0) as total from counter")));
        var wrong = await QueryAsync(cluster, $"""
            with total as ({totals}), rows as (
                select coalesce(m.status, case when q.partly_accepted then 4 else q.phase end) as status, count(*) as count
                from message m left join queue q on q.lane = m.lane and q.tenant_id = m.tenant_id and q.message_id = m.id
                group by 1)
            select t.status, t.total, coalesce(r.count, 0) from total t left join rows r using (status)
            where t.total <> coalesce(r.count, 0)
            """);
        Assert.Equal("", wrong.Trim());
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
            await node.DisposeAsync();
        if (Standby is not null)
            await Standby.DisposeAsync();
        await Cluster.DisposeAsync();
    }
}

/// <summary>
/// The server every scenario of nodes starts from a copy of: set up once by the real commands, by the first scenario that needs it.
/// </summary>
public sealed class PreparedCluster : IAsyncDisposable
{
    internal const string Database = "mail";

    internal static readonly string SecretKey = Convert.ToBase64String([.. Enumerable.Range(1, 32).Select(octet => (byte)octet)]);

    static readonly Lazy<Task<(PostgresCluster Cluster, Installation Installation)>> Prepared = new(PrepareAsync);

    public async ValueTask DisposeAsync()
    {
        if (Prepared.IsValueCreated)
            await (await Prepared.Value).Cluster.DisposeAsync();
    }

    /// <summary>A server of the caller's own, on which commits reach the disk.</summary>
    internal static async Task<(PostgresCluster Cluster, Installation Installation)> CopyAsync()
    {
        var (prepared, installation) = await Prepared.Value;
        return (await prepared.StartCopyAsync(durable: true), installation);
    }

    static async Task<(PostgresCluster, Installation)> PrepareAsync()
    {
        var cluster = await PostgresCluster.StartAsync(durable: false);
        await cluster.CreateDatabaseAsync(Database);
        var installation = await Installation.PrepareAsync("", (cluster.Address(Database), SecretKey));
        await cluster.StopAsync(immediately: false);
        return (cluster, installation);
    }
}
