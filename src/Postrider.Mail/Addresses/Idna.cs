using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Postrider.Mail.Addresses;

/// <summary>Internationalised domain names (RFC 5891), as far as looking up a name needs them.</summary>
/// <remarks>
/// The product runs without ICU. The framework then offers Punycode (RFC 3492) but neither mapping nor normalisation, so lower case is made
/// here, and what would need normalising is refused instead of looked up as another name. RFC 5892's table of code points is
/// approximated by general categories, which is what most of that table was derived from.
/// </remarks>
static class Idna
{
    static readonly IdnMapping Punycode = new() { AllowUnassigned = true, UseStd3AsciiRules = false };

    public static bool TryToAscii(ReadOnlySpan<char> text, [NotNullWhen(true)] out string? ascii)
    {
        ascii = null;
        var mapped = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())     // a lone surrogate is enumerated as U+FFFD, which is refused
        {
            if (IsFullStop(rune))
                mapped.Append('.');
            else if (Rune.ToLowerInvariant(rune) is var lower && IsAllowed(lower))
                mapped.Append(lower.ToString());
            else
                return false;
        }

        try
        {
            ascii = Ascii.IsValid(mapped.ToString()) ? mapped.ToString() : Punycode.GetAscii(mapped.ToString());
            return true;
        }
        catch (ArgumentException)   // the framework's only way to say that a label is too long or empty
        {
            return false;
        }
    }

    /// <returns>U-labels for the A-labels that stand for what <see cref="TryToAscii"/> would have made them of; the others as they are, so
    /// that nothing is shown that cannot be typed.</returns>
    public static string ToUnicode(string ascii)
    {
        if (!ascii.Contains("xn--", StringComparison.Ordinal))
            return ascii;

        var labels = ascii.Split('.');
        for (var i = 0; i < labels.Length; i++)
        {
            if (labels[i].StartsWith("xn--", StringComparison.Ordinal) && TryDecode(labels[i]) is { } label
                && TryToAscii(label, out var again) && again == labels[i])
                labels[i] = label;
        }
        return string.Join('.', labels);
    }

    static string? TryDecode(string label)
    {
        try
        {
            return Punycode.GetUnicode(label);
        }
        catch (ArgumentException)   // not Punycode
        {
            return null;
        }
    }

    /// <summary>The full stops that people type in East Asian scripts (RFC 3490 §3.1).</summary>
    static bool IsFullStop(Rune rune) => rune.Value is '.' or 0x3002 or 0xFF0E or 0xFF61;

    static bool IsAllowed(Rune rune)
    {
        if (rune.IsAscii)
            return rune.Value is '-' or (>= 'a' and <= 'z') or (>= '0' and <= '9');
        if (NeedsNormalising(rune.Value))
            return false;
        return Rune.GetUnicodeCategory(rune) is UnicodeCategory.LowercaseLetter or UnicodeCategory.OtherLetter
            or UnicodeCategory.ModifierLetter or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark
            or UnicodeCategory.DecimalDigitNumber;
    }

    /// <summary>Accents apart from their letter, conjoining jamo, sound marks apart from their kana, ligatures and full-width forms:
    /// RFC 5891 §5.3 wants these composed first.</summary>
    static bool NeedsNormalising(int value) =>
        value is (>= 0x0300 and <= 0x036F) or (>= 0x1100 and <= 0x11FF) or 0x3099 or 0x309A or (>= 0xFB00 and <= 0xFB4F)
            or (>= 0xFE00 and <= 0xFE0F) or (>= 0xFF00 and <= 0xFFEF) or (>= 0x1D400 and <= 0x1D7FF);
}
