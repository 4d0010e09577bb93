using Postrider.Engine.Messages;

namespace Postrider.Api.ScaiSend;

/// <summary>The dialect's words for statuses, events and recipients: contracts/scaisend.md §4.1, §5.2.</summary>
static class ScaiSendWords
{
    /// <summary>By <see cref="MessageStatus"/>.</summary>
    static readonly string[] Statuses =
        ["queued", "processing", "rendered", "sending", "sent", "delivered", "bounced", "failed", "cancelled", "sandbox"];

    /// <summary>By <see cref="EventType"/>; the audit trail, from 100 on, has no word.</summary>
    static readonly string[] Events =
    [
        "processed", "dropped", "deferred", "delivered", "bounce", "blocked",
        "open", "click", "spam_report", "unsubscribe", "group_unsubscribe", "group_resubscribe",
    ];

    /// <summary>By <see cref="RecipientState"/>.</summary>
    static readonly string[] RecipientStates = ["open", "delivered", "bounced", "failed", "dropped", "cancelled"];

    /// <summary>By <see cref="RecipientKind"/>.</summary>
    static readonly string[] RecipientKinds = ["to", "cc", "bcc"];

    public static string Of(MessageStatus status) => Statuses[(int)status];

    public static string Of(RecipientState state) => RecipientStates[(int)state];

    public static string Of(RecipientKind kind) => RecipientKinds[(int)kind];

    /// <returns>Null for a type that is not shown.</returns>
    public static string? Of(EventType type) => (int)type < Events.Length ? Events[(int)type] : null;

    public static bool TryParse(ReadOnlySpan<char> word, out MessageStatus status)
    {
        for (var i = 0; i < Statuses.Length; i++)
        {
            if (word.Equals(Statuses[i], StringComparison.OrdinalIgnoreCase))
            {
                status = (MessageStatus)i;
                return true;
            }
        }
        status = default;
        return false;
    }
}
