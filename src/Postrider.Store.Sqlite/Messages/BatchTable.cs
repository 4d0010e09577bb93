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

    const string FindSql = """
        select queued, processing, rendered, sending, sent, delivered, bounced, failed, cancelled, sandbox, completed_at
        from batch
        where tenant_id = @tenant and id = @batch
        """;

    public static BatchView? Find(Connection db, TenantId tenant, BatchId batch)
    {
        var row = db.Prepare(FindSql).Bind(tenant.Value).Bind(batch.Value);
        if (!row.Step())
            return null;
        var counts = new long[MessageStatuses.Count];
        for (var i = 0; i < counts.Length; i++)
            counts[i] = row.Int64(i);
        var view = new BatchView(batch, counts, row.TimeOrNull(counts.Length));
        row.Reset();
        return view;
    }
}
