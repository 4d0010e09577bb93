using System.Text.Json;
using System.Text.Json.Serialization;

namespace Postrider.Engine.Messages;

/// <summary>
/// The types of a timeline. The numbers are what the stores keep; those from 100 on are the audit trail and are not shown by dialects.
/// </summary>
public enum EventType : byte
{
    Processed = 0,
    Dropped = 1,
    Deferred = 2,
    Delivered = 3,
    Bounce = 4,
    Blocked = 5,
    Open = 6,
    Click = 7,
    SpamReport = 8,
    Unsubscribe = 9,
    GroupUnsubscribe = 10,
    GroupResubscribe = 11,

    /// <summary>A person or a program cancelled, retried or failed the message.</summary>
    Cancelled = 100,
    Retried = 101,
    FailedByHand = 102,
    Failed = 103,
}

/// <param name="Recipient">Ordinal of the recipient within its message.</param>
public sealed record MessageEvent(EventId Id, EventType Type, int Recipient, DateTimeOffset At, EventData? Data);

/// <summary>What an event tells beyond type, recipient and time; stored as JSON, absent members left out.</summary>
public sealed record EventData
{
    /// <summary>The reply as the peer sent it, on one line, bounded.</summary>
    public string? SmtpResponse { get; init; }

    /// <summary>hard, soft or block.</summary>
    public string? BounceType { get; init; }
    public string? BounceReason { get; init; }

    /// <summary>Enhanced status code, e.g. 5.1.1 (RFC 3463).</summary>
    public string? Status { get; init; }

    /// <summary>Why, of a refusal: a word of docs/operate/bounces.md.</summary>
    public string? Category { get; init; }

    /// <summary>smtp, dsn or suppression; of a deferral dsn or null.</summary>
    public string? Source { get; init; }

    /// <summary>Why a recipient was dropped: contracts/scaisend.md §5.2. Of a complaint, who reported it.</summary>
    public string? Reason { get; init; }

    /// <summary>Of a complaint: abuse, fraud, virus or opt-out (RFC 5965 §7.3).</summary>
    public string? FeedbackType { get; init; }

    /// <summary>The unsubscribe group it is about.</summary>
    public int? GroupId { get; init; }
    public string? MxHost { get; init; }
    public string? TlsVersion { get; init; }

    /// <summary>1 for the first.</summary>
    public int? Attempt { get; init; }
    public DateTimeOffset? NextRetryAt { get; init; }
    public DateTimeOffset? SendAt { get; init; }

    /// <summary>The remote may have the message although nobody heard it say so: the next attempt may deliver a second copy.</summary>
    public bool? Uncertain { get; init; }

    /// <summary>It came when the message had been failed by hand, and changed nothing any more (contracts/scaisend.md §4.5.6).</summary>
    public bool? Late { get; init; }

    /// <summary>
    /// The attempt's own account: address spoken to, when it was leased, rendered, marked sending, and each reply by stage.
    /// </summary>
    public AttemptRecord? AttemptRecord { get; init; }

    /// <summary>
    /// Of an attempt that was sending when its process died, or whose lease ended: it may have been accepted all the same.
    /// </summary>
    public static EventData Unheard(int attempt, DateTimeOffset nextRetryAt) => new()
    {
        SmtpResponse = "no reply was recorded: the attempt ended with its lease",
        Uncertain = true,
        Attempt = attempt,
        NextRetryAt = nextRetryAt,
    };

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, EventDataJson.Default.EventData);

    public static EventData? FromJson(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, EventDataJson.Default.EventData);
}

public sealed record AttemptRecord
{
    public string? RemoteAddress { get; init; }
    public DateTimeOffset? LeasedAt { get; init; }
    public DateTimeOffset? RenderedAt { get; init; }
    public DateTimeOffset? SendingAt { get; init; }
    public IReadOnlyList<string>? Replies { get; init; }
}

[JsonSourceGenerationOptions(
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(EventData))]
sealed partial class EventDataJson : JsonSerializerContext;
