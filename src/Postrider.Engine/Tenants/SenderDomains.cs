using System.Collections.Concurrent;
using Postrider.Engine.Messages;
using Postrider.Mail.Addresses;

namespace Postrider.Engine.Tenants;

/// <summary>The domains a tenant may send from. A verified one is remembered for a few seconds; that there is none never is.</summary>
public sealed class SenderDomains(ITenantStore store, TimeProvider time)
{
    static readonly TimeSpan Remembered = TimeSpan.FromSeconds(5);

    /// <summary>Past this the memory starts afresh; a guess at far more than a node serves within the time.</summary>
    const int MostRemembered = 100_000;

    readonly ConcurrentDictionary<(TenantId, Domain), (SendingDomain Domain, DateTimeOffset Until)> _verified = new();

    /// <returns>Null when the tenant does not have the domain, or has not verified it.</returns>
    public ValueTask<SendingDomain?> FindVerifiedAsync(TenantId tenant, Domain domain, CancellationToken cancel) =>
        _verified.TryGetValue((tenant, domain), out var known) && known.Until > time.GetUtcNow()
            ? ValueTask.FromResult<SendingDomain?>(known.Domain)
            : new ValueTask<SendingDomain?>(LookUpAsync(tenant, domain, cancel));

    async Task<SendingDomain?> LookUpAsync(TenantId tenant, Domain domain, CancellationToken cancel)
    {
        var found = await store.FindDomainAsync(tenant, domain, cancel);
        if (found?.VerifiedAt is null)
        {
            _verified.TryRemove((tenant, domain), out _);
            return null;
        }
        if (_verified.Count >= MostRemembered)
            _verified.Clear();
        _verified[(tenant, domain)] = (found, time.GetUtcNow() + Remembered);
        return found;
    }
}
