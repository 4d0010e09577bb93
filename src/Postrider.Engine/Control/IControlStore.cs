using Postrider.Engine.Messages;
using Postrider.Engine.Queue;

namespace Postrider.Engine.Control;

/// <summary>
/// Cancel, retry and fail as conditional writes. They compete with the writes of whoever holds the lease; exactly one wins.
/// </summary>
public interface IControlStore
{
    /// <summary>
    /// One transaction with recipients, counters, batch, queue row and an event of the audit trail; it takes place where
    /// <see cref="ControlRules"/> say so. Cancel and fail settle the open recipients and remove the queue row, so that no lease can speak
    /// of it any more; retry opens all recipients that nobody accepted and makes the message due now under a new generation.
    /// </summary>
    Task<ControlResult> ChangeAsync(ControlWrite write, CancellationToken cancel);

    /// <summary>
    /// Keeps the answer to an attempt that was running when its message was failed by hand: the event, and that a recipient has the
    /// message. The status stays.
    /// </summary>
    /// <returns>False when the message is not one that was failed under this lease: then nothing is written.</returns>
    Task<bool> NoteLateAsync(LeaseKey lease, MessageEvent late, CancellationToken cancel);
}

/// <param name="Event">Of the audit trail; made once, so that a write nobody heard of can be recognised.</param>
public sealed record ControlWrite(TenantId Tenant, MessageId Message, ControlAction Action, DateTimeOffset At, EventId Event)
{
    /// <summary>Of a fail: becomes the message's error.</summary>
    public string? Reason { get; init; }

    /// <summary>The generation whose holder has stopped before any final dot: a message that is sending under it may be retried.</summary>
    public int? GivenUp { get; init; }

    public MessageEvent AuditEvent => new(
        Event,
        Action switch
        {
            ControlAction.Cancel => EventType.Cancelled,
            ControlAction.Retry => EventType.Retried,
            _ => EventType.FailedByHand,
        },
        0, At, Reason is null ? null : new EventData { Reason = Reason });
}

/// <summary>What a write came to.</summary>
public abstract record ControlResult
{
    ControlResult() { }

    /// <summary>There is none, or it is another tenant's.</summary>
    public sealed record NotFound : ControlResult
    {
        public static NotFound Instance { get; } = new();
    }

    /// <param name="Status">After it; of a retry <c>queued</c>, also when some recipient has the message already.</param>
    /// <param name="Generation">Leases up to this one are void.</param>
    /// <param name="Waiting">What a retry put into the queue.</param>
    public sealed record Changed(MessageStatus Status, int Generation, Backlog? Waiting) : ControlResult;

    /// <summary>The state it lost to, read in the same transaction.</summary>
    public sealed record Kept(MessageStatus Status, bool Tried) : ControlResult;
}
