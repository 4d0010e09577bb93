using System.Buffers;
using System.Text;

namespace Postrider.Mail.Mime;

/// <summary>What text in header fields may hold.</summary>
public static class HeaderText
{
    static readonly SearchValues<char> Controls = SearchValues.Create(
        [.. Enumerable.Range(0, 32).Concat(Enumerable.Range(0x7F, 33)).Append(0x2028).Append(0x2029).Select(c => (char)c)]);

    static readonly SearchValues<char> IdentifierChars =
        SearchValues.Create(
            [.. Enumerable.Range(33, 94).Select(c => (char)c).Where(c => c is not ('<' or '>' or '"' or '\\' or '(' or ')'))]);

    /// <summary>C0, DEL, C1 and the Unicode line separators.</summary>
    public static bool HasControls(ReadOnlySpan<char> text) => text.ContainsAny(Controls);

    /// <summary>
    /// What may stand between the angle brackets of a Message-ID or Content-ID; looser than RFC 5322 §3.6.4, which wants an @.
    /// </summary>
    public static bool IsIdentifier(ReadOnlySpan<char> text) => !text.IsEmpty && !text.ContainsAnyExcept(IdentifierChars);

    /// <summary>One space for each run of controls: what a header field's text becomes when it is written.</summary>
    public static string WithoutControls(string text)
    {
        if (!HasControls(text))
            return text;

        var clean = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            if (!Controls.Contains(c))
                clean.Append(c);
            else if (clean.Length > 0 && clean[^1] != ' ')
                clean.Append(' ');
        }
        return clean.ToString();
    }
}
