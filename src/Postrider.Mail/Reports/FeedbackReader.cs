using System.Globalization;
using System.Net;
using Postrider.Mail.Mime;

namespace Postrider.Mail.Reports;

static class FeedbackReader
{
    const int MaxRecipients = 100;      // a guess; most reports name one or none

    public static FeedbackReport? Read(ParsedMessage message) => ReadArf(message) ?? ReadJmrp(message);

    /// <summary>RFC 5965 §3: message/feedback-report with one group of fields, then the message.</summary>
    static FeedbackReport? ReadArf(ParsedMessage message)
    {
        foreach (var part in message.Attachments)
        {
            if (!part.MediaType.Is("message", "feedback-report"))
                continue;
            return FieldGroups.Read(ReportFields.Content(part).Span, 1) is [var fields]
                && ReportFields.Text(fields, "Feedback-Type") is { } type
                ? ReadFields(fields, type) with { Returned = ReturnedHeader.FindIn(message) }
                : null;
        }
        return null;
    }

    static FeedbackReport ReadFields(ParsedFields fields, string type) => new()
    {
        Type = ReadType(type),
        TypeText = type,
        UserAgent = ReportFields.Text(fields, "User-Agent"),
        OriginalEnvelopeId = ReportFields.Text(fields, "Original-Envelope-Id"),
        OriginalMailFrom = ReportFields.Text(fields, "Original-Mail-From") is { } from ? ReportFields.Bare(from) : null,
        OriginalRecipients =
        [
            .. fields.All.Where(field => field.Name.Equals("Original-Rcpt-To", StringComparison.OrdinalIgnoreCase))
                .Take(MaxRecipients).Select(field => ReportFields.Bare(ReportFields.Clean(field.RawValue))),
        ],
        // The latter from drafts, still met.
        ArrivalDate = ReportFields.Date(fields, "Arrival-Date") ?? ReportFields.Date(fields, "Received-Date"),
        SourceIp = ReadAddress(ReportFields.Text(fields, "Source-IP")),
        Incidents = int.TryParse(ReportFields.Text(fields, "Incidents"), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && count > 0 ? count : 1,
    };

    static FeedbackType ReadType(string type) => type.ToLowerInvariant() switch
    {
        "abuse" => FeedbackType.Abuse,
        "fraud" => FeedbackType.Fraud,
        "virus" => FeedbackType.Virus,
        "not-spam" => FeedbackType.NotSpam,
        "auth-failure" => FeedbackType.AuthFailure,
        "opt-out" => FeedbackType.OptOut,
        _ => FeedbackType.Other,
    };

    /// <summary>
    /// Outlook's Junk Mail Reporting Program before it wrote ARF: the message attached, with the recipient in a field of its own.
    /// </summary>
    static FeedbackReport? ReadJmrp(ParsedMessage message)
    {
        const string subject = "complaint about message from ";
        if (message.Subject?.Trim() is not { } text || !text.StartsWith(subject, StringComparison.OrdinalIgnoreCase)
            || ReturnedHeader.FindIn(message) is not { } returned
            || ReportFields.Text(returned.Fields, "X-HmXmrOriginalRecipient") is not { } recipient)
            return null;
        return new FeedbackReport
        {
            Type = FeedbackType.Abuse,
            TypeText = "abuse",
            UserAgent = "JMRP",
            OriginalRecipients = [ReportFields.Bare(recipient)],
            SourceIp = ReadAddress(text[subject.Length..]),
            Returned = returned,
        };
    }

    static IPAddress? ReadAddress(string? text) =>
        text is { Length: <= 60 } && IPAddress.TryParse(text.Trim(' ', '[', ']'), out var address) ? address : null;
}
