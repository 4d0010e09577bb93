using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;
using Postrider.Mail.Addresses;

namespace Postrider.Engine.Tests.Rig;

/// <summary>Domains and keys in memory; counts how often it is asked.</summary>
sealed class MemoryTenants : ITenantStore
{
    public Dictionary<(TenantId, Domain), SendingDomain> Domains { get; } = [];

    public Dictionary<ContentHash, (ApiKey Key, Tenant Tenant)> Keys { get; } = [];

    public List<ApiKeyId> Touched { get; } = [];

    public int Asked { get; private set; }

    public Exception? Fault { get; set; }

    public Task<SendingDomain?> FindDomainAsync(TenantId tenant, Domain domain, CancellationToken cancel)
    {
        Asked++;
        return Fault is null ? Task.FromResult(Domains.GetValueOrDefault((tenant, domain))) : Task.FromException<SendingDomain?>(Fault);
    }

    public Task<(ApiKey Key, Tenant Tenant)?> FindKeyAsync(ContentHash hash, CancellationToken cancel)
    {
        Asked++;
        return Task.FromResult(Keys.TryGetValue(hash, out var found) ? found : ((ApiKey, Tenant)?)null);
    }

    public Task TouchKeysAsync(IReadOnlyCollection<ApiKeyId> keys, DateTimeOffset at, CancellationToken cancel)
    {
        if (Fault is not null)
            return Task.FromException(Fault);
        Touched.AddRange(keys);
        return Task.CompletedTask;
    }

    public Task<bool> AddTenantAsync(Tenant tenant, CancellationToken cancel) => throw new NotSupportedException();
    public Task<Tenant?> FindTenantAsync(string name, CancellationToken cancel) => throw new NotSupportedException();
    public Task<Tenant?> FindTenantAsync(TenantId id, CancellationToken cancel) => throw new NotSupportedException();
    public Task AddKeyAsync(ApiKey key, CancellationToken cancel) => throw new NotSupportedException();
    public Task<bool> AddDomainAsync(SendingDomain domain, CancellationToken cancel) => throw new NotSupportedException();
    public Task<SendingDomain?> FindAnyDomainAsync(CancellationToken cancel) => throw new NotSupportedException();

    public Task<IReadOnlyList<SendingDomain>> DomainsAsync(Domain domain, CancellationToken cancel) => throw new NotSupportedException();
    public Task SetVerifiedAsync(DomainId domain, DateTimeOffset? at, CancellationToken cancel) => throw new NotSupportedException();
    public Task<bool> AddNextKeyAsync(DomainId domain, NextDkimKey key, CancellationToken cancel) => throw new NotSupportedException();
    public Task<bool> TakeNextKeyAsync(DomainId domain, string selector, CancellationToken cancel) => throw new NotSupportedException();
}
