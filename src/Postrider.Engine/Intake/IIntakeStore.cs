using Postrider.Engine.Messages;

namespace Postrider.Engine.Intake;

/// <summary>Where a send request becomes durable.</summary>
public interface IIntakeStore
{
    /// <summary>
    /// Stores all messages of one request in one transaction: records, recipients, contents, first events, queue rows, counters and the
    /// idempotency row. When the task completes with <see cref="AcceptOutcome.Stored"/> they are on disk; in every other case nothing is.
    /// </summary>
    Task<AcceptOutcome> AcceptAsync(Acceptance acceptance, CancellationToken cancel);
}

/// <param name="Contents">Every content the messages name, once each; those the tenant has already are not stored again.</param>
public sealed record Acceptance(
    TenantId Tenant,
    DateTimeOffset Now,
    IReadOnlyList<NewMessage> Messages,
    IReadOnlyList<NewContent> Contents,
    IdempotencyClaim? Idempotency);

/// <param name="QueueDomain">A-label domain shared by all recipients, or empty when they differ: what the queue is claimed by.</param>
public sealed record NewMessage(StoredMessage Message, string QueueDomain, IReadOnlyList<MessageEvent> Events)
{
    /// <summary>
    /// The moment of its id, so that all that is shown of its acceptance names one time (contracts/scaisend.md §13, D15).
    /// </summary>
    public DateTimeOffset QueuedAt => Message.Id.CreatedAt;
}

public sealed record NewContent(ContentHash Hash, ReadOnlyMemory<byte> Octets);

/// <param name="Fingerprint">Hash of the request body: the same key with another one is a conflict.</param>
public sealed record IdempotencyClaim(string Key, ContentHash Fingerprint, DateTimeOffset ExpiresAt);

public abstract record AcceptOutcome
{
    AcceptOutcome() { }

    public sealed record Stored : AcceptOutcome
    {
        public static Stored Instance { get; } = new();
    }

    /// <summary>The key was used with the same body: these messages came of it.</summary>
    public sealed record Replayed(IReadOnlyList<MessageId> Messages) : AcceptOutcome;

    public sealed record KeyReused : AcceptOutcome
    {
        public static KeyReused Instance { get; } = new();
    }

    public sealed record UnknownBatch(BatchId Batch) : AcceptOutcome;
}
