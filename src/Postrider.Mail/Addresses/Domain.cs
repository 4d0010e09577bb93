using System.Diagnostics.CodeAnalysis;

namespace Postrider.Mail.Addresses;

/// <summary>A domain name in its two forms: A-labels for protocols and comparison, U-labels to show (RFC 5890 §2.3.2.1).</summary>
public sealed record Domain
{
    Domain(string ascii, string unicode) => (Ascii, Unicode) = (ascii, unicode);

    /// <summary>Lower case A-labels without a trailing dot: <c>xn--bcher-kva.example</c>.</summary>
    public string Ascii { get; }

    public string Unicode { get; }

    public static bool TryParse(string text, [NotNullWhen(true)] out Domain? domain)
    {
        domain = text.Length is > 0 and < 254 ? new Domain(text, text) : null;
        return domain is not null;
    }

    public bool Equals(Domain? other) => other is not null && Ascii == other.Ascii;

    public override int GetHashCode() => Ascii.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => Ascii;
}
