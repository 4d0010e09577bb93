using Postrider.Store.Sqlite.Connections;
using Postrider.Store.Sqlite.Writing;

namespace Postrider.Store.Sqlite;

static class Maintenance
{
    const int PurgedAtOnce = 500;

    const string PurgeSql = """
        -- Index idempotency_expiry.
        delete from idempotency
        where (tenant_id, key) in (
            select tenant_id, key from idempotency
            where expires_at <= @now
            order by expires_at
            limit @limit)
        """;

    public static async Task PurgeAsync(Writer writer, DateTimeOffset now, CancellationToken cancel)
    {
        while (await writer.RunAsync(session => Purge(session, now), cancel) == PurgedAtOnce)
        {
        }
    }

    static int Purge(WriteSession session, DateTimeOffset now)
    {
        session.Connection.Prepare(PurgeSql).Bind(now).Bind(PurgedAtOnce).Run();
        return session.Connection.Changes;
    }

    const string CheckReadSql = """
        select count(*) from readiness
        """;

    public static long CheckRead(Connection db)
    {
        var row = db.Prepare(CheckReadSql);
        row.Step();
        var count = row.Int64(0);
        row.Reset();
        return count;
    }

    const string CheckWriteSql = """
        insert or replace into readiness (id, checked_at)
        values (1, @now)
        """;

    public static int CheckWrite(WriteSession session, DateTimeOffset now)
    {
        session.Connection.Prepare(CheckWriteSql).Bind(now).Run();
        return session.Connection.Changes;
    }
}
