using System.Globalization;
using Postrider.Mail.Smtp;

namespace Postrider.Mail.Reports;

/// <summary>RFC 3464 §2.3.6: what was said, and in which protocol's words.</summary>
/// <param name="Type">In lower case: <c>smtp</c> for most; <c>x-postfix</c> and the like for what an MTA found itself.</param>
public sealed record DiagnosticCode(string Type, string Text)
{
    /// <summary>The reply that was cited; null when the text does not begin with one, or is not SMTP's.</summary>
    public SmtpReply? Reply => Type is "smtp" or "" ? ReadReply(Text) : null;

    /// <summary>A reply on one line: <c>550 5.1.1 text</c>, <c>550-text</c>, or Yahoo's <c>550: text</c>.</summary>
    internal static SmtpReply? ReadReply(string text)
    {
        if (text.Length < 3 || !int.TryParse(text.AsSpan(0, 3), NumberStyles.None, CultureInfo.InvariantCulture, out var code)
            || code is < 200 or > 599 || (text.Length > 3 && text[3] is not (' ' or '-' or ':' or '\t')))
            return null;
        var said = text.Length > 4 ? text[4..].Trim() : "";
        return new SmtpReply(code, SplitLines(code, said));
    }

    /// <summary>
    /// The lines of a reply are folded into one field, each with its code: <c>550-5.1.1 The account 550 5.1.1 does not exist</c>.
    /// </summary>
    static List<string> SplitLines(int code, string said)
    {
        const int mostLines = 100;
        var (more, last) = ($" {code}-", $" {code} ");
        var lines = new List<string>();
        while (lines.Count < mostLines)
        {
            var end = said.IndexOf(more, StringComparison.Ordinal);
            if (end < 0)
                end = said.IndexOf(last, StringComparison.Ordinal);
            if (end < 0)
                break;
            lines.Add(said[..end].Trim());
            said = said[(end + more.Length)..].Trim();
        }
        lines.Add(said);
        return lines;
    }
}
