using System.Globalization;
using Postrider.Engine.Composing;
using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;
using Postrider.Mail.Addresses;
using Postrider.Mail.Dkim;

namespace Postrider.Commands;

/// <summary>Makes tenants, keys and sending domains, for the command line and the demo.</summary>
sealed class TenantDesk(ITenantStore store, SecretBox secrets, IdGenerator ids, TimeProvider time)
{
    /// <summary>contracts/scaisend.md §8.6.</summary>
    const string Selector = "scaisend";
    const int PrefixLength = 16;

    public static TenantDesk Of(CommandContext context) => new(context.Store, context.Secrets, context.Ids, TimeProvider.System);

    public Task<Tenant?> FindAsync(string name, CancellationToken cancel) => store.FindTenantAsync(name, cancel);

    /// <returns>Null when the name is taken.</returns>
    public async Task<Tenant?> AddTenantAsync(string name, CancellationToken cancel)
    {
        var tenant = new Tenant(new TenantId(ids.Next()), name, time.GetUtcNow(), Suspended: false);
        return await store.AddTenantAsync(tenant, cancel) ? tenant : null;
    }

    /// <returns>The secret, which is not kept.</returns>
    public async Task<string> AddKeyAsync(
        Tenant tenant, Dialect dialect, string name, IReadOnlyList<string> scopes, bool test, CancellationToken cancel)
    {
        var secret = ApiKeys.NewSecret(dialect, test);
        await store.AddKeyAsync(
            new ApiKey(
                new ApiKeyId(ids.Next()), tenant.Id, dialect, name, secret[..PrefixLength], ApiKeys.HashOf(secret), scopes, test,
                time.GetUtcNow()),
            cancel);
        return secret;
    }

    /// <returns>The domain with its new DKIM key, or as it was when the tenant had it already.</returns>
    public async Task<SendingDomain> AddDomainAsync(Tenant tenant, Domain domain, CancellationToken cancel)
    {
        if (await store.FindDomainAsync(tenant.Id, domain, cancel) is { } known)
            return known;
        using var key = DkimKey.Generate();
        var added = new SendingDomain(
            new DomainId(ids.Next()), tenant.Id, domain, Selector, new DkimKeys(secrets).Seal(key), time.GetUtcNow(), VerifiedAt: null);
        return await store.AddDomainAsync(added, cancel)
            ? added
            : await store.FindDomainAsync(tenant.Id, domain, cancel) ?? throw new InvalidOperationException("It was added a moment ago.");
    }

    /// <summary>Makes the key that follows; the old one goes on signing until <see cref="TakeNextKeyAsync"/>.</summary>
    /// <returns>The domain with the key that follows: the new one, or the one that was waiting already.</returns>
    public async Task<SendingDomain> RotateKeyAsync(SendingDomain domain, CancellationToken cancel)
    {
        if (domain.Next is not null)
            return domain;
        using var key = DkimKey.Generate();
        await store.AddNextKeyAsync(domain.Id, new NextDkimKey(SelectorAfter(domain.Selector), new DkimKeys(secrets).Seal(key)), cancel);
        return await store.FindDomainAsync(domain.Tenant, domain.Domain, cancel)
            ?? throw new InvalidOperationException("It was there a moment ago.");
    }

    public Task TakeNextKeyAsync(SendingDomain domain, NextDkimKey next, CancellationToken cancel) =>
        store.TakeNextKeyAsync(domain.Id, next.Selector, cancel);

    /// <summary>
    /// <c>scaisend</c>, <c>scaisend2</c>, <c>scaisend3</c>, …: none is used again, for mail that it signed may still be on its way.
    /// </summary>
    internal static string SelectorAfter(string selector)
    {
        var name = selector.TrimEnd('0', '1', '2', '3', '4', '5', '6', '7', '8', '9');
        return $"{name}{(int.TryParse(selector.AsSpan(name.Length), CultureInfo.InvariantCulture, out var number) ? number + 1 : 2)}";
    }

    public Task SetVerifiedAsync(SendingDomain domain, CancellationToken cancel) =>
        store.SetVerifiedAsync(domain.Id, time.GetUtcNow(), cancel);
}
