using System.Globalization;
using System.Text;
using Postrider.Mail.Mime;
using Postrider.Mail.Smtp;

namespace Postrider.Mail.Reports;

/// <summary>Values of report fields, each bounded and without control characters.</summary>
static class ReportFields
{
    /// <summary>The content of a part, decoded if it must be, as far as it is looked at.</summary>
    public static ReadOnlyMemory<byte> Content(MimeEntity part)
    {
        var raw = part.RawBody[..Math.Min(part.RawBody.Length, ReportLimits.MaxPartOctets)];
        return part.Encoding switch
        {
            "base64" => TransferDecoding.Base64(raw.Span),
            "quoted-printable" => TransferDecoding.QuotedPrintable(raw.Span),
            _ => raw,
        };
    }

    /// <summary>Folding leaves runs of spaces behind, which mean nothing here: one is left.</summary>
    public static string Clean(string text) => string.Join(' ', HeaderText
        .WithoutControls(text.Length > ReportLimits.MaxValueLength ? text[..ReportLimits.MaxValueLength] : text)
        .Split(' ', StringSplitOptions.RemoveEmptyEntries));

    /// <summary>Null when the field is missing or empty.</summary>
    public static string? Text(ParsedFields fields, string name) =>
        fields.Find(name) is { } field && Clean(field.RawValue) is { Length: > 0 } text ? text : null;

    /// <summary>
    /// RFC 3464 §2.1.2: <c>type ";" value</c>, e.g. <c>dns; mx.example.net</c>. Without a semicolon all of it is the value.
    /// </summary>
    public static (string Type, string Value)? Typed(ParsedFields fields, string name)
    {
        if (Text(fields, name) is not { } text)
            return null;
        var end = text.IndexOf(';', StringComparison.Ordinal);
        var (type, value) = end < 0 ? ("", text) : (text[..end].Trim().ToLowerInvariant(), text[(end + 1)..].Trim());
        return value.Length > 0 ? (type, value) : null;
    }

    public static string? Value(ParsedFields fields, string name) => Typed(fields, name)?.Value;

    /// <summary>
    /// An address with its angle brackets taken off, and the characters that RFC 6533 §3 writes as <c>\x{HEX}</c> put back.
    /// </summary>
    /// <returns>Null when there is none, which a type alone is too: a report may be cut anywhere.</returns>
    public static string? Address(ParsedFields fields, string name) => Typed(fields, name) switch
    {
        ("", var value) => value.Contains('@', StringComparison.Ordinal) ? Bare(value) : null,
        ("utf-8", var value) => DecodeUnicode(Bare(value)),
        (_, var value) => Bare(value),
        null => null,
    };

    public static DateTimeOffset? Date(ParsedFields fields, string name) =>
        Text(fields, name) is { } text && MailDate.TryParse(text, out var date) ? date : null;

    /// <summary>A status code at the start; what follows it, a comment for most, is not looked at.</summary>
    public static EnhancedStatusCode? Status(string? text)
    {
        Span<byte> start = stackalloc byte[12];     // the longest, 5.999.999, and the octet after it
        Ascii.FromUtf16(text.AsSpan(0, Math.Min(text?.Length ?? 0, start.Length)), start, out var octets);
        return EnhancedStatusCode.TryRead(start[..octets], out var status, out _) ? status : null;
    }

    public static string Bare(string address) => address.Trim().TrimStart('<').TrimEnd('>').Trim();

    static string DecodeUnicode(string text)
    {
        const string open = @"\x{";
        var decoded = new StringBuilder(text.Length);
        for (var at = 0; at < text.Length;)
        {
            var end = string.CompareOrdinal(text, at, open, 0, open.Length) == 0 ? text.IndexOf('}', at) : -1;
            var digits = end > 0 ? text.AsSpan(at + open.Length, end - at - open.Length) : [];
            if (int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
                && Rune.TryCreate(value, out var rune) && !Rune.IsControl(rune))
            {
                decoded.Append(rune.ToString());
                at = end + 1;
            }
            else
            {
                decoded.Append(text[at++]);
            }
        }
        return Clean(decoded.ToString());
    }
}
