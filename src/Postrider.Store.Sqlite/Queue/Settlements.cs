using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Store.Sqlite.Connections;
using Postrider.Store.Sqlite.Messages;
using Postrider.Store.Sqlite.Suppressions;
using Postrider.Store.Sqlite.Writing;

namespace Postrider.Store.Sqlite.Queue;

/// <summary>Records what an attempt came to.</summary>
static class Settlements
{
    /// <exception cref="ArgumentException">The status does not go with what becomes of the queue row: a bug of the caller's.</exception>
    public static void Check(Settlement settlement)
    {
        var fits = settlement.Then switch
        {
            Continuation.Done => settlement.Status.IsSettled(),
            Continuation.Requeue => settlement.Status is MessageStatus.Queued or MessageStatus.Sent,
            _ => settlement.Status is MessageStatus.Processing or MessageStatus.Rendered or MessageStatus.Sending or MessageStatus.Sent,
        };
        if (!fits)
            throw new ArgumentException(
                $"A message cannot be {settlement.Status} and {settlement.Then.GetType().Name}.", nameof(settlement));
    }

    public static bool Settle(WriteSession session, Settlement settlement, EncodedEvent[] events)
    {
        var db = session.Connection;
        var lease = settlement.Lease;
        if (Leases.Held(db, lease) is not { } state)
            return false;

        foreach (var outcome in settlement.Recipients)
            Update(db, settlement, outcome);
        foreach (var one in events)
            EventRows.Insert(db, lease.Tenant, lease.Message, one);
        foreach (var row in settlement.Suppressions)
            SuppressionTable.Add(db, lease.Tenant, row);
        var status = settlement.Status;
        switch (settlement.Then)
        {
            case Continuation.Done:
                Finish(db, settlement);
                break;
            case Continuation.Requeue requeue:
                Requeue(db, settlement, requeue, state.Batch);
                break;
            default:
                status = GoOn(db, settlement, state);
                break;
        }
        session.Counters.Move(lease.Tenant, lease.Message, state.Batch, state.Status, status, settlement.At);
        return true;
    }

    const string UpdateRecipientSql = """
        update recipient set
            state = @state,
            last_reply = coalesce(@last_reply, last_reply),
            settled_at = case when @state > 0 then @at end
        where tenant_id = @tenant and message_id = @message and ordinal = @ordinal
        """;

    static void Update(Connection db, Settlement settlement, RecipientOutcome outcome) =>
        db.Prepare(UpdateRecipientSql)
            .Bind((long)outcome.State).Bind(outcome.LastReply).Bind(settlement.At)
            .Bind(settlement.Lease.Tenant.Value).Bind(settlement.Lease.Message.Value).Bind(outcome.Ordinal).Run();

    const string DequeueSql = """
        delete from queue
        where tenant_id = @tenant and message_id = @message
        """;

    const string FinishSql = """
        update message set
            status = @status,
            settled_at = @at,
            sent_at = coalesce(sent_at, @sent_at),
            retry_count = @retry_count,
            generation = @generation,
            error_message = @error
        where tenant_id = @tenant and id = @message
        """;

    static void Finish(Connection db, Settlement settlement)
    {
        var (tenant, message) = (settlement.Lease.Tenant.Value, settlement.Lease.Message.Value);
        db.Prepare(DequeueSql).Bind(tenant).Bind(message).Run();
        db.Prepare(FinishSql)
            .Bind((long)settlement.Status).Bind(settlement.At).Bind(settlement.SentAt).Bind(settlement.RetryCount)
            .Bind(settlement.Lease.Generation).Bind(settlement.ErrorMessage).Bind(tenant).Bind(message).Run();
    }

    const string RequeueSql = """
        update queue set
            phase = 0,
            due_at = @due_at,
            held_due_at = @held_due_at,
            domain = @domain,
            partly_accepted = @partly_accepted,
            retry_count = @retry_count,
            lease_owner = null,
            lease_until = null
        where tenant_id = @tenant and message_id = @message
        """;

    static void Requeue(Connection db, Settlement settlement, Continuation.Requeue requeue, BatchId? batch)
    {
        var partlyAccepted = settlement.Status == MessageStatus.Sent;
        var due = WaitsAgain.At(requeue.DueAt, db, settlement.Lease.Tenant, batch, partlyAccepted);
        db.Prepare(RequeueSql)
            .Bind(due.DueAt).Bind(due.HeldDueAt).Bind(requeue.QueueDomain).Bind(partlyAccepted).Bind(settlement.RetryCount)
            .Bind(settlement.Lease.Tenant.Value).Bind(settlement.Lease.Message.Value).Run();
        Note(db, settlement, settlement.ErrorMessage);
    }

    const string GoOnSql = """
        update queue set partly_accepted = @partly_accepted, retry_count = @retry_count
        where tenant_id = @tenant and message_id = @message
        """;

    /// <summary>The phase stays: another recipient may be about to be sent to, or being sent to.</summary>
    /// <returns>What it shows as.</returns>
    static MessageStatus GoOn(Connection db, Settlement settlement, LiveState state)
    {
        var partlyAccepted = settlement.Status == MessageStatus.Sent;
        db.Prepare(GoOnSql)
            .Bind(partlyAccepted).Bind(settlement.RetryCount)
            .Bind(settlement.Lease.Tenant.Value).Bind(settlement.Lease.Message.Value).Run();
        if (settlement.SentAt is not null || settlement.ErrorMessage is not null)
            Note(db, settlement, settlement.ErrorMessage);
        return LiveState.StatusIn(state.Phase, partlyAccepted);
    }

    const string NoteSql = """
        update message set sent_at = coalesce(sent_at, @sent_at), error_message = @error
        where tenant_id = @tenant and id = @message
        """;

    static void Note(Connection db, Settlement settlement, string? error) =>
        db.Prepare(NoteSql)
            .Bind(settlement.SentAt).Bind(error).Bind(settlement.Lease.Tenant.Value).Bind(settlement.Lease.Message.Value).Run();
}
