using System.Globalization;
using Postrider.Engine.Bounces;
using Postrider.Engine.Messages;
using Postrider.Mail.Reports;

namespace Postrider.Engine.Reports;

/// <summary>What a notification means for the one recipient that its return path names.</summary>
/// <remarks>
/// A return path is one recipient's, so the addresses in the report are that recipient's, or those it forwards to: it has failed when all
/// of them have, and for the mildest of their reasons.
/// </remarks>
static class DeliveryReports
{
    /// <param name="reportId">The report's own Message-ID, by which it is known when it comes again.</param>
    /// <returns>Null when it tells of neither a failure nor a delay.</returns>
    public static RecipientReport? Read(
        DeliveryStatusNotification notification, string? reportId, MessageId message, int recipient, BounceRules rules)
    {
        var told = notification.Recipients.Where(one => one.Action != DsnAction.Unknown).ToArray();
        if (told.Length == 0)
            return null;
        if (Array.TrueForAll(told, one => one.Action == DsnAction.Failed))
        {
            var mildest = told.MinBy(one => rules.Classify(one, notification.Format).Action)!;
            var judged = rules.Classify(mildest, notification.Format);
            return new(
                message, recipient, EventType.Bounce, BounceOf(notification, mildest, judged),
                ReportCause.Of(EventType.Bounce, recipient, Identify(notification, mildest, reportId)));
        }
        var isWaiting = Array.Exists(told, one => one.Action == DsnAction.Delayed)
            && Array.TrueForAll(told, one => one.Action is DsnAction.Delayed or DsnAction.Failed);
        if (!isWaiting)
            return null;
        var delayed = Array.Find(told, one => one.Action == DsnAction.Delayed)!;
        // Some MTAs tell of a delay again and again: of one MTA's hold of the message there is one event.
        return new(
            message, recipient, EventType.Deferred, DelayOf(notification, delayed, rules),
            ReportCause.Of(EventType.Deferred, recipient, notification.ReportingMta, Text(notification.ArrivalDate)));
    }

    static IReadOnlyList<string?> Identify(DeliveryStatusNotification notification, RecipientStatus status, string? reportId) =>
        reportId is not null
            ? [reportId]
            :
            [
                null, notification.ReportingMta, Text(notification.ArrivalDate), Text(status.LastAttempt), status.Status?.ToString(),
                status.Diagnostic?.Text,
            ];

    static string? Text(DateTimeOffset? time) => time?.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);

    static EventData BounceOf(DeliveryStatusNotification notification, RecipientStatus status, BounceClass judged) => new()
    {
        SmtpResponse = ReplyIn(status) ?? InsteadOfReply("failed", notification, status),
        BounceType = judged.Action switch
        {
            BounceAction.Hard => "hard",
            BounceAction.Block => "block",
            _ => "soft",
        },
        BounceReason = status.Diagnostic?.Text ?? Said("failed", notification, status),
        Status = Refusal.Of(status).Status?.ToString(),
        Category = judged.Category.Word(),
        Source = "dsn",
        MxHost = notification.ReportingMta,
    };

    static EventData DelayOf(DeliveryStatusNotification notification, RecipientStatus status, BounceRules rules) => new()
    {
        SmtpResponse = ReplyIn(status) ?? InsteadOfReply("delayed", notification, status),
        Status = Refusal.Of(status).Status?.ToString(),
        Category = rules.Classify(status, notification.Format).Category.Word(),
        Source = "dsn",
        MxHost = notification.ReportingMta,
    };

    static string? ReplyIn(RecipientStatus status) => status.Diagnostic is { Reply: not null } diagnostic ? diagnostic.Text : null;

    /// <summary>
    /// The report's status and words, where it cites no SMTP reply: contracts/scaisend.md §5.1 has one on every such event.
    /// </summary>
    static string InsteadOfReply(string what, DeliveryStatusNotification notification, RecipientStatus status)
    {
        if (status.Diagnostic?.Text is not { } text)
            return Said(what, notification, status);
        return status.Status is { } code && !text.StartsWith(code.ToString(), StringComparison.Ordinal) ? $"{code} {text}" : text;
    }

    static string Said(string what, DeliveryStatusNotification notification, RecipientStatus status) =>
        $"Reported as {what}{(status.Status is { } code ? $" ({code})" : "")}{(notification.ReportingMta is { } mta ? $" by {mta}" : "")}";
}
