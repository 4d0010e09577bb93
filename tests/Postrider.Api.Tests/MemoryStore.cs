using System.Collections.Concurrent;
using Postrider.Engine.Control;
using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Engine.Tenants;
using Postrider.Mail.Addresses;

namespace Postrider.Api.Tests;

/// <summary>The engine's ports over dictionaries, as far as the HTTP side needs them.</summary>
sealed class MemoryStore : IIntakeStore, ITenantStore, IMessageReader, IBatchStore, IBatchOrderStore, IControlStore, IQueueWakeup
{
    readonly ConcurrentDictionary<ContentHash, (ApiKey Key, Tenant Tenant)> _keys = new();
    readonly ConcurrentDictionary<TenantId, List<MessageView>> _messages = new();
    readonly ConcurrentDictionary<(TenantId, BatchId), BatchView> _batches = new();
    readonly ConcurrentDictionary<(TenantId, string), (ContentHash Fingerprint, MessageId[] Messages)> _idempotency = new();
    readonly ConcurrentDictionary<(TenantId, Domain), SendingDomain> _domains = new();

    /// <summary>Thrown by every call while it is set.</summary>
    public Exception? Fault { get; set; }

    public List<PageRequest> PagesAsked { get; } = [];

    public List<MessageView> MessagesOf(TenantId tenant) => _messages.GetOrAdd(tenant, _ => []);

    public List<Backlog> Woken { get; } = [];

    /// <summary>Puts a stored message into another state.</summary>
    public void Change(TenantId tenant, MessageId id, Func<MessageView, MessageView> change)
    {
        var stored = MessagesOf(tenant);
        lock (stored)
        {
            var index = stored.FindIndex(view => view.Message.Id == id);
            stored[index] = change(stored[index]);
        }
    }

    public Task<ControlResult> ChangeAsync(ControlWrite write, CancellationToken cancel)
    {
        ThrowIfAway();
        if (MessagesOf(write.Tenant).Find(view => view.Message.Id == write.Message) is not { } view)
            return Task.FromResult<ControlResult>(ControlResult.NotFound.Instance);
        var tried = view.RetryCount > 0;
        var isTaken = ControlRules.Of(write.Action, view.Status, tried) == ControlRule.Taken
            && (write.Action != ControlAction.Retry
                || view.Message.Recipients.Any(recipient => recipient.State != RecipientState.Delivered));
        if (!isTaken)
            return Task.FromResult<ControlResult>(new ControlResult.Kept(view.Status, tried));
        var status = write.Action switch
        {
            ControlAction.Cancel => MessageStatus.Cancelled,
            ControlAction.Fail => MessageStatus.Failed,
            _ => MessageStatus.Queued,
        };
        Change(write.Tenant, write.Message, view => view with { Status = status, ErrorMessage = write.Reason });
        Backlog? waiting = write.Action == ControlAction.Retry ? new Backlog(new BacklogKey(write.Tenant, "example.net"), write.At) : null;
        return Task.FromResult<ControlResult>(new ControlResult.Changed(status, 1, waiting));
    }

    public Task<bool> NoteLateAsync(LeaseKey lease, MessageEvent late, CancellationToken cancel) => throw new NotSupportedException("For the engine.");

    public void Put(BatchView batch, TenantId tenant) => _batches[(tenant, batch.Id)] = batch;

