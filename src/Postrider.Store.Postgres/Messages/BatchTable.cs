using Npgsql;
using Postrider.Engine.Messages;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Messages;

static class BatchTable
{
    const string CreateSql = """
        insert into batch (lane, tenant_id, id)
        values (@lane, @tenant, @batch)
        """;

    public static async Task<bool> CreateAsync(NpgsqlConnection connection, TenantId tenant, BatchId id)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(CreateSql).With("lane", Lane.Of(tenant)).With("tenant", tenant.Value).With("batch", id.Value);
        return await batch.ExecuteNonQueryAsync(CancellationToken.None) > 0;
    }

    const string FindSql = """
        select queued, processing, rendered, sending, sent, delivered, bounced, failed, cancelled, sandbox, completed_at
        from batch
        where lane = @lane and tenant_id = @tenant and id = @batch
        """;

    public static async Task<BatchView?> FindAsync(NpgsqlConnection connection, TenantId tenant, BatchId id)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(FindSql).With("lane", Lane.Of(tenant)).With("tenant", tenant.Value).With("batch", id.Value);
        var views = await batch.ReadAllAsync(row =>
            new BatchView(id, [.. Enumerable.Range(0, MessageStatuses.Count).Select(row.GetInt64)], row.TimeOrNull(MessageStatuses.Count)));
        return views.FirstOrDefault();
    }
}
