using Postrider.Mail.Addresses;

namespace Postrider.Engine.Messages;

/// <summary>The record of a message as accepted; it never changes. What becomes of it is status, recipients' states and events.</summary>
public sealed record StoredMessage
{
    public required MessageId Id { get; init; }
    public required TenantId Tenant { get; init; }
    public required NamedMailbox From { get; init; }
    public required string Subject { get; init; }
    public required IReadOnlyList<StoredRecipient> Recipients { get; init; }
    public required MessageSettings Settings { get; init; }

    /// <summary>Slug of the stream that groups it by purpose (DESIGN §3).</summary>
    public string Stream { get; init; } = "transactional";
    public BatchId? Batch { get; init; }
    public string? TemplateId { get; init; }
    public IReadOnlyList<string> Categories { get; init; } = [];

    /// <summary>Null when only a template supplies it.</summary>
    public ContentHash? Body { get; init; }
    public bool Sandbox { get; init; }

    /// <summary>When it was, or is to be, released to delivery: acceptance, or <c>send_at</c>.</summary>
    public required DateTimeOffset DueAt { get; init; }
}

/// <summary>A recipient of a stored message and what became of it; its ordinal is its place in the list.</summary>
public sealed record StoredRecipient(RecipientKind Kind, NamedMailbox Address)
{
    public RecipientState State { get; init; }

    /// <summary>The last reply about this recipient, on one line.</summary>
    public string? LastReply { get; init; }
    public DateTimeOffset? SettledAt { get; init; }
}
