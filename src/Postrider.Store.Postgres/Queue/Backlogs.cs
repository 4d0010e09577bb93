using Npgsql;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Queue;

/// <summary>
/// What waits, by backlog, lane after lane: keys are in the order of (lane, tenant, domain). Each backlog costs one seek.
/// </summary>
static class Backlogs
{
    /// <summary>A loose scan: from each backlog's first row to the next backlog's. It stops as soon as the limit is reached.</summary>
    const string Walk = """
        with recursive walk as (
            (select q.tenant_id, q.domain, q.due_at from queue q
            where q.lane = @lane and q.lease_until is null and (q.tenant_id, q.domain) > (@tenant, @domain)
            order by q.tenant_id, q.domain, q.due_at
            limit 1)
            union all
            select n.tenant_id, n.domain, n.due_at
            from walk w
            cross join lateral (
                select q.tenant_id, q.domain, q.due_at from queue q
                where q.lane = @lane and q.lease_until is null and (q.tenant_id, q.domain) > (w.tenant_id, w.domain)
                order by q.tenant_id, q.domain, q.due_at
                limit 1) n)
        """;

    const string ReadSql = $"""
        -- Index queue_due.
        {Walk}
        select tenant_id, domain, due_at from walk
        limit @limit
        """;

    /// <summary>All lanes in one round trip.</summary>
    public static async Task<List<Backlog>> ReadAsync(NpgsqlConnection connection, BacklogKey? after, int limit)
    {
        await using var batch = new NpgsqlBatch(connection);
        AddWalks(batch, ReadSql, after, limit);
        var backlogs = await batch.ReadAllAsync(Read);
        if (backlogs.Count > limit)
            backlogs.RemoveRange(limit, backlogs.Count - limit);
        return backlogs;
    }

    const string DescribeSql = $"""
        -- Index queue_due: its entries of the backlog; up to the first row that was tried; then the recipients' primary key.
        {Walk}
        select w.tenant_id, w.domain, w.due_at,
            (select count(*) from queue q
            where q.lane = @lane and q.lease_until is null and q.tenant_id = w.tenant_id and q.domain = w.domain),
            -- Ids sort by the time of acceptance; before PostgreSQL 18 only as text.
            (select min(q.message_id::text collate "C") from queue q
            where q.lane = @lane and q.lease_until is null and q.tenant_id = w.tenant_id and q.domain = w.domain),
            (select r.last_reply
            from (
                select q.message_id from queue q
                where q.lane = @lane and q.lease_until is null and q.tenant_id = w.tenant_id and q.domain = w.domain and q.retry_count > 0
                order by q.due_at
                limit 1) tried
            join recipient r on r.lane = @lane and r.tenant_id = w.tenant_id and r.message_id = tried.message_id
            where r.last_reply is not null
            order by r.ordinal
            limit 1)
        from (select * from walk limit @limit) w
        """;

    public static async Task<List<BacklogView>> DescribeAsync(NpgsqlConnection connection, BacklogKey? after, int limit)
    {
        await using var batch = new NpgsqlBatch(connection);
        AddWalks(batch, DescribeSql, after, limit);
        var views = await batch.ReadAllAsync(
            row => new BacklogView(Read(row), row.GetInt64(3), new MessageId(Guid.Parse(row.GetString(4))), row.TextOrNull(5)));
        if (views.Count > limit)
            views.RemoveRange(limit, views.Count - limit);
        return views;
    }

    static void AddWalks(NpgsqlBatch batch, string sql, BacklogKey? after, int limit)
    {
        var first = after is { } key ? Lane.Of(key.Tenant) : 0;
        for (var lane = first; lane < Lane.Count; lane++)
        {
            var from = after is { } last && lane == first ? last : new BacklogKey(new TenantId(Guid.Empty), "");
            batch.Add(sql).With("lane", (short)lane).With("tenant", from.Tenant.Value).With("domain", from.Domain).With("limit", limit);
        }
    }

    static Backlog Read(NpgsqlDataReader row) => new(new BacklogKey(new TenantId(row.GetGuid(0)), row.GetString(1)), row.Time(2));

    const string SummarySql = $"""
        -- The lane's counters, index queue_leased, and a seek a backlog for the oldest.
        {Walk}
        select
            (select coalesce(sum(c.queued + c.sent), 0)::bigint from counter c where c.lane = @lane),
            (select count(*) from queue q where q.lane = @lane and q.lease_until is not null),
            (select count(*) from queue q where q.lane = @lane and q.lease_until is not null and q.lease_until < @now),
            (select min(w.due_at) from walk w where w.due_at <= @now)
        """;

    public static async Task<QueueSummary> SummarizeAsync(NpgsqlConnection connection, DateTimeOffset now)
    {
        await using var batch = new NpgsqlBatch(connection);
        foreach (var lane in Lane.All)
            batch.Add(SummarySql).With("lane", lane).With("now", now).With("tenant", Guid.Empty).With("domain", "");
        var lanes = await batch.ReadAllAsync(row => new QueueSummary(row.GetInt64(0), row.GetInt64(1), row.TimeOrNull(3), row.GetInt64(2)));
        return new QueueSummary(
            lanes.Sum(lane => lane.Live), lanes.Sum(lane => lane.Leased),
            lanes.Min(lane => lane.OldestDue), lanes.Sum(lane => lane.Overdue));
    }
}
