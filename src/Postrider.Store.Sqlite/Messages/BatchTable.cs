using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Store.Sqlite.Connections;
using Postrider.Store.Sqlite.Writing;

namespace Postrider.Store.Sqlite.Messages;

static class BatchTable
{
    const string CreateSql = """
        insert into batch (tenant_id, id)
        values (@tenant, @batch)
        """;

    public static bool Create(WriteSession session, TenantId tenant, BatchId batch)
    {
        session.Connection.Prepare(CreateSql).Bind(tenant.Value).Bind(batch.Value).Run();
        return true;
    }

    /// <summary>What <see cref="Read"/> reads.</summary>
    const string Columns = """
        b.queued, b.processing, b.rendered, b.sending, b.sent, b.delivered, b.bounced, b.failed, b.cancelled, b.sandbox, b.completed_at,
            b.id, b.state, o.action, o.changed, o.created_at, o.done_at
        """;

    const string FindSql = $"""
        select {Columns}
        from batch b
        left join batch_order o on o.tenant_id = b.tenant_id and o.batch_id = b.id
        where b.tenant_id = @tenant and b.id = @batch
        """;

    public static BatchView? Find(Connection db, TenantId tenant, BatchId batch)
    {
        var row = db.Prepare(FindSql).Bind(tenant.Value).Bind(batch.Value);
        if (!row.Step())
            return null;
        var view = Read(row);
        row.Reset();
        return view;
    }

    static BatchView Read(Statement row)
    {
        const int Next = MessageStatuses.Count;
        var counts = new long[Next];
        for (var i = 0; i < counts.Length; i++)
            counts[i] = row.Int64(i);
        return new BatchView(new BatchId(row.Guid(Next + 1)), counts, row.TimeOrNull(Next))
        {
            State = (BatchState)row.Int32(Next + 2),
            Order = row.IsNull(Next + 3) ? null : new BatchProgress(
                (BatchAction)row.Int32(Next + 3), row.Int64(Next + 4), row.Time(Next + 5), row.TimeOrNull(Next + 6)),
        };
    }

    const string HeldSql = $"""
        -- Index batch_state.
        select {Columns}
        from batch b indexed by batch_state
        left join batch_order o on o.tenant_id = b.tenant_id and o.batch_id = b.id
        where b.tenant_id = @tenant and b.state > 0
        order by b.id desc
        limit @limit
        """;

    public static List<BatchView> Held(Connection db, TenantId tenant, int limit)
    {
        var views = new List<BatchView>();
        var row = db.Prepare(HeldSql).Bind(tenant.Value).Bind(limit);
        while (row.Step())
            views.Add(Read(row));
        return views;
    }
}
