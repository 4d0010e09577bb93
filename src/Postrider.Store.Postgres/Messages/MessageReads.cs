using System.Text;
using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Messages;
using Postrider.Store.Postgres.Connections;
using Postrider.Store.Postgres.Queue;

namespace Postrider.Store.Postgres.Messages;

/// <summary>One message with all that has become of it: one statement, and so one snapshot.</summary>
static class MessageReads
{
    const string FindSql = $"""
        -- Primary keys, in one partition each.
        select {MessageRows.Columns},
            m.status, m.queued_at, m.sent_at, m.settled_at, m.error_message,
            q.phase, q.partly_accepted, coalesce(q.retry_count, m.retry_count), coalesce(q.held_due_at, q.due_at),
            t.ids, t.types, t.recipients, t.ats, t.data, q.retries_before
        from message m
        {MessageRows.JoinRecipients}
        left join queue q on q.lane = @lane and q.tenant_id = m.tenant_id and q.message_id = m.id
        cross join lateral (
            select array_agg(e.id order by e.id) as ids,
                array_agg(e.type order by e.id) as types,
                array_agg(e.recipient order by e.id) as recipients,
                array_agg(e.at order by e.id) as ats,
                array_agg(e.data order by e.id) as data
            from event e
            where e.lane = @lane and e.tenant_id = @tenant and e.message_id = @message) t
        where m.lane = @lane and m.tenant_id = @tenant and m.id = @message
        """;

    public static async Task<MessageView?> FindAsync(NpgsqlConnection connection, TenantId tenant, MessageId id)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(FindSql).With("lane", Lane.Of(tenant)).With("tenant", tenant.Value).With("message", id.Value);
        if ((await batch.ReadAllAsync(Read)).FirstOrDefault() is not { } view)
            return null;
        return view.Message.Body is { } hash && await ContentRows.ReadAllAsync(connection, tenant, hash) is { } content
            ? view with { Body = MessageBody.FromContent(content) }
            : view;
    }

    static MessageView Read(NpgsqlDataReader row)
    {
        const int First = MessageRows.ColumnCount;
        var retries = row.GetInt32(First + 7);
        var waits = !row.IsDBNull(First + 5) && row.GetInt16(First + 5) == (short)Phase.Waiting;
        return new MessageView
        {
            Message = MessageRows.Read(row),
            Status = Status(row, settled: First, phase: First + 5, partlyAccepted: First + 6),
            QueuedAt = row.Time(First + 1),
            SentAt = row.TimeOrNull(First + 2),
            SettledAt = row.TimeOrNull(First + 3),
            ErrorMessage = row.TextOrNull(First + 4),
            RetryCount = retries,
            NextRetryAt = waits && retries > row.GetInt32(First + 14) ? row.Time(First + 8) : null,
            Events = Events(row, First + 9),
        };
    }

    /// <summary>In the order they were written: ids ascend.</summary>
    static MessageEvent[] Events(NpgsqlDataReader row, int first)
    {
        var ids = row.Array<Guid>(first);
        var types = row.Array<short>(first + 1);
        var recipients = row.Array<int>(first + 2);
        var ats = row.Array<DateTimeOffset>(first + 3);
        var data = row.Array<string?>(first + 4);
        var events = new MessageEvent[ids.Length];
        for (var i = 0; i < events.Length; i++)
        {
            events[i] = new MessageEvent(
                new EventId(ids[i]), (EventType)types[i], recipients[i], ats[i],
                data[i] is { } json ? EventData.FromJson(Encoding.UTF8.GetBytes(json)) : null);
        }
        return events;
    }

    /// <param name="settled">Column of the message's own status; while that is null, its queue row tells.</param>
    public static MessageStatus Status(NpgsqlDataReader row, int settled, int phase, int partlyAccepted) => row.IsDBNull(settled)
        ? LiveState.StatusIn((Phase)row.GetInt16(phase), row.GetBoolean(partlyAccepted))
        : (MessageStatus)row.GetInt16(settled);

    const string TenantsSql = """
        select id from tenant
        """;

    const string TenantOfSql = """
        -- Primary key: a seek a tenant. For the command line, not for requests.
        select m.tenant_id from unnest(@tenants) as t (id)
        join message m on m.lane = @lane and m.tenant_id = t.id and m.id = @message
        """;

    public static async Task<TenantId?> FindTenantOfAsync(NpgsqlConnection connection, MessageId id)
    {
        List<TenantId> tenants;
        await using (var all = new NpgsqlBatch(connection))
        {
            all.Add(TenantsSql);
            tenants = await all.ReadAllAsync(row => new TenantId(row.GetGuid(0)));
        }
        if (tenants.Count == 0)
            return null;
        await using var batch = new NpgsqlBatch(connection);
        foreach (var lane in tenants.GroupBy(Lane.Of))
        {
            batch.Add(TenantOfSql).With("lane", lane.Key).With("message", id.Value)
                .WithAll("tenants", NpgsqlDbType.Uuid, [.. lane.Select(tenant => tenant.Value)]);
        }
        var found = await batch.ReadAllAsync(row => new TenantId(row.GetGuid(0)));
        return found is [var tenant, ..] ? tenant : null;
    }
}
