using Postrider.Engine.Messages;
using Postrider.Engine.Suppressions;

namespace Postrider.Engine.Tests.Rig;

/// <summary>Suppressions of <see cref="Sender.Tenant"/>, as far as the engine asks for them.</summary>
sealed partial class MemoryStore : ISuppressionStore, IUnsubscribeGroupStore
{
    readonly List<Suppression> _suppressions = [];

    /// <summary>Addresses of each look-up.</summary>
    public List<string[]> LookedUp { get; } = [];

    /// <summary>Groups there are.</summary>
    public HashSet<int> Groups { get; } = [];

    public Suppression[] Suppressions
    {
        get
        {
            lock (_lock) return [.. _suppressions];
        }
    }

    public void Suppress(Suppression row)
    {
        lock (_lock) _suppressions.Add(row);
    }

    public void Unsuppress(string address)
    {
        lock (_lock) _suppressions.RemoveAll(row => row.Address.Key == address);
    }

    public Task<IReadOnlyList<Suppression>> FindBlockingAsync(
        TenantId tenant, IReadOnlyCollection<string> addressKeys, CancellationToken cancel) => DoAsync("suppressions", null, () =>
        {
            LookedUp.Add([.. addressKeys]);
            return (IReadOnlyList<Suppression>)(tenant != Sender.Tenant ? [] : _suppressions
                .Where(row => addressKeys.Contains(row.Address.Key) && row.BounceType is (null or BounceType.Hard))
                .ToArray());
        });

    public Task<UnsubscribeGroup?> FindGroupAsync(TenantId tenant, int id, CancellationToken cancel) =>
        Task.FromResult(Groups.Contains(id) ? new UnsubscribeGroup(id, "Digest", "Weekly digest", false) : null);

    public Task AddAsync(TenantId tenant, IReadOnlyList<Suppression> rows, CancellationToken cancel) => throw new NotSupportedException();

    public Task<int> RemoveAsync(
        TenantId tenant, SuppressionScope scope, IReadOnlyCollection<string> addressKeys, CancellationToken cancel) =>
        throw new NotSupportedException();

    public Task ClearAsync(TenantId tenant, SuppressionScope scope, CancellationToken cancel) => throw new NotSupportedException();

    public Task<SuppressionPage> ListAsync(TenantId tenant, SuppressionFilter filter, int offset, int limit, CancellationToken cancel) =>
        throw new NotSupportedException();

    public Task<UnsubscribeGroup?> AddGroupAsync(TenantId tenant, UnsubscribeGroup group, DateTimeOffset now, CancellationToken cancel) =>
        throw new NotSupportedException();

    public Task<IReadOnlyList<UnsubscribeGroup>> GroupsAsync(TenantId tenant, CancellationToken cancel) =>
        throw new NotSupportedException();

    public Task<bool> ChangeGroupAsync(TenantId tenant, UnsubscribeGroup group, CancellationToken cancel) =>
        throw new NotSupportedException();

    public Task<bool> RemoveGroupAsync(TenantId tenant, int id, DateTimeOffset now, CancellationToken cancel) =>
        throw new NotSupportedException();
}
