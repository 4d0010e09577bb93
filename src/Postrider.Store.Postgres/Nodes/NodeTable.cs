using Npgsql;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Nodes;

static class NodeTable
{
    /// <summary>Rows of nodes that were killed are kept this long, for whoever wonders where one went.</summary>
    static readonly TimeSpan DeadKept = TimeSpan.FromDays(1);

    const string BeatSql = """
        insert into node (id, name, started_at, seen_at)
        values (@id, @name, @started_at, @now)
        on conflict (id) do update set seen_at = excluded.seen_at
        """;

    const string SweepSql = """
        delete from node
        where seen_at < @forgotten_before
        """;

    // clock_timestamp: now() would be the transaction's begin.
    const string CountSql = """
        select count(*), clock_timestamp() from node
        where seen_at >= @dead_before
        """;

    public static async Task<NodeCensus> BeatAsync(NpgsqlConnection connection, Node node, DateTimeOffset now, DateTimeOffset deadBefore)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(BeatSql).With("id", node.Id.Value).With("name", node.Name).With("started_at", node.StartedAt).With("now", now);
        batch.Add(SweepSql).With("forgotten_before", now - DeadKept);
        batch.Add(CountSql).With("dead_before", deadBefore);
        return (await batch.ReadAllAsync(row => new NodeCensus((int)row.GetInt64(0), row.Time(1))))[0];
    }

    const string LeaveSql = """
        delete from node
        where id = @id
        """;

    public static async Task<int> LeaveAsync(NpgsqlConnection connection, NodeId node)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(LeaveSql).With("id", node.Value);
        return await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }
}
