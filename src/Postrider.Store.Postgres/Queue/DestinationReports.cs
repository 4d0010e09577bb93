using Npgsql;
using Postrider.Engine.Delivery.Shaping;
using Postrider.Engine.Messages;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Queue;

/// <summary>What each node says of its destinations. A row a node, so it has no lanes.</summary>
static class DestinationReports
{
    const string PublishSql = """
        insert into destination_report (node, at, destinations)
        values (@node, @at, @destinations)
        on conflict (node) do update set at = excluded.at, destinations = excluded.destinations
        """;

    const string ForgetSql = """
        delete from destination_report
        where at < @before
        """;

    /// <summary>One round trip.</summary>
    public static async Task<int> PublishAsync(NpgsqlConnection connection, NodeReport report, DateTimeOffset forgetBefore)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(PublishSql).With("node", report.Node.Value).With("at", report.At).With("destinations", report.Encode());
        batch.Add(ForgetSql).With("before", forgetBefore);
        return await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }

    const string WithdrawSql = """
        delete from destination_report
        where node = @node
        """;

    public static async Task<int> WithdrawAsync(NpgsqlConnection connection, NodeId node)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(WithdrawSql).With("node", node.Value);
        return await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }

    const string ReadSql = """
        select node, at, destinations from destination_report
        where at >= @since
        order by node
        """;

    public static async Task<List<NodeReport>> ReadAsync(NpgsqlConnection connection, DateTimeOffset since)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(ReadSql).With("since", since);
        return await batch.ReadAllAsync(row => NodeReport.Decode(new NodeId(row.GetGuid(0)), row.Time(1), row.GetString(2)));
    }
}
