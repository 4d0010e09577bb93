using System.Text;
using Postrider.Mail.Mime;
using Postrider.Mail.Smtp;

namespace Postrider.Mail.Reports;

/// <summary>
/// Bounces from before RFC 3464 whose form is fixed: qmail's QSBMF (cr.yp.to/proto/qsbmf.txt), Yahoo's, and X-Failed-Recipients.
/// </summary>
static class PlainBounceReader
{
    // The first is QSBMF's own; the others are Yahoo's, old and new.
    static readonly string[] Openings =
    [
        "Hi. This is the", "Sorry, we were unable to deliver your message to the following address",
        "Unable to deliver message to the following address",
    ];

    public static DeliveryStatusNotification? Read(ParsedMessage message) => ReadQsbmf(message) ?? ReadFailedRecipients(message);

    static DeliveryStatusNotification? ReadFailedRecipients(ParsedMessage message)
    {
        if (message.Fields.Find("X-Failed-Recipients") is not { } field)
            return null;
        var recipients = ReportFields.Clean(field.RawValue)
            .Split(',', ReportLimits.MaxRecipients + 1, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Take(ReportLimits.MaxRecipients)
            .Select(address => new RecipientStatus { FinalRecipient = ReportFields.Bare(address), Action = DsnAction.Failed })
            .ToArray();
        return recipients.Length == 0 ? null : new DeliveryStatusNotification
        {
            Format = ReportFormat.FailedRecipients,
            Recipients = recipients,
            Returned = ReturnedHeader.FindIn(message),
        };
    }

    /// <summary>An opening, a paragraph for each recipient, a paragraph that begins with a dash, and the message.</summary>
    static DeliveryStatusNotification? ReadQsbmf(ParsedMessage message)
    {
        if (message.Root.Parts.Count > 0 || message.TextPart is not { } part)
            return null;
        var text = Charsets.Decode(part.MediaType.Parameters["charset"] ?? "", ReportFields.Content(part).Span).ReplaceLineEndings("\n")
            .TrimStart('\n', ' ');
        if (!Openings.Any(opening => text.StartsWith(opening, StringComparison.Ordinal)))
            return null;

        var recipients = new List<RecipientStatus>();
        for (var rest = text.AsSpan(); !rest.IsEmpty && recipients.Count < ReportLimits.MaxRecipients;)
        {
            var paragraph = TakeParagraph(ref rest);
            if (paragraph is ['-', ..])
                return Bounce(recipients, ReturnedHeader.Read(Encoding.UTF8.GetBytes(rest.TrimStart('\n').ToString())));
            if (ReadRecipient(paragraph) is { } recipient)
                recipients.Add(recipient);
        }
        return Bounce(recipients, null);
    }

    static DeliveryStatusNotification? Bounce(List<RecipientStatus> recipients, ReturnedHeader? returned) =>
        recipients.Count == 0 ? null : new() { Format = ReportFormat.Qsbmf, Recipients = recipients, Returned = returned };

    static ReadOnlySpan<char> TakeParagraph(ref ReadOnlySpan<char> text)
    {
        text = text.TrimStart('\n');
        var end = text.IndexOf("\n\n");
        var paragraph = end < 0 ? text : text[..end];
        text = end < 0 ? [] : text[(end + 2)..];
        return paragraph;
    }

    /// <summary><c>&lt;address&gt;:</c> on a line of its own, then the reason in words, with the remote's reply if there was one.</summary>
    static RecipientStatus? ReadRecipient(ReadOnlySpan<char> paragraph)
    {
        var end = paragraph.IndexOf('\n');
        var first = (end < 0 ? paragraph : paragraph[..end]).TrimEnd();
        if (end < 0 || first.Length < 5 || first[0] != '<' || !first.EndsWith(">:"))
            return null;

        var reason = ReportFields.Clean(paragraph[(end + 1)..].ToString());
        var reply = FindReply(reason);
        return new RecipientStatus
        {
            FinalRecipient = ReportFields.Clean(first[1..^2].ToString()),
            Action = DsnAction.Failed,
            Status = FindStatus(reason) ?? reply?.Enhanced,
            Diagnostic = reply is null ? new DiagnosticCode("x-qmail", reason) : new DiagnosticCode("smtp", reply.ToString()),
        };
    }

    static SmtpReply? FindReply(string reason)
    {
        const string said = "Remote host said:";
        var at = reason.IndexOf(said, StringComparison.Ordinal);
        var reply = at < 0 ? reason : reason[(at + said.Length)..].TrimStart();
        // What qmail says after the reply is its own.
        var end = reply.IndexOf(" Giving up on ", StringComparison.Ordinal);
        return DiagnosticCode.ReadReply(end < 0 ? reply : reply[..end]);
    }

    /// <summary>QSBMF's status code: <c>(#5.1.1)</c>.</summary>
    static EnhancedStatusCode? FindStatus(string reason)
    {
        var at = reason.LastIndexOf("(#", StringComparison.Ordinal);
        var end = at < 0 ? -1 : reason.IndexOf(')', at);
        return end < 0 ? null : ReportFields.Status(reason[(at + 2)..end]);
    }
}
