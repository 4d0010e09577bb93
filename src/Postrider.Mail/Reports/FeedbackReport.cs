using System.Net;

namespace Postrider.Mail.Reports;

/// <summary>A recipient pressed "this is spam", or a provider reports for itself: ARF (RFC 5965), or Outlook's older form.</summary>
/// <remarks>
/// Who sends one can write what they like in it. What it is about is proved by the return path in the message that came back.
/// </remarks>
public sealed record FeedbackReport : InboundReport
{
    public required FeedbackType Type { get; init; }

    /// <summary>The type as it was written.</summary>
    public required string TypeText { get; init; }

    public string? UserAgent { get; init; }

    public string? OriginalEnvelopeId { get; init; }

    /// <summary>The reverse-path of the message, without angle brackets; often struck out.</summary>
    public string? OriginalMailFrom { get; init; }

    /// <summary>Without angle brackets; often struck out.</summary>
    public IReadOnlyList<string> OriginalRecipients { get; init; } = [];

    public DateTimeOffset? ArrivalDate { get; init; }

    /// <summary>Whom the reporter had the message from.</summary>
    public IPAddress? SourceIp { get; init; }

    /// <summary>How many messages it stands for. 1 when it does not say.</summary>
    public int Incidents { get; init; } = 1;

    public ReturnedHeader? Returned { get; init; }
}

/// <summary>RFC 5965 §7.3 and the later entries of its registry.</summary>
public enum FeedbackType
{
    /// <summary>A word that is not in the list; RFC 5965 §3.1 wants it taken for this.</summary>
    Other,

    /// <summary>Spam, in the recipient's eyes.</summary>
    Abuse,
    Fraud,
    Virus,

    /// <summary>The recipient takes it back (RFC 6430).</summary>
    NotSpam,

    /// <summary>SPF, DKIM or DMARC did not pass (RFC 6591): about the sending side, not a complaint.</summary>
    AuthFailure,

    /// <summary>The recipient wants no more.</summary>
    OptOut,
}
