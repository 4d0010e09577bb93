using Postrider.Engine.Messages;
using Postrider.Engine.Suppressions;

namespace Postrider.Engine.Queue;

/// <summary>
/// The queue of record. Each write is one transaction; a write under a lease names its generation and changes nothing once that is old.
/// </summary>
public interface IQueueStore
{
    /// <summary>
    /// Leases due messages of one backlog, oldest due first; their generation goes up by one and their status to processing.
    /// </summary>
    Task<ClaimResult> ClaimAsync(Claim claim, CancellationToken cancel);

    /// <summary>
    /// Leases waiting messages that are past their lifetime, whatever their backlog's state (contracts/scaisend.md §8.3: 72 h).
    /// </summary>
    Task<IReadOnlyList<LeasedMessage>> ClaimExpiredAsync(ClaimExpired claim, CancellationToken cancel);

    /// <summary>processing → rendered. A message already partly accepted stays <c>sent</c>.</summary>
    /// <returns>False when the lease is no longer ours: cancelled, retried, taken over.</returns>
    Task<bool> MarkRenderedAsync(LeaseKey lease, CancellationToken cancel);

    /// <summary>
    /// rendered → sending, committed before the socket is used for the message. Cancel is the competing write. <c>processing</c> goes there
    /// too: nobody waits for <see cref="MarkRenderedAsync"/> before asking for this.
    /// </summary>
    Task<bool> MarkSendingAsync(LeaseKey lease, CancellationToken cancel);

    /// <summary>
    /// Records what an attempt came to: recipients, events, counters, status, and what becomes of the queue row. It may be asked again with
    /// the same events when nobody could tell whether it was committed: events that are there already stay as they are.
    /// </summary>
    Task<bool> SettleAsync(Settlement settlement, CancellationToken cancel);

    /// <summary>Gives a lease back unused: queued again, due as before, no attempt counted.</summary>
    Task<bool> ReturnAsync(LeaseKey lease, DateTimeOffset dueAt, CancellationToken cancel);

    /// <summary>Moves the end of every lease of this node.</summary>
    Task RenewAsync(NodeId owner, DateTimeOffset until, CancellationToken cancel);

    /// <summary>
    /// Puts messages whose lease ended before <paramref name="now"/> back in the queue, due now. For one that was <c>sending</c> the
    /// outcome is unknown: each open recipient gets a deferred event with <see cref="EventData.Uncertain"/>.
    /// </summary>
    /// <param name="alsoOf">Owners known to be dead: all nodes but this one when the store serves only one.</param>
    Task<IReadOnlyList<Backlog>> ReleaseExpiredAsync(DateTimeOffset now, Func<NodeId, bool>? alsoOf, CancellationToken cancel);

    /// <summary>
    /// What was due by the clock before it was set back is due still, and what was to be tried again is so after the same wait. What is
    /// scheduled for a time that is still to come keeps it.
    /// </summary>
    Task SetBackAsync(ClockSetBack clock, CancellationToken cancel);

    /// <summary>Backlogs in key order, after <paramref name="after"/>: what the dispatcher starts from, and its safety net.</summary>
    Task<IReadOnlyList<Backlog>> BacklogsAsync(BacklogKey? after, int limit, CancellationToken cancel);

    /// <summary>The same with what waits counted, for the operator: reads every waiting row's index entry.</summary>
    Task<IReadOnlyList<BacklogView>> DescribeBacklogsAsync(BacklogKey? after, int limit, CancellationToken cancel);

    Task<QueueSummary> SummaryAsync(DateTimeOffset now, CancellationToken cancel);
}

/// <summary>
/// What waits for one domain on behalf of one tenant: the unit the dispatcher takes turns by, so that no tenant waits behind another.
/// </summary>
/// <param name="Domain">A-label, or empty for messages to several domains.</param>
public readonly record struct BacklogKey(TenantId Tenant, string Domain);

/// <param name="NextDueAt">When its earliest waiting message is due.</param>
public readonly record struct Backlog(BacklogKey Key, DateTimeOffset NextDueAt);

/// <param name="Waiting">Messages not leased by anybody.</param>
/// <param name="Oldest">The message accepted first of those that wait.</param>
/// <param name="LastReply">What an MX last said to, or about, the message that is tried next; null when none was tried yet.</param>
public sealed record BacklogView(Backlog Backlog, long Waiting, MessageId Oldest, string? LastReply);

