namespace Postrider.Engine.Messages;

/// <summary>DESIGN §4. The numbers are what the stores keep: never reuse or renumber one.</summary>
public enum MessageStatus : byte
{
    Queued = 0,
    Processing = 1,
    Rendered = 2,
    Sending = 3,

    /// <summary>Some recipient's MX accepted it; others are still open.</summary>
    Sent = 4,
    Delivered = 5,
    Bounced = 6,
    Failed = 7,
    Cancelled = 8,
    Sandbox = 9,
}

public static class MessageStatuses
{
    public const int Count = 10;

    /// <summary>A settled message has no queue row; only a person's retry, or a later bounce report, changes it.</summary>
    public static bool IsSettled(this MessageStatus status) => status >= MessageStatus.Delivered;
}

public enum RecipientKind : byte
{
    To = 0,
    Cc = 1,
    Bcc = 2,
}

/// <summary>What has become of one recipient. The numbers are what the stores keep.</summary>
public enum RecipientState : byte
{
    /// <summary>Not settled: to be tried, again or for the first time.</summary>
    Open = 0,
    Delivered = 1,
    Bounced = 2,

    /// <summary>Not a verdict on the mailbox: throttled to the end, unverified domain, failed by hand.</summary>
    Failed = 3,

    /// <summary>Never tried: suppressed or not mailable.</summary>
    Dropped = 4,
    Cancelled = 5,
}
