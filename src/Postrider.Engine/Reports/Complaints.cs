using System.Diagnostics.CodeAnalysis;
using Postrider.Engine.Delivery;
using Postrider.Engine.Messages;
using Postrider.Mail.Addresses;
using Postrider.Mail.Reports;

namespace Postrider.Engine.Reports;

/// <summary>What a feedback report means. Anybody can write one; which message it is about, only its return path proves.</summary>
static class Complaints
{
    /// <summary>Return-Path fields that are tried: a message has one, and some hosts on the way leave another.</summary>
    const int MaxPathsTried = 5;

    /// <summary>
    /// A recipient wants no more of this. Not: that it was no spam after all, that its authentication failed, or what nobody knows.
    /// </summary>
    public static bool IsComplaint(FeedbackReport report) =>
        report.Type is FeedbackType.Abuse or FeedbackType.Fraud or FeedbackType.Virus or FeedbackType.OptOut;

    /// <param name="addressed">Where the report came to: a return path proves as much when it comes to that.</param>
    public static bool TryProve(FeedbackReport report, Mailbox addressed, ReturnPaths paths, out MessageId message, out int recipient)
    {
        if (paths.TryRead(addressed, out message, out recipient))
            return true;
        foreach (var path in PathsIn(report))
        {
            if (TryParse(path, out var mailbox) && paths.TryRead(mailbox, out message, out recipient))
                return true;
        }
        return false;
    }

    /// <summary>One a recipient and message, whatever number of loops and hosts reports it.</summary>
    public static RecipientReport Read(FeedbackReport report, MessageId message, int recipient) => new(
        message, recipient, EventType.SpamReport,
        new EventData
        {
            FeedbackType = Word(report.Type),
            Reason = $"Feedback report ({Word(report.Type)}){(report.UserAgent is { } agent ? $" by {agent}" : "")}",
        },
        ReportCause.Of(EventType.SpamReport, recipient));

    static string Word(FeedbackType type) => type switch
    {
        FeedbackType.Fraud => "fraud",
        FeedbackType.Virus => "virus",
        FeedbackType.OptOut => "opt-out",
        _ => "abuse",
    };

    static IEnumerable<string> PathsIn(FeedbackReport report)
    {
        var returned = report.Returned?.Fields.All.Where(
            field => field.Name.Equals("Return-Path", StringComparison.OrdinalIgnoreCase)) ?? [];
        return returned.Take(MaxPathsTried).Select(field => field.RawValue)
            .Concat(report.OriginalMailFrom is { } from ? [from] : []);
    }

    static bool TryParse(string path, [NotNullWhen(true)] out Mailbox? mailbox)
    {
        mailbox = null;
        return path.Length <= Mailbox.MaxOctets + 2 && Mailbox.TryParse(path.Trim().TrimStart('<').TrimEnd('>'), out mailbox);
    }
}
