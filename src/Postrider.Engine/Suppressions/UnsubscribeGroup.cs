using Postrider.Engine.Messages;

namespace Postrider.Engine.Suppressions;

/// <summary>A kind of mail that recipients can be unsubscribed from by itself: contracts/scaisend.md §3.5.</summary>
/// <param name="Id">From 1, within the tenant; never given out again, so that an old link cannot act on another group.</param>
/// <param name="Name">At most 30 characters; of the tenant's groups only one has it.</param>
/// <param name="Description">At most 100 characters.</param>
public sealed record UnsubscribeGroup(int Id, string Name, string Description, bool IsDefault)
{
    /// <summary>Addresses unsubscribed from it.</summary>
    public long Unsubscribes { get; init; }
}

public interface IUnsubscribeGroupStore
{
    /// <param name="group">Its id is not looked at.</param>
    /// <returns>With its id; null when the tenant has a group of that name.</returns>
    Task<UnsubscribeGroup?> AddGroupAsync(TenantId tenant, UnsubscribeGroup group, DateTimeOffset now, CancellationToken cancel);

    /// <returns>Null when there is none, or it is another tenant's, or it was removed.</returns>
    Task<UnsubscribeGroup?> FindGroupAsync(TenantId tenant, int id, CancellationToken cancel);

    /// <summary>By id.</summary>
    Task<IReadOnlyList<UnsubscribeGroup>> GroupsAsync(TenantId tenant, CancellationToken cancel);

    /// <returns>False when another group has the name.</returns>
    Task<bool> ChangeGroupAsync(TenantId tenant, UnsubscribeGroup group, CancellationToken cancel);

    /// <summary>The group goes at once, then the addresses unsubscribed from it, a little at a time.</summary>
    /// <returns>False when there is none.</returns>
    Task<bool> RemoveGroupAsync(TenantId tenant, int id, DateTimeOffset now, CancellationToken cancel);
}
