using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Postrider.Mail.Addresses;

/// <summary>RFC 5321 §4.1.2: <c>Local-part = Dot-string / Quoted-string</c>, with the UTF-8 of RFC 6531 §3.3.</summary>
static class LocalPart
{
    /// <summary>RFC 5321 §4.5.3.1.1.</summary>
    public const int MaxOctets = 64;

    /// <summary>RFC 5322 §3.2.3.</summary>
    public const string Atext = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~";

    static readonly SearchValues<char> AtextOrDot = SearchValues.Create(Atext + ".");

    /// <summary>
    /// Reads a local-part and writes it the one way we write it: quoted only when it must be, escaped only where it must be.
    /// </summary>
    public static bool TryNormalise(ReadOnlySpan<char> text, [NotNullWhen(true)] out string? localPart)
    {
        localPart = null;
        if (text.Length is 0 or > 2 * MaxOctets + 2)    // every character escaped, and two quotes
            return false;

        if (text[0] == '"')
        {
            if (!TryUnquote(text, out var content))
                return false;
            localPart = IsDotString(content) ? content : Quote(content);
        }
        else if (IsDotString(text))
        {
            localPart = text.ToString();
        }
        return localPart is not null && Encoding.UTF8.GetByteCount(localPart) <= MaxOctets;
    }

    /// <summary><c>Dot-string = Atom *("." Atom)</c>.</summary>
    public static bool IsDotString(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty || text[0] == '.' || text[^1] == '.' || text.Contains("..", StringComparison.Ordinal))
            return false;

        var rest = text.IndexOfAnyExcept(AtextOrDot);
        return rest < 0 || AreUtf8Atext(text[rest..]);
    }

    static bool AreUtf8Atext(ReadOnlySpan<char> text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.IsAscii ? !AtextOrDot.Contains((char)rune.Value) : !IsUtf8NonAscii(rune) || Rune.IsWhiteSpace(rune))
                return false;
        }
        return true;
    }

    /// <summary>
    /// Stricter than RFC 6531 §3.3: no C1 controls, no line separators, and no U+FFFD, which stands for what was not UTF-8.
    /// </summary>
    static bool IsUtf8NonAscii(Rune rune) => rune != Rune.ReplacementChar
        && Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator or UnicodeCategory.OtherNotAssigned);

    /// <summary><c>Quoted-string = DQUOTE *QcontentSMTP DQUOTE</c>; printable characters only, escaped ones too.</summary>
    static bool TryUnquote(ReadOnlySpan<char> text, [NotNullWhen(true)] out string? content)
    {
        content = null;
        if (text.Length < 2 || text[^1] != '"')
            return false;

        var inner = text[1..^1];
        var unescaped = new StringBuilder(inner.Length);
        for (var i = 0; i < inner.Length; i++)
        {
            if (inner[i] == '"' || (inner[i] == '\\' && ++i == inner.Length))
                return false;
            unescaped.Append(inner[i]);
        }

        content = unescaped.ToString();
        foreach (var rune in content.EnumerateRunes())
        {
            if (rune.IsAscii ? rune.Value is < 32 or 127 : !IsUtf8NonAscii(rune))
                return false;
        }
        return true;
    }

    static string Quote(string content) =>
        $"\"{content.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