public sealed record Claim(BacklogKey Backlog, DateTimeOffset Now, int Limit, NodeId Owner, DateTimeOffset LeaseUntil);

/// <param name="NextDueAt">When the earliest message still waiting in this backlog is due; null when none waits.</param>
public sealed record ClaimResult(IReadOnlyList<LeasedMessage> Messages, DateTimeOffset? NextDueAt);

/// <param name="DueBefore">A message first due before this is past its lifetime.</param>
public sealed record ClaimExpired(DateTimeOffset DueBefore, int Limit, NodeId Owner, DateTimeOffset LeaseUntil);

/// <param name="From">What the clock would show.</param>
/// <param name="To">What it shows.</param>
/// <param name="WroteAll">No other node's clock is in the queue: times of retries are by this one.</param>
public sealed record ClockSetBack(DateTimeOffset From, DateTimeOffset To, bool WroteAll);

public readonly record struct LeaseKey(TenantId Tenant, MessageId Message, int Generation);

/// <param name="Message">Recipients carry their states: only open ones are to be mailed.</param>
/// <param name="RetryCount">Attempts that failed for now, before this one.</param>
/// <param name="FirstDueAt">Release time of this run of attempts: its lifetime counts from here.</param>
public sealed record LeasedMessage(StoredMessage Message, string QueueDomain, int Generation, int RetryCount, DateTimeOffset FirstDueAt)
{
    public LeaseKey Key => new(Message.Tenant, Message.Id, Generation);

    /// <summary>Of <see cref="RetryCount"/>, what was counted before this run of attempts: a retry by hand begins a new one.</summary>
    public int RetriesBefore { get; init; }
}

/// <summary>What one attempt, or one recipient's part of it, came to.</summary>
public sealed record Settlement
{
    public required LeaseKey Lease { get; init; }
    public required DateTimeOffset At { get; init; }
    public required IReadOnlyList<RecipientOutcome> Recipients { get; init; }
    public required IReadOnlyList<MessageEvent> Events { get; init; }

    /// <summary>
    /// The message's status after this. While recipients are still under way only <c>sent</c> changes it: what is decided about one
    /// recipient does not tell whether another is being sent to.
    /// </summary>
    public required MessageStatus Status { get; init; }
    public required Continuation Then { get; init; }
    public required int RetryCount { get; init; }

    /// <summary>When the first recipient's MX of this attempt accepted it; what an earlier attempt left stays.</summary>
    public DateTimeOffset? SentAt { get; init; }
    public string? ErrorMessage { get; init; }

    /// <summary>Rows of the bounce list that the events leave, each under its event's id.</summary>
    public IReadOnlyList<Suppression> Suppressions { get; init; } = [];

    /// <summary>For a store, before it writes.</summary>
    /// <exception cref="ArgumentException">
    /// <see cref="Status"/> does not go with what becomes of the queue row: a bug of the caller's.
    /// </exception>
    public void Check()
    {
        var fits = Then switch
        {
            Continuation.Done => Status.IsSettled(),
            Continuation.Requeue => Status is MessageStatus.Queued or MessageStatus.Sent,
            _ => Status is MessageStatus.Processing or MessageStatus.Rendered or MessageStatus.Sending or MessageStatus.Sent,
        };
        if (!fits)
            throw new ArgumentException($"A message cannot be {Status} and {Then.GetType().Name}.");
    }
}

public sealed record RecipientOutcome(int Ordinal, RecipientState State, string? LastReply);

public abstract record Continuation
{
    Continuation() { }

    /// <summary>Recipients of this attempt are still under way: the lease is kept.</summary>
    public sealed record Underway : Continuation
    {
        public static Underway Instance { get; } = new();
    }

    /// <summary>Back into the queue.</summary>
    public sealed record Requeue(DateTimeOffset DueAt, string QueueDomain) : Continuation;

    /// <summary>Settled for good: the queue row goes.</summary>
    public sealed record Done : Continuation
    {
        public static Done Instance { get; } = new();
    }
}

/// <param name="OldestDue">When the message that has been due longest became so; null when nothing is due.</param>
/// <param name="Overdue">Leases that ended before now and were not taken over: 0 unless something is stuck.</param>
public sealed record QueueSummary(long Live, long Leased, DateTimeOffset? OldestDue, long Overdue);
