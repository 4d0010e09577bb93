namespace Postrider.Mail.Smtp.Client;

/// <summary>What was said, and where in the conversation.</summary>
public readonly record struct TranscriptEntry(SmtpStage Stage, SmtpReply Reply);

public abstract record SmtpConnectOutcome
{
    SmtpConnectOutcome() { }

    /// <summary>The caller owns the session.</summary>
    public sealed record Connected(SmtpClientSession Session) : SmtpConnectOutcome;

    /// <param name="Reply">What the peer said, if that is what ended it.</param>
    /// <param name="TlsBroken">The peer offered STARTTLS and could not keep it; another connection, in clear, may do.</param>
    public sealed record Failed(SmtpStage Stage, SmtpReply? Reply, string Detail, bool TlsBroken) : SmtpConnectOutcome
    {
        public IReadOnlyList<TranscriptEntry> Transcript { get; init; } = [];
    }
}

/// <summary>What became of one recipient in one transaction.</summary>
public abstract record RecipientOutcome
{
    RecipientOutcome() { }

    /// <param name="Reply">The reply to end-of-data: from here on the peer is responsible (RFC 5321 §6.1).</param>
    public sealed record Accepted(SmtpReply Reply) : RecipientOutcome;

    public sealed record Refused(SmtpStage Stage, SmtpReply Reply) : RecipientOutcome;

    /// <param name="Detail">In words for a log: closed, silent, or not SMTP.</param>
    public sealed record NoAnswer(SmtpStage Stage, string Detail) : RecipientOutcome
    {
        /// <summary>The final dot was sent: the peer may have taken the message.</summary>
        public bool PossiblyDelivered => Stage == SmtpStage.EndOfData;
    }
}

/// <param name="Recipients">One for each recipient, in their order.</param>
/// <param name="Transcript">Every reply of the transaction, in order.</param>
public sealed record SmtpTransactionOutcome(IReadOnlyList<RecipientOutcome> Recipients, IReadOnlyList<TranscriptEntry> Transcript)
{
    /// <summary>
    /// The peer had ended the session while it was idle, and nothing of this transaction was ever answered: not an attempt worth
    /// counting, but a reason to connect again at once.
    /// </summary>
    public bool SessionWasStale { get; init; }
}
