using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Postrider.Mail.Addresses;

/// <summary>A Mailbox of RFC 5321 §4.1.2, as in RCPT TO, without its angle brackets.</summary>
/// <remarks>Holds no CR, LF, NUL or other control, so a session may write it as it is.</remarks>
public sealed record Mailbox
{
    /// <summary>RFC 5321 §4.5.3.1.3: a path has 256 octets, two of which are its angle brackets.</summary>
    public const int MaxOctets = 254;

    readonly string _text;

    Mailbox(string localPart, Domain domain, string text)
    {
        (LocalPart, Domain, _text) = (localPart, domain, text);
        Key = text.ToLowerInvariant();
        NeedsSmtpUtf8 = !Ascii.IsValid(localPart);
    }

    /// <summary>As it goes over the wire: quoted when it must be. Case-sensitive (RFC 5321 §2.4).</summary>
    public string LocalPart { get; }

    public Domain Domain { get; }

    /// <summary>The whole address in lower case: what suppression lists and searches compare. Never an address to send to.</summary>
    public string Key { get; }

    /// <summary>True when only a peer with SMTPUTF8 (RFC 6531) can be told this mailbox.</summary>
    public bool NeedsSmtpUtf8 { get; }

    public static bool TryParse(string text, [NotNullWhen(true)] out Mailbox? mailbox)
    {
        mailbox = null;
        var at = text.LastIndexOf('@');     // a domain has none, so the last one parts the two
        if (at < 1 || !TryReadLocalPart(text.AsSpan(0, at), out var localPart) || !Domain.TryParse(text.AsSpan(at + 1), out var domain))
            return false;

        var isNormal = localPart.Length == at && domain.Ascii.Length == text.Length - at - 1
            && text.EndsWith(domain.Ascii, StringComparison.Ordinal) && text.StartsWith(localPart, StringComparison.Ordinal);
        var wire = isNormal ? text : $"{localPart}@{domain.Ascii}";
        if (Encoding.UTF8.GetByteCount(wire) > MaxOctets)
            return false;

        mailbox = new Mailbox(localPart, domain, wire);
        return true;
    }

    public bool Equals(Mailbox? other) => other is not null && _text == other._text;

    public override int GetHashCode() => _text.GetHashCode(StringComparison.Ordinal);

    /// <summary>The wire form: the domain in A-labels.</summary>
    public override string ToString() => _text;

    // The property LocalPart hides the grammar of the same name.
    static bool TryReadLocalPart(ReadOnlySpan<char> text, [NotNullWhen(true)] out string? localPart) =>
        Addresses.LocalPart.TryNormalise(text, out localPart);
}
