using Postrider.Engine.Control;

namespace Postrider.Engine.Messages;

/// <summary>Batches: a group of messages under one id, with totals kept by the transitions themselves.</summary>
public interface IBatchStore
{
    Task CreateAsync(TenantId tenant, BatchId batch, CancellationToken cancel);

    /// <returns>Null when there is none, or it is another tenant's.</returns>
    Task<BatchView?> FindAsync(TenantId tenant, BatchId batch, CancellationToken cancel);
}

/// <param name="Counts">By <see cref="MessageStatus"/>; their sum is the total at every instant.</param>
/// <param name="CompletedAt">When its last open message settled; null while any is open, and for an empty batch.</param>
public sealed record BatchView(BatchId Id, IReadOnlyList<long> Counts, DateTimeOffset? CompletedAt)
{
    public BatchState State { get; init; }

    /// <summary>What the batch was last told; null when it never was.</summary>
    public BatchProgress? Order { get; init; }
}

/// <summary>What holds for the messages of a batch, those added later included. The numbers are what the stores keep.</summary>
public enum BatchState : byte
{
    Open = 0,
    Paused = 1,
    Cancelled = 2,
}

/// <param name="Messages">Messages it has changed so far.</param>
/// <param name="DoneAt">Null while messages are left to look at.</param>
public sealed record BatchProgress(BatchAction Action, long Messages, DateTimeOffset At, DateTimeOffset? DoneAt);
