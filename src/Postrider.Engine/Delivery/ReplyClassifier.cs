using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Postrider.Engine.Bounces;
using Postrider.Mail.Smtp;

namespace Postrider.Engine.Delivery;

/// <summary>What a refusal makes of a recipient: the rules' answer as a verdict.</summary>
static class ReplyClassifier
{
    public static Verdict Judge(this BounceRules rules, SmtpStage stage, SmtpReply reply)
    {
        var (category, action) = rules.Classify(stage, reply);
        var (line, status) = (reply.ToString(), reply.Enhanced?.ToString());
        return action switch
        {
            BounceAction.Hard => new Verdict.Bounced(BounceKind.Hard, line, status, category),
            BounceAction.Soft => new Verdict.Bounced(BounceKind.Soft, line, status, category),
            BounceAction.Block => new Verdict.Blocked(line, status, category),
            _ => new Verdict.Deferred(line, status, Throttled: action == BounceAction.RetryThrottled, Category: category),
        };
    }

    /// <summary>What it means that a message is past its lifetime, by what was last said about the recipient.</summary>
    /// <param name="lastReply">A reply on one line, or in words what happened instead of one; null when nothing was ever tried.</param>
    public static Verdict.Deferred Expired(this BounceRules rules, string? lastReply)
    {
        if (lastReply is null)
            return new Verdict.Deferred("not delivered within its lifetime", "4.4.7");
        if (!TryRead(lastReply, out var reply))
            return new Verdict.Deferred(lastReply, "4.4.7");
        // Where it was said is not kept. It was taken for a reason to try again, and such rules seldom ask where.
        var (category, action) = rules.Classify(SmtpStage.RcptTo, reply);
        return new Verdict.Deferred(
            lastReply, reply.Enhanced?.ToString() ?? "4.4.7", Throttled: action == BounceAction.RetryThrottled, Category: category);
    }

    static bool TryRead(string line, [NotNullWhen(true)] out SmtpReply? reply)
    {
        reply = line is ['4' or '5', >= '0' and <= '9', >= '0' and <= '9', ' ', .. var text]
            ? new SmtpReply(int.Parse(line.AsSpan(0, 3), NumberStyles.None, CultureInfo.InvariantCulture), text)
            : null;
        return reply is not null;
    }
}
