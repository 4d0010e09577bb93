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
        -- Primary key, and index queue_leased: what is leased is counted in the queue (Totals).
        select b.queued - l.processing - l.rendered - l.sending, l.processing, l.rendered, l.sending,
            b.sent, b.delivered, b.bounced, b.failed, b.cancelled, b.sandbox, b.completed_at
        from batch b
        cross join (
            select count(*) filter (where q.phase = 1) as processing, count(*) filter (where q.phase = 2) as rendered,
                count(*) filter (where q.phase = 3) as sending
            from queue q
            where q.lane = @lane and q.tenant_id = @tenant and q.lease_until is not null and q.batch_id = @batch and not q.partly_accepted) l
        where b.lane = @lane and b.tenant_id = @tenant and b.id = @batch
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
