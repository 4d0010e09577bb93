using Postrider.Mail.Mime;

namespace Postrider.Mail.Reports;

/// <summary>
/// Reads RFC 3464's message/delivery-status, wherever in the message it is: lists and gateways wrap reports in further multiparts.
/// </summary>
static class DeliveryStatusReader
{
    public static DeliveryStatusNotification? Read(ParsedMessage message)
    {
        foreach (var part in message.Attachments)
        {
            if (part.MediaType.Essence is not ("message/delivery-status" or "message/global-delivery-status"))
                continue;
            // Without a recipient it says nothing. Google writes such, and names the recipient in the message's header section.
            return ReadGroups(FieldGroups.Read(ReportFields.Content(part).Span, ReportLimits.MaxRecipients + 1)) is { } notification
                ? notification with { Returned = ReturnedHeader.FindIn(message) }
                : null;
        }
        return null;
    }

    /// <summary>
    /// RFC 3464 §2.1: the message's fields, then each recipient's. Some leave the former out, so recipients are known by their fields.
    /// </summary>
    static DeliveryStatusNotification? ReadGroups(List<ParsedFields> groups)
    {
        var recipients = groups.Where(IsRecipient).Take(ReportLimits.MaxRecipients).Select(ReadRecipient).ToArray();
        if (recipients.Length == 0)
            return null;

        var message = groups[0];
        return new DeliveryStatusNotification
        {
            Format = ReportFormat.Standard,
            ReportingMta = ReportFields.Value(message, "Reporting-MTA"),
            OriginalEnvelopeId = ReportFields.Text(message, "Original-Envelope-Id"),
            ArrivalDate = ReportFields.Date(message, "Arrival-Date"),
            Recipients = recipients,
        };
    }

    static bool IsRecipient(ParsedFields fields) => fields.Find("Final-Recipient") is not null || fields.Find("Action") is not null;

    static RecipientStatus ReadRecipient(ParsedFields fields) => new()
    {
        FinalRecipient = ReportFields.Address(fields, "Final-Recipient"),
        OriginalRecipient = ReportFields.Address(fields, "Original-Recipient"),
        Action = ReadAction(ReportFields.Text(fields, "Action")),
        Status = ReportFields.Status(ReportFields.Text(fields, "Status")),
        Diagnostic = ReportFields.Typed(fields, "Diagnostic-Code") is var (type, text) ? new DiagnosticCode(type, text) : null,
        RemoteMta = ReportFields.Value(fields, "Remote-MTA"),
        LastAttempt = ReportFields.Date(fields, "Last-Attempt-Date"),
        WillRetryUntil = ReportFields.Date(fields, "Will-Retry-Until"),
    };

    /// <summary>A word, perhaps with a comment behind it: <c>delayed (will be tried for 3 days)</c>.</summary>
    static DsnAction ReadAction(string? text)
    {
        var word = text is null ? "" : text.AsSpan(0, text.AsSpan().IndexOfAny(" \t(;") is var end and >= 0 ? end : text.Length);
        return word.Length > 20 ? DsnAction.Unknown : word.ToString().ToLowerInvariant() switch
        {
            "failed" => DsnAction.Failed,
            "delayed" => DsnAction.Delayed,
            "delivered" => DsnAction.Delivered,
            "relayed" => DsnAction.Relayed,
            "expanded" => DsnAction.Expanded,
            _ => DsnAction.Unknown,
        };
    }
}
