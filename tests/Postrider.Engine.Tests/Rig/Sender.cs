using System.Text;
using Postrider.Engine.Composing;
using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;
using Postrider.Mail.Addresses;
using Postrider.Mail.Dkim;

namespace Postrider.Engine.Tests.Rig;

/// <summary>Who sends in these tests: a tenant with one verified domain, sender.example.</summary>
static class Sender
{
    public static readonly TenantId Tenant = new(new Guid("01987f00-0000-7000-8000-000000000001"));
    public static readonly TenantId Other = new(new Guid("01987f00-0000-7000-8000-000000000002"));
    public static readonly SecretBox Secrets = new(Enumerable.Repeat((byte)7, SecretBox.KeyOctets).ToArray());
    public static readonly NamedMailbox From = Named("Sender <news@sender.example>");

    // 1024 bits: these tests are not about the strength of keys, and sign thousands of messages.
    static readonly byte[] SealedKey = new DkimKeys(Secrets).Seal(DkimKey.Generate(1_024));

    public static MemoryTenants Tenants()
    {
        var tenants = new MemoryTenants();
        foreach (var tenant in new[] { Tenant, Other })
            tenants.Domains[(tenant, From.Mailbox.Domain)] = Domain(tenant, DateTimeOffset.UnixEpoch);
        return tenants;
    }

    public static SendingDomain Domain(TenantId tenant, DateTimeOffset? verifiedAt) => new(
        new DomainId(tenant.Value), tenant, From.Mailbox.Domain, "s1", SealedKey, DateTimeOffset.UnixEpoch, verifiedAt);

    public static NamedMailbox Named(string text)
    {
        var open = text.IndexOf('<', StringComparison.Ordinal);
        var (name, address) = open < 0 ? (null, text) : (text[..open].Trim(), text[(open + 1)..^1]);
        return Mailbox.TryParse(address, out var mailbox) && NamedMailbox.TryCreate(name, mailbox, out var named)
            ? named : throw new ArgumentException(text, nameof(text));
    }

    public static MessageBody Body(string? text, string? html = null) => new(Octets(text), Octets(html));

    static ReadOnlyMemory<byte>? Octets(string? text) => text is null ? (ReadOnlyMemory<byte>?)null : Encoding.UTF8.GetBytes(text);
}