    public Task<AcceptOutcome> AcceptAsync(Acceptance acceptance, CancellationToken cancel)
    {
        ThrowIfAway();
        var ids = acceptance.Messages.Select(message => message.Message.Id).ToArray();
        foreach (var batch in acceptance.Messages.Select(message => message.Message.Batch).OfType<BatchId>())
        {
            if (!_batches.ContainsKey((acceptance.Tenant, batch)))
                return Task.FromResult<AcceptOutcome>(new AcceptOutcome.UnknownBatch(batch));
        }
        if (acceptance.Idempotency is { } claim)
        {
            var first = _idempotency.GetOrAdd((acceptance.Tenant, claim.Key), (claim.Fingerprint, ids));
            if (first.Messages != ids)
            {
                return Task.FromResult<AcceptOutcome>(first.Fingerprint == claim.Fingerprint
                    ? new AcceptOutcome.Replayed(first.Messages) : AcceptOutcome.KeyReused.Instance);
            }
        }
        var bodies = acceptance.Contents.ToDictionary(content => content.Hash, content => content.Octets);
        var stored = MessagesOf(acceptance.Tenant);
        lock (stored)
        {
            stored.AddRange(acceptance.Messages.Select(message => new MessageView
            {
                Message = message.Message,
                Status = message.Message.Sandbox ? MessageStatus.Sandbox : MessageStatus.Queued,
                QueuedAt = message.QueuedAt,
                Body = message.Message.Body is { } hash ? MessageBody.FromContent(bodies[hash]) : null,
                Events = message.Events,
            }));
        }
        return Task.FromResult<AcceptOutcome>(AcceptOutcome.Stored.Instance);
    }

    public Task<MessageView?> FindAsync(TenantId tenant, MessageId id, CancellationToken cancel)
    {
        ThrowIfAway();
        return Task.FromResult(MessagesOf(tenant).Find(view => view.Message.Id == id));
    }

    public Task<MessagePage> ListAsync(TenantId tenant, MessageFilter filter, PageRequest page, CancellationToken cancel)
    {
        ThrowIfAway();
        PagesAsked.Add(page);
        var matching = MessagesOf(tenant).Where(view => Matches(view, filter)).OrderByDescending(view => view.Message.Id.ToString()).ToArray();
        var rest = matching
            .Where(view => page.After is not { } after || string.CompareOrdinal(view.Message.Id.ToString(), after.ToString()) < 0)
            .Skip(page.Skip).ToArray();
        var items = rest.Take(page.Size).Select(ToSummary).ToArray();
        return Task.FromResult(new MessagePage(items, matching.Length, rest.Length > items.Length ? items[^1].Id : null));
    }

    public Task<TenantId?> FindTenantOfAsync(MessageId id, CancellationToken cancel) => throw new NotSupportedException("For the command line.");

    public Task CreateAsync(TenantId tenant, BatchId batch, CancellationToken cancel)
    {
        ThrowIfAway();
        Put(new BatchView(batch, new long[MessageStatuses.Count], null), tenant);
        return Task.CompletedTask;
    }

    Task<BatchView?> IBatchStore.FindAsync(TenantId tenant, BatchId batch, CancellationToken cancel)
    {
        ThrowIfAway();
        return Task.FromResult(_batches.GetValueOrDefault((tenant, batch)));
    }

    /// <summary>How many messages an order changes, and whether it comes to its end.</summary>
    public (long Messages, bool IsDone) OrderAnswer { get; set; } = (3, true);

    public List<BatchOrder> Ordered { get; } = [];

    public Task<bool> OrderAsync(BatchOrder order, CancellationToken cancel)
    {
        ThrowIfAway();
        var key = (order.Batch.Tenant, order.Batch.Batch);
        if (!_batches.TryGetValue(key, out var batch))
            return Task.FromResult(false);
        Ordered.Add(order);
        _batches[key] = batch with { State = order.Target ?? batch.State, Order = new BatchProgress(order.Action, 0, order.At, null) };
        return Task.FromResult(true);
    }

    public Task<IReadOnlyList<BatchKey>> PendingOrdersAsync(DateTimeOffset now, int limit, CancellationToken cancel) =>
        throw new NotSupportedException("For the engine.");

    public Task<BatchPageResult> RunPageAsync(BatchPage page, CancellationToken cancel)
    {
        var key = (page.Batch.Tenant, page.Batch.Batch);
        var batch = _batches[key];
        var (messages, isDone) = OrderAnswer;
        _batches[key] = batch with { Order = batch.Order! with { Messages = messages, DoneAt = isDone ? page.Now : null } };
        return Task.FromResult(new BatchPageResult(isDone ? BatchWork.Done : BatchWork.NotOurs, []));
    }

    public Task<IReadOnlyList<BatchView>> HeldBatchesAsync(TenantId tenant, int limit, CancellationToken cancel) =>
        Task.FromResult<IReadOnlyList<BatchView>>(
            [.. _batches.Where(one => one.Key.Item1 == tenant && one.Value.State != BatchState.Open).Select(one => one.Value)]);

