using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Store.Sqlite.Connections;
using Postrider.Store.Sqlite.Messages;
using Postrider.Store.Sqlite.Writing;

namespace Postrider.Store.Sqlite.Queue;

/// <summary>Takes messages back from workers that are gone: a new generation, so that a late one cannot speak, and due now.</summary>
static class LeaseRelease
{
    const string LeasedSql = """
        -- Index queue_leased: the few rows that are leased.
        select tenant_id, message_id, domain, phase, partly_accepted, retry_count, batch_id, lease_owner, lease_until
        from queue indexed by queue_leased
        where phase > 0
        """;

    /// <returns>The backlogs they went back to.</returns>
    public static IReadOnlyList<Backlog> Release(WriteSession session, DateTimeOffset now, Func<NodeId, bool>? alsoOf)
    {
        var expired = new List<Expired>();
        var leased = session.Connection.Prepare(LeasedSql);
        while (leased.Step())
        {
            if (leased.Time(8) < now || (alsoOf is not null && alsoOf(new NodeId(leased.Guid(7)))))
                expired.Add(Read(leased));
        }
        var backlogs = new HashSet<BacklogKey>();
        foreach (var lease in expired)
        {
            Release(session, lease, now);
            backlogs.Add(lease.Backlog);
        }
        return [.. backlogs.Select(key => new Backlog(key, now))];
    }

    const string ReleaseSql = """
        update queue set
            phase = 0,
            due_at = @due_at,
            held_due_at = @held_due_at,
            retry_count = @retry_count,
            generation = generation + 1,
            lease_owner = null,
            lease_until = null
        where tenant_id = @tenant and message_id = @message
        """;

    static void Release(WriteSession session, Expired lease, DateTimeOffset now)
    {
        var tenant = lease.Backlog.Tenant;
        var uncertain = lease.State.Phase == Phase.Sending;
        var due = WaitsAgain.At(now, session.Connection, tenant, lease.State.Batch, lease.State.PartlyAccepted);
        session.Connection.Prepare(ReleaseSql)
            .Bind(due.DueAt).Bind(due.HeldDueAt).Bind(lease.State.RetryCount + (uncertain ? 1 : 0))
            .Bind(tenant.Value).Bind(lease.Message.Value).Run();
        if (uncertain)
            NoteUncertain(session, tenant, lease, now);
        session.Counters.Move(
            tenant, lease.Message, lease.State.Batch, lease.State.Status,
            LiveState.StatusIn(Phase.Waiting, lease.State.PartlyAccepted), now);
    }

    const string OpenRecipientsSql = """
        select ordinal from recipient
        where tenant_id = @tenant and message_id = @message and state = 0
        order by ordinal
        """;

    /// <summary>The remote may have taken the message without our hearing of it.</summary>
    static void NoteUncertain(WriteSession session, TenantId tenant, Expired lease, DateTimeOffset now)
    {
        var data = EventData.Unheard(lease.State.RetryCount + 1, now).ToJson();
        var open = session.Connection.Prepare(OpenRecipientsSql).Bind(tenant.Value).Bind(lease.Message.Value);
        while (open.Step())
        {
            var deferred = new MessageEvent(new EventId(session.Ids.Next()), EventType.Deferred, open.Int32(0), now, Data: null);
            EventRows.Insert(session.Connection, tenant, lease.Message, new EncodedEvent(deferred, data));
        }
    }

    static Expired Read(Statement row)
    {
        var batch = row.GuidOrNull(6);
        return new Expired(
            new BacklogKey(new TenantId(row.Guid(0)), row.Text(2)), new MessageId(row.Guid(1)),
            new LiveState((Phase)row.Int32(3), row.Bool(4), row.Int32(5), batch is { } id ? new BatchId(id) : null));
    }

    readonly record struct Expired(BacklogKey Backlog, MessageId Message, LiveState State);
}
