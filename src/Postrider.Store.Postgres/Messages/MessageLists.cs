using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Messages;
using Postrider.Store.Postgres.Connections;
using Postrider.Store.Postgres.Writing;

namespace Postrider.Store.Postgres.Messages;

/// <summary>
/// Pages of a tenant's messages, newest first. <see cref="ListQuery"/> puts the statement together; a page costs the rows it shows and
/// skips, when an index serves the filter alone, and the rows it has to look at and pass over otherwise.
/// </summary>
/// <remarks>
/// The total comes from the counters when only statuses and whole UTC days are asked for. With any other filter it is counted, which
/// costs a look at every row that the filter's index names.
/// </remarks>
static class MessageLists
{
    public static async Task<MessagePage> ListAsync(NpgsqlConnection connection, TenantId tenant, MessageFilter filter, PageRequest page)
    {
        var query = new ListQuery(filter);
        var ids = await ReadIdsAsync(connection, query, tenant, page);
        var more = ids.Count > page.Size;
        if (more)
            ids.RemoveAt(ids.Count - 1);
        return new MessagePage(
            await SummarizeAsync(connection, tenant, ids),
            query.IsCounted ? await CountedTotalAsync(connection, tenant, filter) : await ScannedTotalAsync(connection, query, tenant),
            more && ids.Count > 0 ? new MessageId(ids[^1]) : null);
    }

    static async Task<List<Guid>> ReadIdsAsync(NpgsqlConnection connection, ListQuery query, TenantId tenant, PageRequest page)
    {
        await using var batch = new NpgsqlBatch(connection);
        var command = batch.Add(query.PageSql(page.After is not null));
        query.Bind(command, tenant);
        if (page.After is { } after)
            command.With("after", after.Value);
        command.With("limit", page.Size + 1).With("skip", page.Skip).With("window", NpgsqlDbType.Bigint, page.Size + 1L + page.Skip);
        return await batch.ReadAllAsync(static row => row.GetGuid(0));
    }

    static async Task<long> ScannedTotalAsync(NpgsqlConnection connection, ListQuery query, TenantId tenant)
    {
        await using var batch = new NpgsqlBatch(connection);
        query.Bind(batch.Add(query.TotalSql()), tenant);
        return (await batch.ReadAllAsync(static row => row.GetInt64(0)))[0];
    }

    const string CountersSql = """
        -- Primary key, and index queue_leased where it matters which of the live messages are leased: those are counted in the queue
        -- (Totals).
        select c.queued - l.processing - l.rendered - l.sending, l.processing, l.rendered, l.sending,
            c.sent, c.delivered, c.bounced, c.failed, c.cancelled, c.sandbox
        from (
            select coalesce(sum(t.queued), 0)::bigint as queued, coalesce(sum(t.sent), 0)::bigint as sent,
                coalesce(sum(t.delivered), 0)::bigint as delivered, coalesce(sum(t.bounced), 0)::bigint as bounced,
                coalesce(sum(t.failed), 0)::bigint as failed, coalesce(sum(t.cancelled), 0)::bigint as cancelled,
                coalesce(sum(t.sandbox), 0)::bigint as sandbox
            from counter t
            where t.lane = @lane and t.tenant_id = @tenant and t.day >= @from and t.day < @before) c
        cross join (
            select count(*) filter (where q.phase = 1) as processing, count(*) filter (where q.phase = 2) as rendered,
                count(*) filter (where q.phase = 3) as sending
            from queue q
            where @leased and q.lane = @lane and q.tenant_id = @tenant and q.lease_until is not null and not q.partly_accepted
                and q.day >= @from and q.day < @before) l
        """;

    static async Task<long> CountedTotalAsync(NpgsqlConnection connection, TenantId tenant, MessageFilter filter)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(CountersSql).With("lane", Lane.Of(tenant)).With("tenant", tenant.Value)
            .With("from", filter.CreatedFrom is { } from ? Totals.DayOf(from) : int.MinValue)
            .With("before", filter.CreatedBefore is { } before ? Totals.DayOf(before) : int.MaxValue)
            .With("leased", filter.Statuses.Any(status => status < MessageStatus.Sent));
        var totals = await batch.ReadAllAsync(row => Enumerable.Range(0, MessageStatuses.Count)
            .Where(status => filter.Statuses.Count == 0 || filter.Statuses.Contains((MessageStatus)status))
            .Sum(row.GetInt64));
        return totals[0];
    }

    const string SummariesSql = """
        -- Primary keys, in the order of the page; laterals, so that they are sought whatever the server knows of the tables.
        select m.id, coalesce(m.from_mailbox, m.from_key), m.from_name, m.subject, m.template_id, m.batch_id, m.categories, m.settled_at,
            m.status, q.phase, q.partly_accepted,
            (select array_agg(coalesce(r.mailbox, r.address_key) order by r.ordinal) from recipient r
            where r.lane = @lane and r.tenant_id = @tenant and r.message_id = p.id and r.kind = 0)
        from unnest(@ids) with ordinality as p (id, place)
        cross join lateral (select * from message m where m.lane = @lane and m.tenant_id = @tenant and m.id = p.id offset 0) m
        left join lateral (
            select * from queue q where q.lane = @lane and q.tenant_id = @tenant and q.message_id = p.id offset 0) q on true
        order by p.place
        """;

    static async Task<List<MessageSummary>> SummarizeAsync(NpgsqlConnection connection, TenantId tenant, List<Guid> ids)
    {
        if (ids.Count == 0)
            return [];
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(SummariesSql).With("lane", Lane.Of(tenant)).With("tenant", tenant.Value).WithAll("ids", NpgsqlDbType.Uuid, ids);
        return await batch.ReadAllAsync(static row =>
        {
            var batchId = row.GuidOrNull(5);
            return new MessageSummary
            {
                Id = new MessageId(row.GetGuid(0)),
                FromEmail = row.GetString(1),
                FromName = row.TextOrNull(2),
                Subject = row.GetString(3),
                TemplateId = row.TextOrNull(4),
                Batch = batchId is { } value ? new BatchId(value) : null,
                Categories = MessageRows.Categories(row, 6),
                SettledAt = row.TimeOrNull(7),
                Status = MessageReads.Status(row, settled: 8, phase: 9, partlyAccepted: 10),
                ToEmails = row.Array<string>(11),
            };
        });
    }
}
