using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Postrider.Mail.Addresses;

/// <summary>A domain name in its two forms: A-labels for protocols and comparison, U-labels to show (RFC 5890 §2.3.2.1).</summary>
/// <remarks>Holds letters, digits, hyphens and dots only, so it may be written into a command, a header field or a DNS query as it is.
/// Address literals (<c>[192.0.2.1]</c>) are no domains.</remarks>
public sealed record Domain
{
    /// <summary>RFC 1035 §2.3.4 allows 255 octets on the wire, which is 253 characters of text.</summary>
    public const int MaxOctets = 253;

    /// <summary>RFC 1035 §2.3.4.</summary>
    public const int MaxLabelOctets = 63;

    static readonly SearchValues<char> LowerLdh = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-.");

    Domain(string ascii) => (Ascii, Unicode) = (ascii, Idna.ToUnicode(ascii));

    /// <summary>Lower case A-labels without a trailing dot: <c>xn--bcher-kva.example</c>.</summary>
    public string Ascii { get; }

    /// <summary>U-labels where they are well-formed, to show to people; never to compare or to send.</summary>
    public string Unicode { get; }

    /// <summary>
    /// Reads a domain that mail can be addressed to: two labels or more, the last not all digits. A trailing dot is dropped.
    /// </summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out Domain? domain) => TryParse(text.AsSpan(), out domain);

    /// <inheritdoc cref="TryParse(string, out Domain?)"/>
    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out Domain? domain)
    {
        domain = null;
        return TryReadAscii(text, out var ascii) && ascii.Contains('.') && Create(ascii, out domain);
    }

    /// <summary>Like <see cref="TryParse(string, out Domain?)"/>, but one label is enough: <c>localhost</c> in a route or a HELO.</summary>
    public static bool TryParseHostName(string text, [NotNullWhen(true)] out Domain? domain)
    {
        domain = null;
        return TryReadAscii(text, out var ascii) && Create(ascii, out domain);
    }

    public bool Equals(Domain? other) => other is not null && Ascii == other.Ascii;

    public override int GetHashCode() => Ascii.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => Ascii;

    static bool Create(string ascii, out Domain domain)
    {
        domain = new Domain(ascii);
        return true;
    }

    static bool TryReadAscii(ReadOnlySpan<char> text, [NotNullWhen(true)] out string? ascii)
    {
        ascii = null;
        if (text.Length is 0 or > MaxOctets + 1)
            return false;

        if (text.ContainsAnyExcept(LowerLdh))
        {
            if (!Idna.TryToAscii(text, out var mapped))
                return false;
            ascii = mapped.EndsWith('.') ? mapped[..^1] : mapped;
        }
        else
        {
            ascii = (text[^1] == '.' ? text[..^1] : text).ToString();
        }
        return ascii.Length <= MaxOctets && AreLabels(ascii);
    }

    /// <summary>
    /// RFC 1123 §2.1: letters, digits and inner hyphens, 1 to 63 octets each; a last label of digits would make it an address.
    /// </summary>
    static bool AreLabels(ReadOnlySpan<char> ascii)
    {
        var last = ReadOnlySpan<char>.Empty;
        foreach (var range in ascii.Split('.'))
        {
            last = ascii[range];
            if (last.Length is 0 or > MaxLabelOctets || last[0] == '-' || last[^1] == '-' || last.ContainsAnyExcept(LowerLdh))
                return false;
        }
        return !last.IsEmpty && last.ContainsAnyExceptInRange('0', '9');
    }
}
