using Postrider.Engine.Messages;
using Postrider.Store.Sqlite.Connections;

namespace Postrider.Store.Sqlite.Messages;

/// <summary>
/// Pages of a tenant's messages, newest first. <see cref="ListQuery"/> puts the statement together; a page costs the rows it shows and
/// skips, when an index serves the filter alone, and the rows it has to look at and pass over otherwise.
/// </summary>
/// <remarks>
/// The total comes from the counters when only statuses and whole UTC days are asked for. With any other filter it is counted, which
/// costs a look at every row that the filter's index names: some 2 µs each.
/// </remarks>
static class MessageLists
{
    public static MessagePage List(Connection db, TenantId tenant, MessageFilter filter, PageRequest page)
    {
        var query = new ListQuery(filter);
        var (ids, total) = query.IsSearch
            ? Search(db, query, tenant, page)
            : (ReadIds(db, query, tenant, page), query.IsCounted ? CountedTotal(db, tenant, filter) : ScannedTotal(db, query, tenant));
        var more = ids.Count > page.Size;
        if (more)
            ids.RemoveAt(ids.Count - 1);
        return new MessagePage(
            ids.ConvertAll(id => Summarize(db, tenant, id)),
            total,
            more && ids.Count > 0 ? ids[^1] : null);
    }

    /// <summary>Reads all that the search finds, for the total, and keeps the page.</summary>
    static (List<MessageId> Ids, long Total) Search(Connection db, ListQuery query, TenantId tenant, PageRequest page)
    {
        var ids = new List<MessageId>(page.Size + 1);
        var (total, skip) = (0L, page.Skip);
        Span<byte> after = stackalloc byte[16];
        page.After?.Value.TryWriteBytes(after, bigEndian: true, out _);
        using var row = db.PrepareOnce(query.AllSql());
        query.Bind(row, tenant);
        for (; row.Step(); total++)
        {
            if (ids.Count > page.Size || (page.After is not null && row.Octets(0).SequenceCompareTo(after) >= 0) || skip-- > 0)
                continue;
            ids.Add(new MessageId(row.Guid(0)));
        }
        return (ids, total);
    }

    static List<MessageId> ReadIds(Connection db, ListQuery query, TenantId tenant, PageRequest page)
    {
        var ids = new List<MessageId>(page.Size + 1);
        using var row = db.PrepareOnce(query.PageSql(page.After is not null));
        query.Bind(row, tenant);
        row.BindNamed("@after", page.After?.Value);
        row.BindNamed("@limit", page.Size + 1);
        row.BindNamed("@skip", page.Skip);
        row.BindNamed("@window", page.Size + 1L + page.Skip);
        while (row.Step())
            ids.Add(new MessageId(row.Guid(0)));
        return ids;
    }

    static long ScannedTotal(Connection db, ListQuery query, TenantId tenant)
    {
        using var row = db.PrepareOnce(query.TotalSql());
        query.Bind(row, tenant);
        row.Step();
        return row.Int64(0);
    }

    const string CountersSql = """
        select
            sum(queued), sum(processing), sum(rendered), sum(sending), sum(sent),
            sum(delivered), sum(bounced), sum(failed), sum(cancelled), sum(sandbox)
        from counter
        where tenant_id = @tenant and day >= @from and day < @before
        """;

    static long CountedTotal(Connection db, TenantId tenant, MessageFilter filter)
    {
        var row = db.Prepare(CountersSql)
            .Bind(tenant.Value)
            .Bind(filter.CreatedFrom is { } from ? Writing.CounterDeltas.DayOf(from) : long.MinValue)
            .Bind(filter.CreatedBefore is { } before ? Writing.CounterDeltas.DayOf(before) : long.MaxValue);
        row.Step();
        var total = 0L;
        for (var status = 0; status < MessageStatuses.Count; status++)
        {
            if (filter.Statuses.Count == 0 || filter.Statuses.Contains((MessageStatus)status))
                total += row.Int64(status);
        }
        row.Reset();
        return total;
    }

    const string SummarySql = """
        -- Primary keys.
        select coalesce(m.from_mailbox, m.from_key), m.from_name, m.subject, m.template_id, m.batch_id, m.categories, m.settled_at,
            m.status, q.phase, q.partly_accepted
        from message m
        left join queue q on q.tenant_id = m.tenant_id and q.message_id = m.id
        where m.tenant_id = @tenant and m.id = @message
        """;

    static MessageSummary Summarize(Connection db, TenantId tenant, MessageId id)
    {
        var row = db.Prepare(SummarySql).Bind(tenant.Value).Bind(id.Value);
        row.Step();
        var batch = row.GuidOrNull(4);
        var summary = new MessageSummary
        {
            Id = id,
            Status = MessageReads.Status(row, settled: 7, phase: 8, partlyAccepted: 9),
            FromEmail = row.Text(0),
            FromName = row.TextOrNull(1),
            Subject = row.Text(2),
            TemplateId = row.TextOrNull(3),
            Batch = batch is { } value ? new BatchId(value) : null,
            Categories = MessageRows.Categories(row, 5),
            SettledAt = row.TimeOrNull(6),
            ToEmails = ToEmails(db, tenant, id),
        };
        row.Reset();
        return summary;
    }

    const string ToEmailsSql = """
        -- Primary key.
        select coalesce(mailbox, address_key) from recipient
        where tenant_id = @tenant and message_id = @message and kind = 0
        order by ordinal
        """;

    static List<string> ToEmails(Connection db, TenantId tenant, MessageId id)
    {
        var emails = new List<string>(1);
        var row = db.Prepare(ToEmailsSql).Bind(tenant.Value).Bind(id.Value);
        while (row.Step())
            emails.Add(row.Text(0));
        return emails;
    }
}
