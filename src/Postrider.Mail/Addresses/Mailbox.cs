using System.Diagnostics.CodeAnalysis;

namespace Postrider.Mail.Addresses;

/// <summary>A Mailbox of RFC 5321 §4.1.2, as in RCPT TO, without its angle brackets.</summary>
/// <remarks>Holds no CR, LF or NUL, so a session may write it as it is.</remarks>
public sealed record Mailbox
{
    Mailbox(string localPart, Domain domain) => (LocalPart, Domain) = (localPart, domain);

    public string LocalPart { get; }

    public Domain Domain { get; }

    /// <summary>The whole address in lower case: what lists and searches compare by.</summary>
    public string Key => ToString().ToLowerInvariant();

    public static bool TryParse(string text, [NotNullWhen(true)] out Mailbox? mailbox)
    {
        mailbox = null;
        var at = text.LastIndexOf('@');
        if (at < 1 || !Domain.TryParse(text[(at + 1)..], out var domain))
            return false;
        mailbox = new Mailbox(text[..at], domain);
        return true;
    }

    public override string ToString() => $"{LocalPart}@{Domain.Ascii}";
}
