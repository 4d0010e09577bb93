using Postrider.Engine.Bounces;
using Postrider.Engine.Messages;

namespace Postrider.Engine.Delivery;

/// <summary>What an attempt means for one recipient. Made by <see cref="ReplyClassifier"/> or by what never came to a reply.</summary>
abstract record Verdict
{
    Verdict() { }

    public sealed record Delivered(string Reply) : Verdict;

    /// <summary>To be tried again.</summary>
    /// <param name="Reply">The reply on one line, or what happened instead of one.</param>
    /// <param name="Throttled">The far side asks for less: used up, this ends as failed rather than bounced.</param>
    /// <param name="Uncertain">It may have been delivered all the same: the final dot was sent and no answer came.</param>
    public sealed record Deferred(
        string Reply, string? Status, bool Throttled = false, bool Uncertain = false, BounceCategory Category = BounceCategory.Network)
        : Verdict;

    public sealed record Bounced(BounceKind Kind, string Reply, string? Status, BounceCategory Category, string Source = "smtp") : Verdict;

    /// <summary>Refused for policy or reputation: about us or the message, not about the mailbox.</summary>
    public sealed record Blocked(string Reply, string? Status, BounceCategory Category) : Verdict;

    /// <param name="Reason">A word of contracts/scaisend.md §5.2.</param>
    public sealed record Dropped(string Reason, string Detail) : Verdict
    {
        /// <summary>The unsubscribe group that is the reason.</summary>
        public int? Group { get; init; }
    }

    /// <summary>Nobody was asked: the destination is being left alone. No attempt is counted.</summary>
    public sealed record NotTried(DateTimeOffset Until) : Verdict;

    /// <summary>The recipient's state after this verdict, when <see cref="Deferred"/> is still within the message's lifetime.</summary>
    public RecipientState State => this switch
    {
        Delivered => RecipientState.Delivered,
        Bounced or Blocked => RecipientState.Bounced,
        Dropped => RecipientState.Dropped,
        _ => RecipientState.Open,
    };
}

enum BounceKind
{
    /// <summary>The mailbox does not exist.</summary>
    Hard,

    /// <summary>The mailbox exists but does not take this message now, or could not be reached in time.</summary>
    Soft,
}
