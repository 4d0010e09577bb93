using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Engine.Suppressions;

namespace Postrider.Engine.Reports;

/// <summary>
/// What a report changes: contracts/scaisend.md §4.2, §5.2, as a pure function that the stores call inside their transaction. A recipient
/// whom an MX had accepted bounces, once; for all others a failure is evidence and no more.
/// </summary>
public static class ReportRules
{
    public static ReportDecision Decide(ReportedMessage now, RecipientReport report, DateTimeOffset at)
    {
        if (now.Message.Sandbox || report.Recipient >= now.Message.Recipients.Count)
            return new(ReportResult.WithoutEffect);
        if (now.IsRecorded)
            return new(ReportResult.Repeated);

        var state = now.Message.Recipients[report.Recipient].State;
        return (report.Type, state) switch
        {
            (EventType.SpamReport, _) => Record(Complain(now, report, at)),
            (EventType.Deferred, RecipientState.Open or RecipientState.Delivered) => Record(Note(now, report, at)),
            // Its acceptance may not be written yet: some hosts report within the moment in which they accept.
            (EventType.Bounce, RecipientState.Open or RecipientState.Delivered) when now.IsLeased => new(ReportResult.Busy),
            (EventType.Bounce, RecipientState.Delivered) => Record(Bounce(now, report, at)),
            // What bounced has bounced; a second report of it is no second bounce.
            (EventType.Bounce, not RecipientState.Bounced) => Record(Note(now, report, at)),
            _ => new(ReportResult.WithoutEffect),
        };
    }

    static ReportDecision Record(ReportChange change) => new(ReportResult.Recorded, change);

    /// <summary>
    /// The event, and of a bounce its row: an open recipient's next attempt meets that; a failed or cancelled one stays what it is.
    /// </summary>
    static ReportChange Note(ReportedMessage now, RecipientReport report, DateTimeOffset at)
    {
        var isOver = now.Status is MessageStatus.Failed or MessageStatus.Cancelled;
        var happened = EventOf(report, report.Data with { Late = isOver && report.Type == EventType.Bounce ? true : null }, at);
        return new ReportChange
        {
            Event = happened,
            Status = now.Status,
            Suppression = BounceRows.Of(happened, now.Message.Id, now.Message.Recipients[report.Recipient].Address.Mailbox),
        };
    }

    static ReportChange Bounce(ReportedMessage now, RecipientReport report, DateTimeOffset at)
    {
        var said = report.Data.SmtpResponse ?? report.Data.BounceReason;
        StoredRecipient[] recipients = [.. now.Message.Recipients];
        recipients[report.Recipient] = recipients[report.Recipient] with { State = RecipientState.Bounced, LastReply = said };
        RecipientState[] states = [.. recipients.Select(recipient => recipient.State)];
        var change = Note(now, report, at) with { Outcome = new RecipientOutcome(report.Recipient, RecipientState.Bounced, said) };
        // A live message takes its status from its queue row and rolls up when it settles; one failed by hand stays failed (§4.5.6).
        return now.Status != MessageStatus.Delivered ? change : change with
        {
            Status = Rollup.StatusOf(states),
            ErrorMessage = Rollup.ErrorOf(states, ordinal => recipients[ordinal].LastReply),
        };
    }

    static ReportChange Complain(ReportedMessage now, RecipientReport report, DateTimeOffset at)
    {
        var happened = EventOf(report, report.Data, at);
        return new ReportChange
        {
            Event = happened,
            Status = now.Status,
            Suppression = new Suppression
            {
                Id = happened.Id.Value,
                List = SuppressionList.SpamReports,
                Address = now.Message.Recipients[report.Recipient].Address.Mailbox,
                CreatedAt = at,
                Reason = report.Data.Reason,
                Message = now.Message.Id,
            },
        };
    }

    static MessageEvent EventOf(RecipientReport report, EventData data, DateTimeOffset at) =>
        new(report.Cause.IdAt(at), report.Type, report.Recipient, at, data);
}

/// <summary>What the rules are to know of a message, as it stands in the transaction that will change it.</summary>
/// <param name="IsLeased">Somebody holds it, and knows its recipients' states by heart.</param>
/// <param name="IsRecorded">It has an event of the report's cause.</param>
public sealed record ReportedMessage(StoredMessage Message, MessageStatus Status, bool IsLeased, bool IsRecorded);

/// <param name="Change">What is to be written; only with <see cref="ReportResult.Recorded"/>.</param>
public readonly record struct ReportDecision(ReportResult Result, ReportChange? Change = null);

public sealed record ReportChange
{
    public required MessageEvent Event { get; init; }

    /// <summary>Null leaves the recipient as it is.</summary>
    public RecipientOutcome? Outcome { get; init; }

    /// <summary>The message's status after this.</summary>
    public required MessageStatus Status { get; init; }

    /// <summary>Of a delivered message whose recipient bounced, also while others have it; else null, which leaves it as it is.</summary>
    public string? ErrorMessage { get; init; }
    public Suppression? Suppression { get; init; }
}
