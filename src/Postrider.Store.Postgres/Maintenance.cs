using Npgsql;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres;

static class Maintenance
{
    const int PurgedAtOnce = 500;

    const string PurgeSql = """
        -- Index idempotency_expiry. What another node is just purging is passed over.
        with expired as materialized (
            select tenant_id, key from idempotency
            where lane = @lane and expires_at <= @now
            order by expires_at
            limit @limit
            for update skip locked)
        delete from idempotency i
        using expired x
        where i.lane = @lane and i.tenant_id = x.tenant_id and i.key = x.key
        """;

    /// <summary>Longer than any walk is remembered (ScaiSend:PageMemory, at most a day).</summary>
    static readonly TimeSpan WalksKept = TimeSpan.FromDays(1);

    const string PurgeWalksSql = """
        -- Index list_walk_served. What another node is just purging is passed over.
        with past as materialized (
            select tenant_id, api_key_id, filter, page_size, page from list_walk
            where lane = @lane and served_at <= @served_before
            order by served_at
            limit @limit
            for update skip locked)
        delete from list_walk w
        using past p
        where w.lane = @lane and w.tenant_id = p.tenant_id and w.api_key_id = p.api_key_id and w.filter = p.filter
            and w.page_size = p.page_size and w.page = p.page
        """;

    /// <summary>Lane by lane and a little at a time, so that no other write waits long for it.</summary>
    public static async Task PurgeAsync(Database database, DateTimeOffset now, CancellationToken cancel)
    {
        foreach (var lane in Lane.All)
        {
            while (await database.WriteAsync(connection => PurgeAsync(connection, lane, now), cancel) >= PurgedAtOnce)
            {
            }
        }
    }

    static async Task<int> PurgeAsync(NpgsqlConnection connection, short lane, DateTimeOffset now)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(PurgeSql).With("lane", lane).With("now", now).With("limit", PurgedAtOnce);
        batch.Add(PurgeWalksSql).With("lane", lane).With("served_before", now - WalksKept).With("limit", PurgedAtOnce);
        return await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }

    const string CheckReadSql = """
        select count(*) from readiness
        """;

    public static async Task<long> CheckReadAsync(NpgsqlConnection connection)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(CheckReadSql);
        return (await batch.ReadAllAsync(row => row.GetInt64(0)))[0];
    }

    const string CheckWriteSql = """
        insert into readiness (id, checked_at)
        values (1, @now)
        on conflict (id) do update set checked_at = excluded.checked_at
        """;

    public static async Task<int> CheckWriteAsync(NpgsqlConnection connection, DateTimeOffset now)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(CheckWriteSql).With("now", now);
        return await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }
}
