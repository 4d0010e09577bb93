using Postrider.Mail.Mime;

namespace Postrider.Mail.Reports;

/// <summary>
/// What a message says that came to a return path or a feedback address: <see cref="DeliveryStatusNotification"/>, <see
/// cref="FeedbackReport"/>,
/// <see cref="AutomaticReply"/> or <see cref="OtherMessage"/>, and nothing else.
/// </summary>
/// <remarks>
/// Only what a program wrote for programs is read, never what a text seems to mean. Everything here was said by a stranger: that a report
/// is about a message of ours is for its return path to prove.
/// </remarks>
public abstract record InboundReport
{
    private protected InboundReport() { }

    /// <summary>Never fails: what cannot be read is an <see cref="OtherMessage"/>.</summary>
    public static InboundReport Read(ParsedMessage message)
    {
        // Reports first, for most of them are marked as automatic too (RFC 3834 §5).
        if (DeliveryStatusReader.Read(message) is { } notification)
            return notification;
        if (FeedbackReader.Read(message) is { } feedback)
            return feedback;
        if (PlainBounceReader.Read(message) is { } bounce)
            return bounce;
        return AutomaticReply.Find(message) is { } reply ? reply : OtherMessage.Instance;
    }
}

/// <summary>A person's letter, spam, or a report in a form that is not known.</summary>
public sealed record OtherMessage : InboundReport
{
    OtherMessage() { }

    public static OtherMessage Instance { get; } = new();
}
