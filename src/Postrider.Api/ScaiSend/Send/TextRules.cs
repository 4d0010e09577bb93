using System.Buffers;
using System.Text;

namespace Postrider.Api.ScaiSend.Send;

/// <summary>What text may hold that ends up in a header field or a list.</summary>
static class TextRules
{
    /// <summary>C0, DEL, C1 and the Unicode line separators: a header field ends with one of them, and no name needs any.</summary>
    static readonly SearchValues<char> Controls = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Concat(Enumerable.Range(0x7F, 0x21)).Append(0x2028).Append(0x2029).Select(code => (char)code)]);

    public static bool HasControls(ReadOnlySpan<char> text) => text.ContainsAny(Controls);

    /// <summary>A header field's value may hold tabs (RFC 5322 §2.2), and no other control.</summary>
    public static bool HasControlsBesideTabs(ReadOnlySpan<char> text)
    {
        while (text.IndexOfAny(Controls) is >= 0 and var at)
        {
            if (text[at] != '\t')
                return true;
            text = text[(at + 1)..];
        }
        return false;
    }

    /// <returns>False when missing, empty, longer than <paramref name="most"/> or with controls in it; the fault is noted.</returns>
    public static bool Check(string? text, FieldPath field, int most, Faults faults)
    {
        if (string.IsNullOrEmpty(text))
            faults.Add(field, text is null ? "The value is required." : "The value must not be empty.");
        else if (text.Length > most)
            faults.Add(field, $"The value must be at most {most} characters long.");
        else if (HasControls(text))
            faults.Add(field, "The value must not contain control characters or line breaks.");
        else
            return true;
        return false;
    }

    public static int Octets(string? text) => text is null ? 0 : Encoding.UTF8.GetByteCount(text);
}
