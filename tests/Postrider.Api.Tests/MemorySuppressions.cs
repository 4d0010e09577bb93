using Postrider.Engine.Messages;
using Postrider.Engine.Suppressions;

namespace Postrider.Api.Tests;

/// <summary>Suppressions and groups over lists, as the ports' comments ask.</summary>
sealed class MemorySuppressions : ISuppressionStore, IUnsubscribeGroupStore
{
    readonly Lock _lock = new();
    readonly List<(TenantId Tenant, Suppression Row)> _rows = [];
    readonly List<(TenantId Tenant, UnsubscribeGroup Group, bool IsRemoved)> _groups = [];

    public Task<IReadOnlyList<Suppression>> FindBlockingAsync(
        TenantId tenant, IReadOnlyCollection<string> addressKeys, CancellationToken cancel) => Do<IReadOnlyList<Suppression>>(() =>
            [.. Rows(tenant).Where(row => addressKeys.Contains(row.Address.Key) && row.BounceType is (null or BounceType.Hard))]);

    public Task AddAsync(TenantId tenant, IReadOnlyList<Suppression> rows, CancellationToken cancel) => Do(() =>
    {
        foreach (var row in rows)
        {
            if (row.List == SuppressionList.Bounces
                || !Rows(tenant).Any(other => (other.List, other.Group, other.Address.Key) == (row.List, row.Group, row.Address.Key)))
                _rows.Add((tenant, row));
        }
        return true;
    });

    public Task<int> RemoveAsync(
        TenantId tenant, SuppressionScope scope, IReadOnlyCollection<string> addressKeys, CancellationToken cancel) =>
        Do(() => _rows.RemoveAll(one => one.Tenant == tenant && IsIn(one.Row, scope) && addressKeys.Contains(one.Row.Address.Key)));

    public Task ClearAsync(TenantId tenant, SuppressionScope scope, CancellationToken cancel) =>
        Do(() => _rows.RemoveAll(one => one.Tenant == tenant && IsIn(one.Row, scope)));

    public Task<SuppressionPage> ListAsync(TenantId tenant, SuppressionFilter filter, int offset, int limit, CancellationToken cancel) => Do(() =>
    {
        var found = Rows(tenant)
            .Where(row => IsIn(row, filter.Scope) && (filter.AddressKey is null || row.Address.Key == filter.AddressKey)
                && (filter.CreatedFrom is null || row.CreatedAt >= filter.CreatedFrom)
                && (filter.CreatedBefore is null || row.CreatedAt < filter.CreatedBefore))
            .OrderByDescending(row => (row.Group, row.CreatedAt)).ThenByDescending(row => row.Address.Key, StringComparer.Ordinal).ToArray();
        return new SuppressionPage([.. found.Skip(offset).Take(limit)], found.Length);
    });

    public Task<UnsubscribeGroup?> AddGroupAsync(TenantId tenant, UnsubscribeGroup group, DateTimeOffset now, CancellationToken cancel) => Do(() =>
    {
        if (Groups(tenant).Any(other => other.Name == group.Name))
            return null;
        var added = group with { Id = _groups.Count(one => one.Tenant == tenant) + 1 };
        _groups.Add((tenant, added, false));
        return added;
    });

    public Task<UnsubscribeGroup?> FindGroupAsync(TenantId tenant, int id, CancellationToken cancel) =>
        Do(() => Groups(tenant).FirstOrDefault(group => group.Id == id));

    public Task<IReadOnlyList<UnsubscribeGroup>> GroupsAsync(TenantId tenant, CancellationToken cancel) =>
        Do<IReadOnlyList<UnsubscribeGroup>>(() => [.. Groups(tenant)]);

    public Task<bool> ChangeGroupAsync(TenantId tenant, UnsubscribeGroup group, CancellationToken cancel) => Do(() =>
    {
        if (Groups(tenant).Any(other => other.Id != group.Id && other.Name == group.Name))
            return false;
        _groups[_groups.FindIndex(one => one.Tenant == tenant && one.Group.Id == group.Id)] = (tenant, group, false);
        return true;
    });

    public Task<bool> RemoveGroupAsync(TenantId tenant, int id, DateTimeOffset now, CancellationToken cancel) => Do(() =>
    {
        var index = _groups.FindIndex(one => one.Tenant == tenant && one.Group.Id == id && !one.IsRemoved);
        if (index < 0)
            return false;
        _groups[index] = _groups[index] with { IsRemoved = true };
        _rows.RemoveAll(one => one.Tenant == tenant && one.Row.List == SuppressionList.GroupUnsubscribes && one.Row.Group == id);
        return true;
    });

    IEnumerable<Suppression> Rows(TenantId tenant) => _rows.Where(one => one.Tenant == tenant).Select(one => one.Row);

    IEnumerable<UnsubscribeGroup> Groups(TenantId tenant) => _groups.Where(one => one.Tenant == tenant && !one.IsRemoved)
        .Select(one => one.Group with
        {
            Unsubscribes = Rows(tenant).Count(row => row.List == SuppressionList.GroupUnsubscribes && row.Group == one.Group.Id),
        });

    static bool IsIn(Suppression row, SuppressionScope scope) => row.List == scope.List
        && (scope.Group is null || row.Group == scope.Group) && (scope.BounceType is null || row.BounceType == scope.BounceType);

    Task<T> Do<T>(Func<T> work)
    {
        lock (_lock) return Task.FromResult(work());
    }
}
