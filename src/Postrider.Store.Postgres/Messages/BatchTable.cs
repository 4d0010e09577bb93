using Npgsql;
using Postrider.Engine.Control;
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

    const string FindSql = $"""
        select {Columns}
        from batch b
        {Leased}
        left join batch_order o on o.lane = @lane and o.tenant_id = b.tenant_id and o.batch_id = b.id
        where b.lane = @lane and b.tenant_id = @tenant and b.id = @batch
        """;

    public static async Task<BatchView?> FindAsync(NpgsqlConnection connection, TenantId tenant, BatchId id)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(FindSql).With("lane", Lane.Of(tenant)).With("tenant", tenant.Value).With("batch", id.Value);
        var views = await batch.ReadAllAsync(Read);
        return views.FirstOrDefault();
    }

    /// <summary>What <see cref="Read"/> reads.</summary>
    const string Columns = """
        b.queued - l.processing - l.rendered - l.sending, l.processing, l.rendered, l.sending,
            b.sent, b.delivered, b.bounced, b.failed, b.cancelled, b.sandbox, b.completed_at,
            b.id, b.state, o.action, o.changed, o.created_at, o.done_at
        """;

    /// <summary>Index queue_leased: what is leased is counted in the queue (Totals).</summary>
    const string Leased = """
        cross join lateral (
            select count(*) filter (where q.phase = 1) as processing, count(*) filter (where q.phase = 2) as rendered,
                count(*) filter (where q.phase = 3) as sending
            from queue q
            where q.lane = @lane and q.tenant_id = b.tenant_id and q.lease_until is not null and q.batch_id = b.id
                and not q.partly_accepted) l
        """;

    static BatchView Read(NpgsqlDataReader row)
    {
        const int Next = MessageStatuses.Count;
        long[] counts = [.. Enumerable.Range(0, Next).Select(row.GetInt64)];
        return new BatchView(new BatchId(row.GetGuid(Next + 1)), counts, row.TimeOrNull(Next))
        {
            State = (BatchState)row.GetInt16(Next + 2),
            Order = row.IsDBNull(Next + 3) ? null : new BatchProgress(
                (BatchAction)row.GetInt16(Next + 3), row.GetInt64(Next + 4), row.Time(Next + 5), row.TimeOrNull(Next + 6)),
        };
    }

    const string HeldSql = $"""
        -- Index batch_state.
        select {Columns}
        from batch b
        {Leased}
        left join batch_order o on o.lane = @lane and o.tenant_id = b.tenant_id and o.batch_id = b.id
        where b.lane = @lane and b.tenant_id = @tenant and b.state > 0
        order by b.id desc
        limit @limit
        """;

    public static async Task<List<BatchView>> HeldAsync(NpgsqlConnection connection, TenantId tenant, int limit)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(HeldSql).With("lane", Lane.Of(tenant)).With("tenant", tenant.Value).With("limit", limit);
        return await batch.ReadAllAsync(Read);
    }
}
