using Postrider.Engine.Bounces;
using Postrider.Engine.Delivery;
using Postrider.Engine.Messages;

namespace Postrider.Engine.Suppressions;

/// <summary>What the lists mean for one recipient: contracts/scaisend.md §8.5, §4.5.5, as a pure function.</summary>
static class SuppressionRules
{
    /// <summary>Begins what is said about every recipient that a list kept mail from.</summary>
    const string Suppressed = "Suppressed: ";

    /// <param name="rows">The tenant's blocking rows of this recipient's address; of groups also others than the message's.</param>
    /// <returns>Null when the recipient is to be mailed.</returns>
    public static Verdict? Judge(StoredMessage message, StoredRecipient recipient, IReadOnlyList<Suppression> rows)
    {
        Suppression? bounce = null;
        var (spam, global, group) = (false, false, false);
        foreach (var row in rows)
        {
            switch (row.List)
            {
                case SuppressionList.Bounces when bounce is null || row.Message == message.Id:
                    bounce = row;
                    break;
                case SuppressionList.SpamReports:
                    spam = true;
                    break;
                case SuppressionList.GlobalUnsubscribes:
                    global = true;
                    break;
                case SuppressionList.GroupUnsubscribes:
                    group |= row.Group == message.Settings.UnsubscribeGroup;
                    break;
            }
        }
        var bypass = message.Settings.Bypass;
        if (bypass.HasFlag(Bypass.All))
            return null;
        if (bounce is not null && !bypass.HasFlag(Bypass.Bounces))
            return OnBounceList(message, recipient, bounce);
        if (spam && !bypass.HasFlag(Bypass.SpamReports))
            return new Verdict.Dropped("spam_reporting_address", Suppressed + "spam report");
        if (global && !bypass.HasFlag(Bypass.GlobalUnsubscribes))
            return new Verdict.Dropped("unsubscribed_address", Suppressed + "unsubscribed");
        return group
            ? new Verdict.Dropped("group_unsubscribed", $"{Suppressed}unsubscribed from group {message.Settings.UnsubscribeGroup}")
            {
                Group = message.Settings.UnsubscribeGroup,
            }
            : null;
    }

    /// <summary>
    /// A recipient that this very message bounced from, and whom somebody had tried again, bounces again; any other is dropped.
    /// </summary>
    static Verdict OnBounceList(StoredMessage message, StoredRecipient recipient, Suppression bounce) =>
        bounce.Message == message.Id || WasRefusedForGood(recipient)
            ? new Verdict.Bounced(
                BounceKind.Hard, bounce.Reason ?? "On the bounce list", bounce.Status, BounceCategory.Other, "suppression")
            : new Verdict.Dropped("bounced_address", Suppressed + "hard bounce");

    /// <summary>Open again after a 5yz: a retry by hand. The list may have let go of the row that tells so.</summary>
    /// <remarks>
    /// A 5yz that asked for patience (BounceAction.Retry) looks alike; it bounces where it could be dropped, and is mailed in neither case.
    /// </remarks>
    static bool WasRefusedForGood(StoredRecipient recipient) => recipient.LastReply is ['5', >= '0' and <= '9', >= '0' and <= '9', ' ', ..];

    /// <summary>Whether a recipient's last reply is what <see cref="Judge"/> says instead of one.</summary>
    public static bool IsSuppression(string? lastReply) => lastReply?.StartsWith(Suppressed, StringComparison.Ordinal) == true;
}
