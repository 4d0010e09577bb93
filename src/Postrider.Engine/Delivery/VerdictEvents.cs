using Postrider.Engine.Bounces;
using Postrider.Engine.Messages;

namespace Postrider.Engine.Delivery;

/// <summary>What a verdict is on the timeline, and what it makes of its recipient (contracts/scaisend.md §5.2, §8.4).</summary>
static class VerdictEvents
{
    /// <param name="next">When a deferred recipient is tried again; null when its time is up.</param>
    public static (EventType Type, RecipientState State, EventData Data) Of(Verdict verdict, DateTimeOffset? next) => verdict switch
    {
        Verdict.Delivered delivered =>
            (EventType.Delivered, RecipientState.Delivered, new EventData { SmtpResponse = delivered.Reply }),
        Verdict.Deferred deferred => OfDeferred(deferred, next),
        Verdict.Bounced bounced => (EventType.Bounce, RecipientState.Bounced, new EventData
        {
            // Of a suppressed retry the reply that put the address on the list: nobody was asked again.
            SmtpResponse = bounced.Reply,
            BounceType = bounced.Kind == BounceKind.Hard ? "hard" : "soft",
            BounceReason = bounced.Reply,
            Status = bounced.Status,
            Category = bounced.Category.Word(),
            Source = bounced.Source,
        }),
        Verdict.Blocked blocked => (EventType.Blocked, RecipientState.Bounced, new EventData
        {
            SmtpResponse = blocked.Reply,
            BounceType = "block",
            BounceReason = blocked.Reply,
            Status = blocked.Status,
            Category = blocked.Category.Word(),
        }),
        Verdict.Dropped dropped => (EventType.Dropped, RecipientState.Dropped, new EventData
        {
            Reason = dropped.Reason,
            BounceReason = dropped.Detail,
            GroupId = dropped.Group,
        }),
        _ => throw new InvalidOperationException($"{verdict} settles nothing."),
    };

    static (EventType, RecipientState, EventData) OfDeferred(Verdict.Deferred deferred, DateTimeOffset? next)
    {
        var data = new EventData
        {
            SmtpResponse = deferred.Reply,
            Status = deferred.Status,
            Category = deferred.Category.Word(),
            NextRetryAt = next,
            Uncertain = deferred.Uncertain ? true : null,
        };
        if (next is not null)
            return (EventType.Deferred, RecipientState.Open, data);
        return deferred.Throttled
            ? (EventType.Deferred, RecipientState.Failed, data)
            : (EventType.Bounce, RecipientState.Bounced, data with { BounceType = "soft", BounceReason = deferred.Reply, Source = "smtp" });
    }
}
