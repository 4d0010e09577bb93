using Postrider.Mail.Smtp;

namespace Postrider.Mail.Reports;

/// <summary>A DSN (RFC 3464), or a bounce of an older form that says as much.</summary>
public sealed record DeliveryStatusNotification : InboundReport
{
    public required ReportFormat Format { get; init; }

    /// <summary>Who wrote it, without the type: a host name for most.</summary>
    public string? ReportingMta { get; init; }

    /// <summary>ENVID of RFC 3461 §4.4, which only comes back if it was given.</summary>
    public string? OriginalEnvelopeId { get; init; }

    /// <summary>When the reporting MTA took the message.</summary>
    public DateTimeOffset? ArrivalDate { get; init; }

    /// <summary>At least one.</summary>
    public required IReadOnlyList<RecipientStatus> Recipients { get; init; }

    /// <summary>Null when nothing of the message came back.</summary>
    public ReturnedHeader? Returned { get; init; }
}

public enum ReportFormat
{
    /// <summary>RFC 3464: each field has one meaning.</summary>
    Standard,

    /// <summary>QSBMF, qmail's bounces, whose layout is fixed and which are only about failures. Yahoo's are alike.</summary>
    Qsbmf,

    /// <summary>The field X-Failed-Recipients of Exim and Google: that it failed, and nothing about why.</summary>
    FailedRecipients,
}

/// <summary>What became of one recipient (RFC 3464 §2.3).</summary>
public sealed record RecipientStatus
{
    /// <summary>
    /// As it was written, without its type; decoded when it was <c>utf-8</c> (RFC 6533 §3). Perhaps no mailbox, perhaps not ours.
    /// </summary>
    public string? FinalRecipient { get; init; }

    public string? OriginalRecipient { get; init; }

    public DsnAction Action { get; init; }

    /// <summary>Null when it is missing or malformed.</summary>
    public EnhancedStatusCode? Status { get; init; }

    public DiagnosticCode? Diagnostic { get; init; }

    public string? RemoteMta { get; init; }

    public DateTimeOffset? LastAttempt { get; init; }

    /// <summary>Of a delayed one: until when it goes on being tried.</summary>
    public DateTimeOffset? WillRetryUntil { get; init; }
}

/// <summary>RFC 3464 §2.3.3.</summary>
public enum DsnAction
{
    /// <summary>Missing, or a word that is not in the list: says nothing.</summary>
    Unknown,
    Failed,
    Delayed,
    Delivered,

    /// <summary>Handed to a system that makes no reports of success.</summary>
    Relayed,

    /// <summary>Delivered to a list, and handed to its members.</summary>
    Expanded,
}
