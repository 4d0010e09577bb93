using Postrider.Engine.Messages;
using Postrider.Mail.Addresses;

namespace Postrider.Engine.Intake;

/// <summary>What a dialect makes of one send request: all of it is stored, or none.</summary>
public sealed record Draft
{
    public required TenantId Tenant { get; init; }
    public required IReadOnlyList<MessageDraft> Messages { get; init; }

    /// <summary>At most 255 characters, held for 24 h.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>Of the request body; needed with a key.</summary>
    public ContentHash Fingerprint { get; init; }
}

/// <summary>
/// One message to be. Bodies and attachments shared by several messages are the same instance, so that they are hashed once.
/// </summary>
public sealed record MessageDraft
{
    public required NamedMailbox From { get; init; }

    /// <summary>At least one; no mailbox twice.</summary>
    public required IReadOnlyList<RecipientDraft> Recipients { get; init; }
    public required string Subject { get; init; }
    public MessageBody? Body { get; init; }
    public IReadOnlyList<AttachmentDraft> Attachments { get; init; } = [];

    /// <summary>Everything but the attachments, which intake fills in.</summary>
    public MessageSettings Settings { get; init; } = MessageSettings.None;
    public string Stream { get; init; } = "transactional";
    public BatchId? Batch { get; init; }
    public string? TemplateId { get; init; }
    public IReadOnlyList<string> Categories { get; init; } = [];

    /// <summary>Null, or a time in the past, for now.</summary>
    public DateTimeOffset? SendAt { get; init; }

    /// <summary>Validated and stored, never sent.</summary>
    public bool Sandbox { get; init; }
}

public sealed record RecipientDraft(RecipientKind Kind, NamedMailbox Address);

public sealed record AttachmentDraft(string FileName, string ContentType, string? ContentId, bool Inline, ReadOnlyMemory<byte> Content);

public abstract record SubmitOutcome
{
    SubmitOutcome() { }

    /// <param name="Messages">In the order of the draft.</param>
    /// <param name="Replayed">The idempotency key had been used with the same body: these are the messages of that time.</param>
    public sealed record Accepted(IReadOnlyList<MessageId> Messages, bool Replayed) : SubmitOutcome;

    /// <summary>The idempotency key was used with another body.</summary>
    public sealed record KeyReused : SubmitOutcome;

    public sealed record UnknownBatch(BatchId Batch) : SubmitOutcome;

    /// <summary>A message names an unsubscribe group that the tenant does not have.</summary>
    public sealed record UnknownGroup(int Group) : SubmitOutcome;

    /// <param name="Message">Index of the message whose From domain the tenant has not verified.</param>
    public sealed record SenderNotVerified(int Message, Domain Domain) : SubmitOutcome;
}
