using Postrider.Engine.Composing;

namespace Postrider.Engine.Messages;

/// <summary>Looks messages up, always within one tenant. Served by readers that never wait for the writer.</summary>
public interface IMessageReader
{
    /// <returns>Null when there is none, or it is another tenant's.</returns>
    Task<MessageView?> FindAsync(TenantId tenant, MessageId id, CancellationToken cancel);

    /// <summary>Newest first, by id; the index that serves each filter is named in the store.</summary>
    Task<MessagePage> ListAsync(TenantId tenant, MessageFilter filter, PageRequest page, CancellationToken cancel);

    /// <summary>For the operator's command line and for reports, which know no tenant: a seek a tenant.</summary>
    Task<TenantId?> FindTenantOfAsync(MessageId id, CancellationToken cancel);
}

/// <summary>A message with all that has become of it.</summary>
public sealed record MessageView
{
    public required StoredMessage Message { get; init; }
    public required MessageStatus Status { get; init; }
    public required DateTimeOffset QueuedAt { get; init; }
    public DateTimeOffset? SentAt { get; init; }

    /// <summary>When it settled, whatever as: delivered, bounced, failed, cancelled.</summary>
    public DateTimeOffset? SettledAt { get; init; }
    public int RetryCount { get; init; }

    /// <summary>Set while it waits after a deferral.</summary>
    public DateTimeOffset? NextRetryAt { get; init; }
    public string? ErrorMessage { get; init; }

    /// <summary>As submitted.</summary>
    public MessageBody? Body { get; init; }

    /// <summary>As recipients read it, by the rule that composes it; as submitted while it was never composed.</summary>
    public MessageBody? ShownBody => Body is { } body && WasComposed ? BodyText.Finish(body, Message.Settings) ?? body : Body;

    /// <summary>Its status says so, or an attempt on its timeline.</summary>
    bool WasComposed => Status is MessageStatus.Rendered or MessageStatus.Sending or MessageStatus.Sent or MessageStatus.Delivered
        || Events.Any(happened => happened.Data is { AttemptRecord.RenderedAt: not null } or { Uncertain: true });

    /// <summary>In the order they were written, the audit trail included.</summary>
    public required IReadOnlyList<MessageEvent> Events { get; init; }
}

/// <summary>A row of a list; only what a list shows.</summary>
public sealed record MessageSummary
{
    public required MessageId Id { get; init; }
    public required MessageStatus Status { get; init; }
    public required string FromEmail { get; init; }
    public string? FromName { get; init; }
    public required string Subject { get; init; }
    public required IReadOnlyList<string> ToEmails { get; init; }
    public string? TemplateId { get; init; }
    public BatchId? Batch { get; init; }
    public IReadOnlyList<string> Categories { get; init; } = [];
    public DateTimeOffset? SettledAt { get; init; }
}

/// <summary>All that are set must hold.</summary>
public sealed record MessageFilter
{
    /// <summary>Any of these; empty for all.</summary>
    public IReadOnlyList<MessageStatus> Statuses { get; init; } = [];

    /// <summary>Lower-case address of a to, cc or bcc recipient.</summary>
    public string? RecipientKey { get; init; }

    /// <summary>Lower-case address.</summary>
    public string? FromKey { get; init; }

    /// <summary>A substring, in any case.</summary>
    public string? Subject { get; init; }
    public BatchId? Batch { get; init; }
    public string? TemplateId { get; init; }
    public string? Category { get; init; }
    public DateTimeOffset? CreatedFrom { get; init; }

    /// <summary>Exclusive.</summary>
    public DateTimeOffset? CreatedBefore { get; init; }
}

/// <param name="After">Only messages older than this one (keyset); null for the newest.</param>
/// <param name="Skip">How many more to pass over after that: what an offset page without a remembered key costs.</param>
public sealed record PageRequest(MessageId? After, int Skip, int Size);

/// <param name="Next">Id of the last item when more follow.</param>
public sealed record MessagePage(IReadOnlyList<MessageSummary> Items, long Total, MessageId? Next);
