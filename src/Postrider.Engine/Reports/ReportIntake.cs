using Microsoft.Extensions.Logging;
using Postrider.Engine.Bounces;
using Postrider.Engine.Delivery;
using Postrider.Engine.Messages;
using Postrider.Mail.Addresses;
using Postrider.Mail.Mime;
using Postrider.Mail.Reports;

namespace Postrider.Engine.Reports;

/// <summary>
/// Mail to <c>b+token@</c> and <c>fbl@</c> of the return-path domain (contracts/scaisend.md §8.6), from its text to what is recorded of it.
/// Nothing is ever sent in answer.
/// </summary>
/// <remarks>
/// The sender, who may be anybody, decides nothing but the words: message and recipient come of a return path whose HMAC only this
/// installation can make. Who has a return path, for having got the message, can let that one recipient bounce, once.
/// </remarks>
public sealed class ReportIntake(
    IReportStore store, IMessageReader messages, ReturnPaths paths, BounceRules rules, Domain host, TimeProvider time,
    ILogger<ReportIntake> log)
{
    const string FeedbackAddress = "fbl";

    /// <summary>
    /// How long to wait before asking again about a message that is being attempted, after each time. Most attempts have ended by then, and
    /// a report that is refused for now comes again in minutes. Guesses.
    /// </summary>
    static readonly TimeSpan[] BusyWaits = [TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(1)];

    /// <summary>Whether mail to it may hold a report.</summary>
    public bool IsOurs(Mailbox mailbox) =>
        mailbox.Domain == host && (IsFeedbackAddress(mailbox) || paths.TryRead(mailbox, out _, out _));

    /// <param name="recipient">One that <see cref="IsOurs"/>.</param>
    /// <param name="peer">Who brought it, for the log.</param>
    /// <returns>
    /// Durable, whatever it is; but <see cref="ReportOutcome.Busy"/> and <see cref="ReportOutcome.StoreAway"/> ask for another try.
    /// </returns>
    public async Task<ReportOutcome> TakeAsync(Mailbox recipient, ParsedMessage mail, string? peer, CancellationToken cancel)
    {
        var outcome = await RecordAsync(recipient, mail, peer, cancel);
        EngineMetrics.Count(outcome);
        return outcome;
    }

    async Task<ReportOutcome> RecordAsync(Mailbox recipient, ParsedMessage mail, string? peer, CancellationToken cancel)
    {
        var (outcome, report) = Read(recipient, mail);
        if (report is null)
            return outcome;
        try
        {
            // A seek a tenant, or with PostgreSQL a statement a lane: bounces are few.
            if (await messages.FindTenantOfAsync(report.Message, cancel) is not { } tenant)
                return ReportOutcome.MessageGone;
            var result = await RecordAsync(tenant, report, cancel);
            if (result == ReportResult.Recorded)
            {
                EngineMetrics.Count(report.Type);
                var said = report.Data.SmtpResponse ?? report.Data.BounceReason ?? report.Data.Reason;
                log.ReportRecorded(report.Message, report.Recipient, report.Type, peer, said);
            }
            return result switch
            {
                ReportResult.Recorded => outcome,
                ReportResult.Repeated => ReportOutcome.Repeated,
                ReportResult.NotFound => ReportOutcome.MessageGone,
                ReportResult.Busy => ReportOutcome.Busy,
                _ => ReportOutcome.WithoutEffect,
            };
        }
        catch (StoreUnavailableException e)
        {
            log.ReportNotRecorded(e, report.Message);
            return ReportOutcome.StoreAway;
        }
    }

    async Task<ReportResult> RecordAsync(TenantId tenant, RecipientReport report, CancellationToken cancel)
    {
        foreach (var wait in BusyWaits)
        {
            var result = await store.RecordAsync(tenant, report, time.GetUtcNow(), cancel);
            if (result != ReportResult.Busy)
                return result;
            await Task.Delay(wait, time, cancel);
        }
        return await store.RecordAsync(tenant, report, time.GetUtcNow(), cancel);
    }

    /// <returns>With a report, the outcome when that is recorded.</returns>
    (ReportOutcome, RecipientReport?) Read(Mailbox addressed, ParsedMessage mail)
    {
        MessageId message;
        int recipient;
        switch (InboundReport.Read(mail))
        {
            case DeliveryStatusNotification notification:
                if (!paths.TryRead(addressed, out message, out recipient))
                    return (ReportOutcome.Unproven, null);
                var reportId = mail.MessageId is { Length: > 0 } given ? given : null;
                return DeliveryReports.Read(notification, reportId, message, recipient, rules) is { } told
                    ? (told.Type == EventType.Bounce ? ReportOutcome.Bounce : ReportOutcome.Deferred, told)
                    : (ReportOutcome.Ignored, null);
            case FeedbackReport feedback:
                if (!Complaints.IsComplaint(feedback))
                    return (ReportOutcome.Ignored, null);
                return Complaints.TryProve(feedback, addressed, paths, out message, out recipient)
                    ? (ReportOutcome.SpamReport, Complaints.Read(feedback, message, recipient))
                    : (ReportOutcome.Unproven, null);
            case AutomaticReply:
                return (ReportOutcome.AutomaticReply, null);
            default:
                return (ReportOutcome.NotAReport, null);
        }
    }

    static bool IsFeedbackAddress(Mailbox mailbox) => mailbox.LocalPart.Equals(FeedbackAddress, StringComparison.OrdinalIgnoreCase);
}
