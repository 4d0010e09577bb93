using Postrider.Engine.Suppressions;

namespace Postrider.Engine.Messages;

/// <summary>A message's status follows from its recipients' states (contracts/scaisend.md §4.2, "Roll-up").</summary>
static class Rollup
{
    /// <summary>The status once no attempt is under way.</summary>
    public static MessageStatus StatusOf(IReadOnlyList<RecipientState> recipients)
    {
        var (open, delivered, bounced, cancelled) = (0, 0, 0, 0);
        foreach (var state in recipients)
        {
            open += state == RecipientState.Open ? 1 : 0;
            delivered += state == RecipientState.Delivered ? 1 : 0;
            bounced += state == RecipientState.Bounced ? 1 : 0;
            cancelled += state == RecipientState.Cancelled ? 1 : 0;
        }
        return (open, delivered, bounced) switch
        {
            ( > 0, > 0, _) => MessageStatus.Sent,
            ( > 0, 0, _) => MessageStatus.Queued,
            (0, > 0, _) => MessageStatus.Delivered,
            (0, 0, > 0) => MessageStatus.Bounced,
            _ when cancelled == recipients.Count => MessageStatus.Cancelled,
            _ => MessageStatus.Failed,
        };
    }

    /// <summary>
    /// What went wrong, for a person: the one recipient's reply, or how many of several came to nothing. Null when all is well.
    /// </summary>
    public static string? ErrorOf(IReadOnlyList<RecipientState> recipients, Func<int, string?> lastReply)
    {
        if (recipients.All(state => state is RecipientState.Open or RecipientState.Delivered))
            return null;
        if (recipients.All(state => state == RecipientState.Dropped))
        {
            if (Enumerable.Range(0, recipients.Count).All(ordinal => SuppressionRules.IsSuppression(lastReply(ordinal))))
                return "All recipients suppressed";
            return recipients.Count == 1 ? lastReply(0) ?? "Recipient dropped" : "All recipients dropped";
        }
        if (recipients.Count == 1)
            return lastReply(0);

        var parts = recipients
            .Where(state => state is not (RecipientState.Open or RecipientState.Delivered))
            .GroupBy(state => state)
            .Select(group => $"{group.Count()} of {recipients.Count} recipients {group.Key.ToString().ToLowerInvariant()}");
        return string.Join(", ", parts);
    }
}
