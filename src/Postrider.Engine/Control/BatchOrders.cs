using Postrider.Engine.Messages;
using Postrider.Engine.Queue;

namespace Postrider.Engine.Control;

/// <summary>What may be done to a whole batch. The numbers are what the stores keep.</summary>
public enum BatchAction : byte
{
    /// <summary>What is not being sent yet is cancelled, now and whenever more is added.</summary>
    Cancel = 0,

    /// <summary>What is not being sent yet is held, now and whenever more is added.</summary>
    Pause = 1,

    /// <summary>Takes a pause or a cancel away; what was cancelled stays so.</summary>
    Resume = 2,

    /// <summary>What waits and was never tried is due at another time; a pause stays.</summary>
    Reschedule = 3,
}

/// <param name="DueAt">Of a reschedule.</param>
public sealed record BatchOrder(BatchKey Batch, BatchAction Action, DateTimeOffset At, DateTimeOffset? DueAt = null)
{
    /// <summary>The state it puts the batch in; null to leave it.</summary>
    public BatchState? Target => Action switch
    {
        BatchAction.Cancel => BatchState.Cancelled,
        BatchAction.Pause => BatchState.Paused,
        BatchAction.Resume => BatchState.Open,
        _ => null,
    };
}

public readonly record struct BatchKey(TenantId Tenant, BatchId Batch);

/// <param name="Owner">Who does the work; another node leaves the order alone until <paramref name="LeaseUntil"/>.</param>
/// <param name="Messages">Looked at in one transaction, at most.</param>
public sealed record BatchPage(BatchKey Batch, NodeId Owner, DateTimeOffset Now, DateTimeOffset LeaseUntil, int Messages);

public enum BatchWork
{
    /// <summary>There is another page.</summary>
    More,
    Done,

    /// <summary>Another node has it.</summary>
    NotOurs,
}

/// <param name="Waiting">Backlogs in which messages are due at another time than before.</param>
public sealed record BatchPageResult(BatchWork Work, IReadOnlyList<Backlog> Waiting);

/// <summary>
/// Orders to whole batches. An order is one row, written with the batch's state; the messages follow a page at a time, each page one
/// transaction with the order's cursor, so that whoever goes on after a crash goes on where it stopped.
/// </summary>
public interface IBatchOrderStore
{
    /// <summary>
    /// Writes the order in place of the one before it. The state holds from here on: what is accepted into a paused batch is held, and what
    /// is accepted into a cancelled one is held and cancelled by the order's next page. A reschedule that was not finished goes on within
    /// this order.
    /// </summary>
    /// <returns>False when there is no such batch, or it is another tenant's: nothing was written.</returns>
    Task<bool> OrderAsync(BatchOrder order, CancellationToken cancel);

    /// <summary>
    /// Orders that have work left and nobody doing it: of nodes that are gone, and those that new messages gave more to do.
    /// </summary>
    Task<IReadOnlyList<BatchKey>> PendingOrdersAsync(DateTimeOffset now, int limit, CancellationToken cancel);

    /// <summary>
    /// Brings the next messages of the batch to the state that the order asks for, by the conditions of <see cref="ControlRules"/>: queued,
    /// processing and rendered messages are cancelled or held, and their leases are void; held ones are released, due when they were.
    /// </summary>
    Task<BatchPageResult> RunPageAsync(BatchPage page, CancellationToken cancel);

    /// <summary>The tenant's batches that are paused or cancelled, newest first.</summary>
    Task<IReadOnlyList<BatchView>> HeldBatchesAsync(TenantId tenant, int limit, CancellationToken cancel);
}

/// <summary>When a held message is due, to claims. The real time is kept beside it.</summary>
public static class Held
{
    public static DateTimeOffset DueAt { get; } = new(9999, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>
    /// Orders look again at ids as old as this before their cursor: nodes' clocks differ, and an accept takes its time to commit.
    /// </summary>
    public static TimeSpan Tail { get; } = TimeSpan.FromMinutes(10);
}
