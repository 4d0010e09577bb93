using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Store.Sqlite.Connections;
using Postrider.Store.Sqlite.Messages;
using Postrider.Store.Sqlite.Writing;

namespace Postrider.Store.Sqlite.Queue;

/// <summary>Cancel, retry and fail. As there is one writer, what is read here holds until the commit.</summary>
static class Controls
{
    const string LiveSql = """
        -- Primary key.
        select phase, partly_accepted, retry_count, batch_id, generation from queue
        where tenant_id = @tenant and message_id = @message
        """;

    const string SettledSql = """
        -- Primary key.
        select status, retry_count, batch_id, generation from message
        where tenant_id = @tenant and id = @message and status is not null
        """;

    public static ControlResult Change(WriteSession session, ControlWrite write, EncodedEvent audit)
    {
        if (Read(session.Connection, write) is not { } state)
            return ControlResult.NotFound.Instance;

        var rule = ControlRules.Of(write.Action, state.Status, state.RetryCount > 0);
        var isTaken = rule == ControlRule.Taken || (rule == ControlRule.AsksHolder && write.GivenUp == state.Generation);
        var domain = isTaken && write.Action == ControlAction.Retry ? DomainOfUnaccepted(session.Connection, write) : "";
        // Everybody has it already: failed by hand, and then its answer came.
        if (!isTaken || domain is null)
            return new ControlResult.Kept(state.Status, state.RetryCount > 0);

        var to = write.Action == ControlAction.Retry
            ? Retry(session.Connection, write, state, domain) : Settle(session.Connection, write, state);
        EventRows.Insert(session.Connection, write.Tenant, write.Message, audit);
        session.Counters.Move(write.Tenant, write.Message, state.Batch, state.Status, to, write.At);
        return new ControlResult.Changed(
            to, state.Generation,
            write.Action == ControlAction.Retry ? new Backlog(new BacklogKey(write.Tenant, domain), write.At) : null);
    }

    static State? Read(Connection db, ControlWrite write)
    {
        var live = db.Prepare(LiveSql).Bind(write.Tenant.Value).Bind(write.Message.Value);
        if (live.Step())
        {
            var state = new State(LiveState.StatusIn((Phase)live.Int32(0), live.Bool(1)), live.Int32(2), BatchOf(live, 3), live.Int32(4));
            live.Reset();
            return state;
        }
        var settled = db.Prepare(SettledSql).Bind(write.Tenant.Value).Bind(write.Message.Value);
        if (settled.Step())
        {
            var state = new State((MessageStatus)settled.Int32(0), settled.Int32(1), BatchOf(settled, 2), settled.Int32(3));
            settled.Reset();
            return state;
        }
        return null;
    }

    static BatchId? BatchOf(Statement row, int column) => row.GuidOrNull(column) is { } id ? new BatchId(id) : null;

    const string CloseRecipientsSql = """
        update recipient set state = @state, settled_at = @at
        where tenant_id = @tenant and message_id = @message and state = 0
        """;

    const string DequeueSql = """
        delete from queue
        where tenant_id = @tenant and message_id = @message
        """;

    const string SettleSql = """
        update message set
            status = @status,
            settled_at = @at,
            retry_count = @retry_count,
            generation = @generation,
            error_message = coalesce(@error, error_message)
        where tenant_id = @tenant and id = @message
        """;

    static MessageStatus Settle(Connection db, ControlWrite write, State state)
    {
        var (status, recipient) = write.Action == ControlAction.Cancel
            ? (MessageStatus.Cancelled, RecipientState.Cancelled) : (MessageStatus.Failed, RecipientState.Failed);
        var (tenant, message) = (write.Tenant.Value, write.Message.Value);
        db.Prepare(CloseRecipientsSql).Bind((long)recipient).Bind(write.At).Bind(tenant).Bind(message).Run();
        db.Prepare(DequeueSql).Bind(tenant).Bind(message).Run();
        db.Prepare(SettleSql)
            .Bind((long)status).Bind(write.At).Bind(state.RetryCount).Bind(state.Generation).Bind(write.Reason).Bind(tenant).Bind(message)
            .Run();
        return status;
    }

