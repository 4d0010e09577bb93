using Postrider.Engine.Messages;
using Postrider.Mail.Addresses;

namespace Postrider.Engine.Tenants;

public sealed record Tenant(TenantId Id, string Name, DateTimeOffset CreatedAt, bool Suspended);

public enum Dialect : byte
{
    ScaiSend = 0,
    Postject = 1,
    SendOps = 2,
    MailingApi = 3,
}

/// <summary>An API key; of its secret only the SHA-256 is kept.</summary>
/// <param name="Prefix">First 16 characters of the key, to recognise it by.</param>
/// <param name="Test">Everything sent with it is sandboxed.</param>
public sealed record ApiKey(
    ApiKeyId Id,
    TenantId Tenant,
    Dialect Dialect,
    string Name,
    string Prefix,
    ContentHash Hash,
    IReadOnlyList<string> Scopes,
    bool Test,
    DateTimeOffset CreatedAt)
{
    public DateTimeOffset? ExpiresAt { get; init; }
    public DateTimeOffset? RevokedAt { get; init; }
    public DateTimeOffset? LastUsedAt { get; init; }
}

/// <summary>A domain a tenant may send from, with its DKIM key.</summary>
/// <param name="SealedKey">PKCS#8, sealed by <see cref="SecretBox"/>.</param>
public sealed record SendingDomain(
    DomainId Id,
    TenantId Tenant,
    Domain Domain,
    string Selector,
    byte[] SealedKey,
    DateTimeOffset CreatedAt,
    DateTimeOffset? VerifiedAt)
{
    /// <summary>The key that follows, whose record is to be published; null when none is waiting.</summary>
    public NextDkimKey? Next { get; init; }
}

/// <param name="SealedKey">As <see cref="SendingDomain.SealedKey"/>.</param>
public sealed record NextDkimKey(string Selector, byte[] SealedKey);

public interface ITenantStore
{
    /// <returns>False when the name is taken.</returns>
    Task<bool> AddTenantAsync(Tenant tenant, CancellationToken cancel);
    Task<Tenant?> FindTenantAsync(string name, CancellationToken cancel);
    Task<Tenant?> FindTenantAsync(TenantId id, CancellationToken cancel);
    Task AddKeyAsync(ApiKey key, CancellationToken cancel);
    Task<(ApiKey Key, Tenant Tenant)?> FindKeyAsync(ContentHash hash, CancellationToken cancel);
    Task TouchKeysAsync(IReadOnlyCollection<ApiKeyId> keys, DateTimeOffset at, CancellationToken cancel);

    /// <returns>False when the tenant has it already.</returns>
    Task<bool> AddDomainAsync(SendingDomain domain, CancellationToken cancel);
    Task<SendingDomain?> FindDomainAsync(TenantId tenant, Domain domain, CancellationToken cancel);
    Task<IReadOnlyList<SendingDomain>> DomainsAsync(Domain domain, CancellationToken cancel);

    /// <summary>Some domain, to see whether its key can be unsealed; null when there is none yet.</summary>
    Task<SendingDomain?> FindAnyDomainAsync(CancellationToken cancel);
    Task SetVerifiedAsync(DomainId domain, DateTimeOffset? at, CancellationToken cancel);

    /// <returns>False when one is waiting already, which stays.</returns>
    Task<bool> AddNextKeyAsync(DomainId domain, NextDkimKey key, CancellationToken cancel);

    /// <summary>The waiting key becomes the one that signs; the old one is forgotten.</summary>
    /// <returns>False when none of this selector is waiting.</returns>
    Task<bool> TakeNextKeyAsync(DomainId domain, string selector, CancellationToken cancel);
}
