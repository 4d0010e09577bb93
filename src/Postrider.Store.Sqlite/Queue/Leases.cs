using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Store.Sqlite.Connections;
using Postrider.Store.Sqlite.Writing;

namespace Postrider.Store.Sqlite.Queue;

/// <summary>The live states a queue row goes through. The numbers are what is stored, and those of the statuses they show as.</summary>
enum Phase
{
    Waiting = 0,
    Processing = 1,
    Rendered = 2,
    Sending = 3,
}

/// <summary>What a transition has to know of a queue row.</summary>
readonly record struct LiveState(Phase Phase, bool PartlyAccepted, int RetryCount, BatchId? Batch)
{
    /// <summary>A message that some recipient's MX accepted stays <c>sent</c> while others are tried.</summary>
    public MessageStatus Status => StatusIn(Phase, PartlyAccepted);

    public static MessageStatus StatusIn(Phase phase, bool partlyAccepted) => partlyAccepted ? MessageStatus.Sent : (MessageStatus)phase;
}

/// <summary>Steps of a lease. All ask first whether it is still held: the row exists, is leased, and has the lease's generation.</summary>
static class Leases
{
    const string HeldSql = """
        -- Primary key.
        select phase, partly_accepted, retry_count, batch_id from queue
        where tenant_id = @tenant and message_id = @message and generation = @generation and phase > 0
        """;

    /// <returns>Null when the lease is no longer ours. As there is one writer, the answer holds until the commit.</returns>
    public static LiveState? Held(Connection db, LeaseKey lease)
    {
        var read = db.Prepare(HeldSql).Bind(lease.Tenant.Value).Bind(lease.Message.Value).Bind(lease.Generation);
        if (!read.Step())
            return null;
        var batch = read.GuidOrNull(3);
        var state = new LiveState((Phase)read.Int32(0), read.Bool(1), read.Int32(2), batch is { } id ? new BatchId(id) : null);
        read.Reset();
        return state;
    }

    const string AdvanceSql = """
        update queue set phase = @to
        where tenant_id = @tenant and message_id = @message
        """;

    /// <summary>Forward only; <paramref name="to"/> may pass over rendered.</summary>
    public static bool Advance(WriteSession session, LeaseKey lease, Phase to)
    {
        if (Held(session.Connection, lease) is not { } state || state.Phase >= to)
            return false;
        session.Connection.Prepare(AdvanceSql).Bind((long)to).Bind(lease.Tenant.Value).Bind(lease.Message.Value).Run();
        // No step to or from a settled status, so no batch completes here: the time does not matter.
        Move(session, lease, state, LiveState.StatusIn(to, state.PartlyAccepted), DateTimeOffset.MinValue);
        return true;
    }

    const string ReturnSql = """
        update queue set phase = 0, due_at = @due_at, held_due_at = @held_due_at, lease_owner = null, lease_until = null
        where tenant_id = @tenant and message_id = @message
        """;

    public static bool Return(WriteSession session, LeaseKey lease, DateTimeOffset dueAt)
    {
        if (Held(session.Connection, lease) is not { } state)
            return false;
        var due = WaitsAgain.At(dueAt, session.Connection, lease.Tenant, state.Batch, state.PartlyAccepted);
        session.Connection.Prepare(ReturnSql).Bind(due.DueAt).Bind(due.HeldDueAt).Bind(lease.Tenant.Value).Bind(lease.Message.Value).Run();
        Move(session, lease, state, LiveState.StatusIn(Phase.Waiting, state.PartlyAccepted), DateTimeOffset.MinValue);
        return true;
    }

    const string RenewSql = """
        -- Index queue_leased: the few rows that are leased.
        update queue indexed by queue_leased set lease_until = @until
        where phase > 0 and lease_owner = @owner
        """;

    public static int Renew(WriteSession session, NodeId owner, DateTimeOffset until)
    {
        session.Connection.Prepare(RenewSql).Bind(until).Bind(owner.Value).Run();
        return session.Connection.Changes;
    }

    static void Move(WriteSession session, LeaseKey lease, LiveState state, MessageStatus to, DateTimeOffset at) =>
        session.Counters.Move(lease.Tenant, lease.Message, state.Batch, state.Status, to, at);
}
