using System.Text.Json;
using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Store.Postgres.Messages;
using Postrider.Store.Postgres.Writing;

namespace Postrider.Store.Postgres.Intake;

/// <summary>A send request that waits for its group, with all that can be worked out before: JSON, compression.</summary>
sealed class AcceptWrite(Acceptance acceptance, EncodedMessage[] messages, EncodedContent[] contents, CancellationToken cancel)
    : PendingWrite<AcceptOutcome>(Postgres.Lane.Of(acceptance.Tenant), cancel)
{
    public Acceptance Acceptance => acceptance;

    public EncodedMessage[] Messages => messages;

    public EncodedContent[] Contents => contents;

    public (TenantId Tenant, string Key)? Claim => acceptance.Idempotency is { } claim ? (acceptance.Tenant, claim.Key) : null;

    public override int Octets => messages.Length * 512 + contents.Sum(content => content.Chunks.Sum(chunk => chunk.Data.Length));
}

readonly record struct EncodedContent(ContentHash Hash, ContentEncoding.Chunk[] Chunks);

readonly record struct EncodedMessage(
    StoredMessage Message, string QueueDomain, DateTimeOffset QueuedAt, string? Settings, string? Categories, EncodedEvent[] Events)
{
    public static EncodedMessage From(NewMessage message) => new(
        message.Message,
        message.QueueDomain,
        message.QueuedAt,
        EncodedEvent.TextOf(message.Message.Settings.ToJson()),
        message.Message.Categories.Count == 0 ? null : JsonSerializer.Serialize(message.Message.Categories),
        [.. message.Events.Select(EncodedEvent.From)]);
}
