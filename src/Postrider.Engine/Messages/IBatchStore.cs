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
public sealed record BatchView(BatchId Id, IReadOnlyList<long> Counts, DateTimeOffset? CompletedAt);
