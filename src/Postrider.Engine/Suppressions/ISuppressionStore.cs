using Postrider.Engine.Messages;

namespace Postrider.Engine.Suppressions;

/// <summary>The suppression lists, always of one tenant. Rows that come of an attempt are written with its settlement instead
/// (<see cref="Queue.Settlement.Suppressions"/>).</summary>
public interface ISuppressionStore
{
    /// <summary>
    /// Every row that keeps mail from one of these addresses: soft and block rows of the bounce list do not. Reads what is committed at
    /// this moment, on any node; one statement for any number of addresses.
    /// </summary>
    /// <param name="addressKeys">Addresses in lower case (<see cref="Mail.Addresses.Mailbox.Key"/>).</param>
    Task<IReadOnlyList<Suppression>> FindBlockingAsync(TenantId tenant, IReadOnlyCollection<string> addressKeys, CancellationToken cancel);

    /// <summary>
    /// Adds rows in one transaction. The bounce list keeps the newest <see cref="Suppression.MostOfOneAddress"/> of an address and type; on
    /// the other lists an address that is there stays as it is.
    /// </summary>
    Task AddAsync(TenantId tenant, IReadOnlyList<Suppression> rows, CancellationToken cancel);

    /// <returns>How many rows went.</returns>
    Task<int> RemoveAsync(TenantId tenant, SuppressionScope scope, IReadOnlyCollection<string> addressKeys, CancellationToken cancel);

    /// <summary>Removes all of them, a little at a time, so that no other write waits long for it: ended early, some are left.</summary>
    Task ClearAsync(TenantId tenant, SuppressionScope scope, CancellationToken cancel);

    /// <summary>Newest first within a group. Costs the rows shown and skipped, and for the total an index entry a row that fits.</summary>
    Task<SuppressionPage> ListAsync(TenantId tenant, SuppressionFilter filter, int offset, int limit, CancellationToken cancel);
}

/// <summary>A list, or a part of one.</summary>
/// <param name="Group">One unsubscribe group; null for all of them, and on the other lists.</param>
/// <param name="BounceType">Rows of this type only; null for all.</param>
public readonly record struct SuppressionScope(SuppressionList List, int? Group = null, BounceType? BounceType = null);

/// <summary>All that are set must hold.</summary>
public sealed record SuppressionFilter(SuppressionScope Scope)
{
    public string? AddressKey { get; init; }
    public DateTimeOffset? CreatedFrom { get; init; }

    /// <summary>Exclusive.</summary>
    public DateTimeOffset? CreatedBefore { get; init; }
}

/// <param name="Total">Of all that fit the filter.</param>
public sealed record SuppressionPage(IReadOnlyList<Suppression> Items, long Total);
