using Postrider.Engine.Messages;
using Postrider.Mail.Addresses;

namespace Postrider.Engine.Suppressions;

/// <summary>
/// The row of the bounce list that an event of a bounce leaves: hard, soft and blocked ones alike, each with its evidence.
/// </summary>
public static class BounceRows
{
    /// <returns>Null when the event is no bounce, or one that came of the list itself.</returns>
    public static Suppression? Of(MessageEvent happened, MessageId message, Mailbox recipient)
    {
        if (happened is not { Type: EventType.Bounce or EventType.Blocked, Data: { Source: not "suppression" } data })
            return null;
        return new Suppression
        {
            Id = happened.Id.Value,
            List = SuppressionList.Bounces,
            Address = recipient,
            CreatedAt = happened.At,
            Reason = data.BounceReason ?? data.SmtpResponse,
            BounceType = data.BounceType switch
            {
                "hard" => BounceType.Hard,
                "block" => BounceType.Block,
                _ => BounceType.Soft,
            },
            Status = data.Status,
            Message = message,
        };
    }
}