    public Task<(ApiKey Key, Tenant Tenant)?> FindKeyAsync(ContentHash hash, CancellationToken cancel) =>
        Task.FromResult<(ApiKey, Tenant)?>(_keys.TryGetValue(hash, out var found) ? found : null);

    public void Add(ApiKey key, Tenant tenant) => _keys[key.Hash] = (key, tenant);

    public void AddVerified(SendingDomain domain) => _domains[(domain.Tenant, domain.Domain)] = domain;

    public Task<SendingDomain?> FindDomainAsync(TenantId tenant, Domain domain, CancellationToken cancel)
    {
        ThrowIfAway();
        return Task.FromResult(_domains.GetValueOrDefault((tenant, domain)));
    }

    public void Due(Backlog backlog) => Woken.Add(backlog);

    public Task<bool> AddTenantAsync(Tenant tenant, CancellationToken cancel) => throw new NotSupportedException();
    public Task<Tenant?> FindTenantAsync(string name, CancellationToken cancel) => throw new NotSupportedException();
    public Task<Tenant?> FindTenantAsync(TenantId id, CancellationToken cancel) => throw new NotSupportedException();
    public Task AddKeyAsync(ApiKey key, CancellationToken cancel) => throw new NotSupportedException();
    public Task TouchKeysAsync(IReadOnlyCollection<ApiKeyId> keys, DateTimeOffset at, CancellationToken cancel) => throw new NotSupportedException();
    public Task<bool> AddDomainAsync(SendingDomain domain, CancellationToken cancel) => throw new NotSupportedException();
    public Task<SendingDomain?> FindAnyDomainAsync(CancellationToken cancel) => throw new NotSupportedException();

    public Task<IReadOnlyList<SendingDomain>> DomainsAsync(Domain domain, CancellationToken cancel) => throw new NotSupportedException();
    public Task SetVerifiedAsync(DomainId domain, DateTimeOffset? at, CancellationToken cancel) => throw new NotSupportedException();
    public Task<bool> AddNextKeyAsync(DomainId domain, NextDkimKey key, CancellationToken cancel) => throw new NotSupportedException();
    public Task<bool> TakeNextKeyAsync(DomainId domain, string selector, CancellationToken cancel) => throw new NotSupportedException();

    void ThrowIfAway()
    {
        if (Fault is not null)
            throw Fault;
    }

    static bool Matches(MessageView view, MessageFilter filter) =>
        (filter.Statuses.Count == 0 || filter.Statuses.Contains(view.Status))
        && (filter.RecipientKey is null || view.Message.Recipients.Any(recipient => recipient.Address.Mailbox.Key == filter.RecipientKey))
        && (filter.FromKey is null || view.Message.From.Mailbox.Key == filter.FromKey)
        && (filter.Subject is null || view.Message.Subject.Contains(filter.Subject, StringComparison.OrdinalIgnoreCase))
        && (filter.Batch is null || view.Message.Batch == filter.Batch)
        && (filter.TemplateId is null || view.Message.TemplateId == filter.TemplateId)
        && (filter.Category is null || view.Message.Categories.Contains(filter.Category))
        && (filter.CreatedFrom is null || view.Message.Id.CreatedAt >= filter.CreatedFrom)
        && (filter.CreatedBefore is null || view.Message.Id.CreatedAt < filter.CreatedBefore);

    static MessageSummary ToSummary(MessageView view) => new()
    {
        Id = view.Message.Id,
        Status = view.Status,
        FromEmail = view.Message.From.Mailbox.ToString(),
        FromName = view.Message.From.DisplayName,
        Subject = view.Message.Subject,
        ToEmails = [.. view.Message.Recipients.Where(recipient => recipient.Kind == RecipientKind.To).Select(recipient => recipient.Address.Mailbox.ToString())],
        Batch = view.Message.Batch,
        TemplateId = view.Message.TemplateId,
        Categories = view.Message.Categories,
        SettledAt = view.SettledAt,
    };
}
