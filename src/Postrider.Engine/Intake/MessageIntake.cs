using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Engine.Suppressions;
using Postrider.Engine.Tenants;

namespace Postrider.Engine.Intake;

/// <summary>
/// Turns a draft into stored messages. When <see cref="SubmitAsync"/> answers <see cref="SubmitOutcome.Accepted"/> they are on disk, and
/// the dispatcher of this node has been told. In every other case nothing was stored, but for <see cref="StoreUnavailableException"/>: then
/// nobody knows, and a client that sends again with its idempotency key gets one message in either case.
/// </summary>
public sealed class MessageIntake(
    IIntakeStore store, SenderDomains domains, IUnsubscribeGroupStore groups, IQueueWakeup wakeup, IdGenerator ids, TimeProvider time,
    IntakeOptions options)
{
    public async Task<SubmitOutcome> SubmitAsync(Draft draft, CancellationToken cancel)
    {
        for (var i = 0; i < draft.Messages.Count; i++)
        {
            var message = draft.Messages[i];
            if (!message.Sandbox && await domains.FindVerifiedAsync(draft.Tenant, message.From.Mailbox.Domain, cancel) is null)
                return new SubmitOutcome.SenderNotVerified(i, message.From.Mailbox.Domain);
        }

        if (await FindUnknownGroupAsync(draft, cancel) is { } unknownGroup)
            return new SubmitOutcome.UnknownGroup(unknownGroup);

        var now = time.GetUtcNow();
        var contents = new ContentSet();
        var messages = new NewMessage[draft.Messages.Count];
        for (var i = 0; i < messages.Length; i++)
            messages[i] = ToMessage(draft.Tenant, draft.Messages[i], now, contents);
        var idempotency = draft.IdempotencyKey is { } key
            ? new IdempotencyClaim(key, draft.Fingerprint, now + options.IdempotencyKept)
            : null;

        var outcome = await store.AcceptAsync(new Acceptance(draft.Tenant, now, messages, contents.All, idempotency), cancel);

        switch (outcome)
        {
            case AcceptOutcome.Stored:
                Announce(messages);
                EngineMetrics.Accepted.Add(messages.Length);
                return new SubmitOutcome.Accepted(Array.ConvertAll(messages, message => message.Message.Id), Replayed: false);
            case AcceptOutcome.Replayed replayed:
                return new SubmitOutcome.Accepted(replayed.Messages, Replayed: true);
            case AcceptOutcome.KeyReused:
                return new SubmitOutcome.KeyReused();
            case AcceptOutcome.UnknownBatch unknown:
                return new SubmitOutcome.UnknownBatch(unknown.Batch);
            default:
                throw new InvalidOperationException($"{outcome} is not an outcome of accepting.");
        }
    }

    /// <summary>A look-up for sends that name a group, and none for others.</summary>
    async Task<int?> FindUnknownGroupAsync(Draft draft, CancellationToken cancel)
    {
        int? known = null;
        for (var i = 0; i < draft.Messages.Count; i++)
        {
            if (draft.Messages[i].Settings.UnsubscribeGroup is not { } group || group == known)
                continue;
            if (await groups.FindGroupAsync(draft.Tenant, group, cancel) is null)
                return group;
            known = group;
        }
        return null;
    }

    NewMessage ToMessage(TenantId tenant, MessageDraft draft, DateTimeOffset now, ContentSet contents)
    {
        var settings = draft.Settings;
        if (draft.Attachments.Count > 0)
            settings = settings with { Attachments = draft.Attachments.Select(attachment => ToSettings(attachment, contents)).ToArray() };
        var message = new StoredMessage
        {
            Id = new MessageId(ids.Next()),
            Tenant = tenant,
            From = draft.From,
            Subject = draft.Subject,
            Recipients = draft.Recipients.Select(recipient => new StoredRecipient(recipient.Kind, recipient.Address)).ToArray(),
            Settings = settings,
            Stream = draft.Stream,
            Batch = draft.Batch,
            TemplateId = draft.TemplateId,
            Categories = draft.Categories,
            Body = draft.Body is { } body ? contents.Add(body) : null,
            Sandbox = draft.Sandbox,
            DueAt = draft.SendAt is { } sendAt && sendAt > now ? sendAt : now,
        };
        return new NewMessage(
            message, QueueDomain.Of(message.Recipients), draft.Sandbox ? [] : ProcessedEvents(draft, message.Id.CreatedAt));
    }

    static SettingsAttachment ToSettings(AttachmentDraft attachment, ContentSet contents) => new(
        attachment.FileName, attachment.ContentType, attachment.ContentId, attachment.Inline,
        contents.Add(attachment).ToString(), attachment.Content.Length);

    MessageEvent[] ProcessedEvents(MessageDraft draft, DateTimeOffset now)
    {
        var data = draft.Settings.SendAt is { } sendAt && sendAt > now ? new EventData { SendAt = sendAt } : null;
        var events = new MessageEvent[draft.Recipients.Count];
        for (var ordinal = 0; ordinal < events.Length; ordinal++)
            events[ordinal] = new MessageEvent(new EventId(ids.Next()), EventType.Processed, ordinal, now, data);
        return events;
    }

    void Announce(NewMessage[] messages)
    {
        foreach (var message in messages)
        {
            if (!message.Message.Sandbox)
                wakeup.Due(new Backlog(new BacklogKey(message.Message.Tenant, message.QueueDomain), message.Message.DueAt));
        }
    }

    /// <summary>The contents of one request, each hashed once however many messages share it.</summary>
    sealed class ContentSet
    {
        readonly Dictionary<object, ContentHash> _byInstance = new(ReferenceEqualityComparer.Instance);
        readonly Dictionary<ContentHash, NewContent> _byHash = [];

        public IReadOnlyList<NewContent> All => [.. _byHash.Values];

        public ContentHash Add(MessageBody body) =>
            _byInstance.TryGetValue(body, out var hash) ? hash : Add(body, body.ToContent());

        public ContentHash Add(AttachmentDraft attachment) =>
            _byInstance.TryGetValue(attachment, out var hash) ? hash : Add(attachment, attachment.Content);

        ContentHash Add(object instance, ReadOnlyMemory<byte> octets)
        {
            var hash = ContentHash.Of(octets.Span);
            _byHash.TryAdd(hash, new NewContent(hash, octets));
            _byInstance.Add(instance, hash);
            return hash;
        }
    }
}

public sealed record IntakeOptions
{
    /// <summary>How long an <c>Idempotency-Key</c> is remembered. Default 24 h (contracts/scaisend.md §3.1).</summary>
    public TimeSpan IdempotencyKept { get; init; } = TimeSpan.FromHours(24);
}