    const string UnacceptedSql = """
        -- Primary key.
        select address_key from recipient
        where tenant_id = @tenant and message_id = @message and state <> 1
        """;

    /// <returns>The domain that all of them share, empty for several; null when there is nobody.</returns>
    static string? DomainOfUnaccepted(Connection db, ControlWrite write)
    {
        string? shared = null;
        var several = false;
        var read = db.Prepare(UnacceptedSql).Bind(write.Tenant.Value).Bind(write.Message.Value);
        while (read.Step())
        {
            var key = read.Text(0);
            var domain = key[(key.LastIndexOf('@') + 1)..];
            several |= shared is not null && shared != domain;
            shared ??= domain;
        }
        return several ? "" : shared;
    }

    const string ReopenRecipientsSql = """
        update recipient set state = 0, settled_at = null
        where tenant_id = @tenant and message_id = @message and state > 1
        """;

    const string RequeueSql = """
        -- A settled message has no row; one that is live gets a new generation.
        insert into queue (
            tenant_id, message_id, domain, due_at, held_due_at, first_due_at, phase, partly_accepted, retry_count, retries_before,
            generation,
            batch_id)
        -- Whoever has it already is not mailed again; that a part was accepted shows with the next answer (contracts/scaisend.md §4.5.4).
        values (@tenant, @message, @domain, @due_at, @held_due_at, @at, 0, 0, @retry_count, @retry_count, @generation, @batch)
        on conflict do update set
            domain = excluded.domain,
            -- Held, it is due when it is released.
            due_at = case when held_due_at is null then excluded.due_at else due_at end,
            held_due_at = case when held_due_at is null then excluded.held_due_at else excluded.first_due_at end,
            first_due_at = excluded.first_due_at,
            phase = 0,
            partly_accepted = excluded.partly_accepted,
            retry_count = excluded.retry_count,
            retries_before = excluded.retries_before,
            generation = excluded.generation,
            lease_owner = null,
            lease_until = null
        """;

    const string ReviveSql = """
        update message set
            status = null,
            settled_at = null,
            queued_at = @at,
            sent_at = null,
            error_message = null
        where tenant_id = @tenant and id = @message
        """;

    static MessageStatus Retry(Connection db, ControlWrite write, State state, string domain)
    {
        var (tenant, message) = (write.Tenant.Value, write.Message.Value);
        db.Prepare(ReopenRecipientsSql).Bind(tenant).Bind(message).Run();
        var due = WaitsAgain.At(write.At, db, write.Tenant, state.Batch, partlyAccepted: false);
        db.Prepare(RequeueSql)
            .Bind(tenant).Bind(message).Bind(domain).Bind(due.DueAt).Bind(due.HeldDueAt).Bind(write.At)
            .Bind(state.RetryCount + 1).Bind(state.Generation + 1).Bind(state.Batch?.Value).Run();
        db.Prepare(ReviveSql).Bind(write.At).Bind(tenant).Bind(message).Run();
        return MessageStatus.Queued;
    }

    const string IsFailedSql = """
        -- Primary key.
        select 1 from message
        where tenant_id = @tenant and id = @message and status = 7 and generation = @generation
        """;

    const string LateAcceptanceSql = """
        update recipient set state = 1, last_reply = @reply, settled_at = @at
        where tenant_id = @tenant and message_id = @message and ordinal = @ordinal
        """;

    public static bool NoteLate(WriteSession session, LeaseKey lease, EncodedEvent late)
    {
        var db = session.Connection;
        var (tenant, message, one) = (lease.Tenant.Value, lease.Message.Value, late.Event);
        var failed = db.Prepare(IsFailedSql).Bind(tenant).Bind(message).Bind(lease.Generation);
        if (!failed.Step())
            return false;
        failed.Reset();
        EventRows.Insert(db, lease.Tenant, lease.Message, late);
        if (one.Type == EventType.Delivered)
            db.Prepare(LateAcceptanceSql).Bind(one.Data?.SmtpResponse).Bind(one.At).Bind(tenant).Bind(message).Bind(one.Recipient).Run();
        return true;
    }

    readonly record struct State(MessageStatus Status, int RetryCount, BatchId? Batch, int Generation);
}
