using System.Diagnostics.CodeAnalysis;

namespace Postrider.Mail.Addresses;

/// <summary>A name-addr of RFC 5322 §3.4: a mailbox and the name to show for it.</summary>
public sealed record NamedMailbox
{
    NamedMailbox(string? displayName, Mailbox mailbox) => (DisplayName, Mailbox) = (displayName, mailbox);

    public string? DisplayName { get; }

    public Mailbox Mailbox { get; }

    public static bool TryCreate(string? displayName, Mailbox mailbox, [NotNullWhen(true)] out NamedMailbox? named)
    {
        named = displayName is not null && displayName.AsSpan().ContainsAny("\r\n\0") ? null : new NamedMailbox(displayName, mailbox);
        return named is not null;
    }
}
