using Postrider.Engine.Messages;
using Postrider.Store.Sqlite.Connections;
using Postrider.Store.Sqlite.Queue;

namespace Postrider.Store.Sqlite.Messages;

/// <summary>One message with all that has become of it, in one snapshot.</summary>
static class MessageReads
{
    const string StateSql = """
        -- Primary keys.
        select m.status, m.queued_at, m.sent_at, m.settled_at, m.error_message,
            q.phase, q.partly_accepted, coalesce(q.retry_count, m.retry_count), coalesce(q.held_due_at, q.due_at),
            q.retries_before
        from message m
        left join queue q on q.tenant_id = m.tenant_id and q.message_id = m.id
        where m.tenant_id = @tenant and m.id = @message
        """;

    public static MessageView? Find(Connection db, TenantId tenant, MessageId id)
    {
        if (MessageRows.Load(db, tenant, id) is not { } message)
            return null;
        var row = db.Prepare(StateSql).Bind(tenant.Value).Bind(id.Value);
        row.Step();
        var retries = row.Int32(7);
        var view = new MessageView
        {
            Message = message,
            Status = Status(row, settled: 0, phase: 5, partlyAccepted: 6),
            QueuedAt = row.Time(1),
            SentAt = row.TimeOrNull(2),
            SettledAt = row.TimeOrNull(3),
            ErrorMessage = row.TextOrNull(4),
            RetryCount = retries,
            NextRetryAt = !row.IsNull(5) && retries > row.Int32(9) && row.Int32(5) == (int)Phase.Waiting ? row.Time(8) : null,
            Body = message.Body is { } hash && ContentRows.ReadAll(db, tenant, hash) is { } content
                ? MessageBody.FromContent(content) : null,
            Events = EventRows.Read(db, tenant, id),
        };
        row.Reset();
        return view;
    }

    /// <param name="settled">Column of the message's own status; while that is null, its queue row tells.</param>
    public static MessageStatus Status(Statement row, int settled, int phase, int partlyAccepted) =>
        row.IsNull(settled) ? LiveState.StatusIn((Phase)row.Int32(phase), row.Bool(partlyAccepted)) : (MessageStatus)row.Int32(settled);

    const string TenantOfSql = """
        -- One seek a tenant: for the command line, not for requests.
        select t.id from tenant t
        cross join message m on m.tenant_id = t.id and m.id = @message
        """;

    public static TenantId? FindTenantOf(Connection db, MessageId id)
    {
        var row = db.Prepare(TenantOfSql).Bind(id.Value);
        if (!row.Step())
            return null;
        var tenant = new TenantId(row.Guid(0));
        row.Reset();
        return tenant;
    }
}
