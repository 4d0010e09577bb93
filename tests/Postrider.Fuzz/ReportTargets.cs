using System.Text;
using Postrider.Engine.Bounces;
using Postrider.Mail.Mime;
using Postrider.Mail.Reports;
using Postrider.Mail.Smtp;
using static Postrider.Fuzz.FuzzException;

namespace Postrider.Fuzz;

static class ReportTargets
{
    const string Dsn =
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        + "Reporting-MTA: dns; a.test\r\n\r\nFinal-Recipient: utf-8; <gr\\x{FC}n@b.test>\r\nAction: failed (x)\r\nStatus: 5.1.1\r\n"
        + "Diagnostic-Code: smtp; 550-5.1.1 no 550 5.1.1 one\r\nLast-Attempt-Date: Fri, 20 Nov 2026 15:00:00 +0000\r\n--b\r\n"
        + "Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <a@b.test>\r\n\r\n--b--\r\n";

    const string Qsbmf =
        "From: a@b.test\r\n\r\nHi. This is the qmail\r\n\r\n<c@d.test>:\r\nRemote host said: 550 5.1.1 no\r\nGiving up on x.\r\n\r\n"
        + "<e@f.test>:\r\nno. (#5.1.1)\r\n\r\n--- Below\r\n\r\nMessage-ID: <a@b.test>\r\n\r\nx\r\n";

    const string Arf =
        "Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n"
        + "Feedback-Type: abuse\r\nOriginal-Rcpt-To: <a@b.test>\r\nSource-IP: 192.0.2.1\r\nIncidents: 2\r\n"
        + "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n--b--\r\n";

    public static IEnumerable<FuzzTarget> All { get; } =
    [
        new(
            "inbound-report",
            Seeds(Dsn, Qsbmf, Arf, "X-Failed-Recipients: a@b.test, c@d.test\r\n\r\nx", "Auto-Submitted: auto-replied\r\n\r\nx"), Read),
        new(
            "bounce-rules",
            Seeds("no-such-mailbox hard code=550 status=5.1.*,none stage=rcpt text=\"user * unknown\"\n# x\nblocklist block text=\"rbl\""),
            ReadRules),
        new("bounce-reply", Seeds("550 5.1.1 <a@b.test>: user unknown", "421 4.7.0 slow down", "552 too big"), Classify),
    ];

    static void Read(ReadOnlySpan<byte> input)
    {
        switch (InboundReport.Read(MimeReader.Read(input.ToArray())))
        {
            case DeliveryStatusNotification notification:
                Unless(notification.Recipients.Count is > 0 and <= 100, "a notification names recipients, and not too many");
                foreach (var recipient in notification.Recipients)
                {
                    Unless(
                        IsClean(recipient.FinalRecipient) && IsClean(recipient.OriginalRecipient) && IsClean(recipient.RemoteMta),
                        "clean values");
                    Unless(IsClean(recipient.Diagnostic?.Text) && IsClean(recipient.Diagnostic?.Reply?.Text), "a clean diagnostic");
                    var (_, action) = BounceRules.BuiltIn.Classify(recipient, notification.Format);
                    Unless(action is BounceAction.Soft or BounceAction.Block or BounceAction.Hard, "a report is not tried again");
                    Unless(
                        action != BounceAction.Hard || notification.Format != ReportFormat.FailedRecipients,
                        "nobody is suppressed on a bare mention");
                }
                break;
            case FeedbackReport feedback:
                Unless(
                    feedback.Incidents > 0 && feedback.OriginalRecipients.Count <= 100 && feedback.OriginalRecipients.All(IsClean),
                    "clean feedback");
                break;
            case AutomaticReply reply:
                Unless(IsClean(reply.Sign), "a clean sign");
                break;
        }
    }

    static void ReadRules(ReadOnlySpan<byte> input)
    {
        var rules = BounceRules.Read(Encoding.UTF8.GetString(input), out var faults);
        Unless(faults.All(fault => fault.StartsWith("line ", StringComparison.Ordinal)), "faults name their line");
        var (category, action) = rules.Classify(SmtpStage.EndOfData, new SmtpReply(550, "5.7.1 Spam"));
        Unless(
            action != BounceAction.Hard
                || category is BounceCategory.NoSuchMailbox or BounceCategory.NoSuchDomain or BounceCategory.MailboxDisabled,
            "hard is about mailboxes");
    }

    static void Classify(ReadOnlySpan<byte> input)
    {
        var reply = new SmtpReply(input.Length == 0 ? 550 : 400 + (input[0] % 200), Encoding.UTF8.GetString(input));
        foreach (var stage in Enum.GetValues<SmtpStage>())
        {
            var action = BounceRules.BuiltIn.Classify(stage, reply).Action;
            Unless(reply.Code >= 500 || action is BounceAction.Retry or BounceAction.RetryThrottled, "a transient reply is tried again");
            Unless(
                action != BounceAction.Hard || stage is SmtpStage.RcptTo or SmtpStage.Data or SmtpStage.Content or SmtpStage.EndOfData,
                "hard only after RCPT");
        }
    }

    static bool IsClean(string? text) => text is null || (text.Length <= 2_100 && !HeaderText.HasControls(text));

    static IReadOnlyList<byte[]> Seeds(params string[] texts) => [.. texts.Select(Encoding.UTF8.GetBytes)];
}
