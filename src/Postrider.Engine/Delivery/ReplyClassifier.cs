using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Postrider.Mail.Smtp;

namespace Postrider.Engine.Delivery;

/// <summary>What a refusal means: contracts/scaisend.md §8.4 as one pure function.</summary>
static class ReplyClassifier
{
    public static Verdict Classify(SmtpStage stage, SmtpReply reply)
    {
        var line = reply.ToString();
        var status = reply.Enhanced?.ToString();
        if (reply.Code is >= 400 and < 500)
            return new Verdict.Deferred(line, status, Throttled: IsThrottling(reply));
        if (reply.Code < 500)
            return new Verdict.Deferred(line, status);      // a code that does not fit its stage: a fault of theirs, perhaps a passing one

        return About(stage, reply) switch
        {
            Subject.Mailbox => new Verdict.Bounced(BounceKind.Hard, line, status),
            Subject.MailboxNow => new Verdict.Bounced(BounceKind.Soft, line, status),
            _ => new Verdict.Blocked(line, status),
        };
    }

    /// <summary>421, or a 4.7.x: the far side asks for less rather than for later. Greylisting also says 4.7.1 and only slows us.</summary>
    public static bool IsThrottling(SmtpReply reply) =>
        reply.Code == 421 || reply is { Code: < 500, Enhanced: { Class: 4, Subject: 7 } };

    /// <summary>What it means that a message is past its lifetime, by what was last said about the recipient.</summary>
    /// <param name="lastReply">A reply on one line, or in words what happened instead of one; null when nothing was ever tried.</param>
    public static Verdict.Deferred Expired(string? lastReply)
    {
        if (lastReply is null)
            return new Verdict.Deferred("not delivered within its lifetime", "4.4.7");
        if (!TryRead(lastReply, out var reply))
            return new Verdict.Deferred(lastReply, "4.4.7");
        return new Verdict.Deferred(lastReply, reply.Enhanced?.ToString() ?? "4.4.7", Throttled: IsThrottling(reply));
    }

    static bool TryRead(string line, [NotNullWhen(true)] out SmtpReply? reply)
    {
        reply = line is ['4', >= '0' and <= '9', >= '0' and <= '9', ' ', .. var text]
            ? new SmtpReply(int.Parse(line.AsSpan(0, 3), NumberStyles.None, CultureInfo.InvariantCulture), text)
            : null;
        return reply is not null;
    }

    enum Subject
    {
        Mailbox,
        MailboxNow,
        UsOrTheMessage,
    }

    static Subject About(SmtpStage stage, SmtpReply reply)
    {
        // Before RCPT nobody has named the recipient, so no code can be about it, whatever it claims.
        var recipientIsKnown = stage is SmtpStage.RcptTo or SmtpStage.Data or SmtpStage.Content or SmtpStage.EndOfData;
        return (reply.Enhanced, reply.Code) switch
        {
            ({ Subject: 3, Detail: 4 }, _) or (null or { Subject: 0 }, 552) => Subject.MailboxNow,   // too big: said at MAIL by those who offer SIZE
            _ when !recipientIsKnown => Subject.UsOrTheMessage,
            ({ Subject: 1, Detail: 7 or 8 }, _) => Subject.UsOrTheMessage,                      // bad sender's mailbox or system address
            ({ Subject: 1 }, _) or ({ Subject: 2, Detail: 1 }, _) => Subject.Mailbox,
            ({ Subject: 2, Detail: 2 or 3 }, _) => Subject.MailboxNow,
            ({ Subject: not 0 }, _) => Subject.UsOrTheMessage,
            (_, 550 or 551 or 553) when stage == SmtpStage.RcptTo => Subject.Mailbox,
            _ => Subject.UsOrTheMessage,
        };
    }
}
