using System.Text;
using Postrider.Engine.Control;
using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Engine.Tenants;
using Postrider.Mail.Addresses;

namespace Postrider.Store.Conformance;

/// <summary>Makes messages and carries them through the queue, so that a test says only what matters to it.</summary>
public sealed class Sample
{
    readonly StoreFixture _store;

    Sample(StoreFixture store) => _store = store;

    public TenantId Tenant { get; private set; }

    public NodeId Node { get; private set; }

    public DateTimeOffset Later => _store.Now + TimeSpan.FromMinutes(1);

    public static async Task<Sample> CreateAsync(StoreFixture store)
    {
        var sample = new Sample(store) { Node = new NodeId(store.Ids.Next()) };
        sample.Tenant = await sample.AddTenantAsync("acme");
        return sample;
    }

    public async Task<TenantId> AddTenantAsync(string name)
    {
        var tenant = new Tenant(new TenantId(_store.Ids.Next()), name, _store.Now, Suspended: false);
        Assert.True(await _store.Tenants.AddTenantAsync(tenant, CancellationToken.None));
        return tenant.Id;
    }

    public async Task<BatchId> AddBatchAsync()
    {
        var batch = new BatchId(_store.Ids.Next());
        await _store.Batches.CreateAsync(Tenant, batch, CancellationToken.None);
        return batch;
    }

    public static NamedMailbox Address(string address, string? name = null) =>
        Mailbox.TryParse(address, out var mailbox) && NamedMailbox.TryCreate(name, mailbox, out var named)
            ? named
            : throw new ArgumentException($"'{address}' is not a mailbox.", nameof(address));

    public static StoredRecipient To(string address) => new(RecipientKind.To, Address(address));

    public NewMessage Message(Func<StoredMessage, StoredMessage>? change = null, string domain = "example.net")
    {
        var message = new StoredMessage
        {
            Id = new MessageId(_store.Ids.Next()),
            Tenant = Tenant,
            From = Address("Billing@mail.acme.test", "Acme Billing"),
            Subject = "Invoice 881",
            Recipients = [To("bo@example.net")],
            Settings = MessageSettings.None,
            DueAt = _store.Now,
        };
        message = change?.Invoke(message) ?? message;
        var events = message.Sandbox ? [] : message.Recipients.Select((_, ordinal) => Event(EventType.Processed, ordinal)).ToArray();
        return new NewMessage(message, domain, events);
    }

    public MessageEvent Event(EventType type, int recipient = 0, EventData? data = null) =>
        new(new EventId(_store.Ids.Next()), type, recipient, _store.Now, data);

    public static NewContent Content(string text) => Content(Encoding.UTF8.GetBytes(text));

    public static NewContent Content(byte[] octets) => new(ContentHash.Of(octets), octets);

    public Acceptance Acceptance(params NewMessage[] messages) => new(
        messages.Length == 0 ? Tenant : messages[0].Message.Tenant, _store.Now, messages, [], null);

    public Task<AcceptOutcome> AcceptAsync(Acceptance acceptance) => _store.Intake.AcceptAsync(acceptance, CancellationToken.None);

    /// <summary>Accepts one message and gives its record.</summary>
    public async Task<StoredMessage> AcceptAsync(Func<StoredMessage, StoredMessage>? change = null, string domain = "example.net")
    {
        var message = Message(change, domain);
        Assert.IsType<AcceptOutcome.Stored>(await AcceptAsync(Acceptance(message)));
        return message.Message;
    }

    public BacklogKey Backlog(string domain = "example.net") => new(Tenant, domain);

    public async Task<IReadOnlyList<LeasedMessage>> ClaimAsync(int limit = 100, string domain = "example.net") =>
        (await _store.Queue.ClaimAsync(new Claim(Backlog(domain), _store.Now, limit, Node, Later), CancellationToken.None)).Messages;

    public async Task<LeaseKey> ClaimOneAsync(string domain = "example.net") => Assert.Single(await ClaimAsync(1, domain)).Key;

    /// <summary>Accepts one message and takes it to <c>sending</c>.</summary>
    public async Task<LeaseKey> SendingAsync(Func<StoredMessage, StoredMessage>? change = null)
    {
        await AcceptAsync(change);
        var lease = await ClaimOneAsync();
        Assert.True(await _store.Queue.MarkRenderedAsync(lease, CancellationToken.None));
        Assert.True(await _store.Queue.MarkSendingAsync(lease, CancellationToken.None));
        return lease;
    }

    public Settlement Delivered(LeaseKey lease) => new()
    {
        Lease = lease,
        At = _store.Now,
        Recipients = [new RecipientOutcome(0, RecipientState.Delivered, "250 2.0.0 OK")],
        Events = [Event(EventType.Delivered)],
        Status = MessageStatus.Delivered,
        Then = Continuation.Done.Instance,
        RetryCount = 0,
        SentAt = _store.Now,
    };

    public Settlement Deferred(LeaseKey lease, DateTimeOffset dueAt, int retryCount = 1) => new()
    {
        Lease = lease,
        At = _store.Now,
        Recipients = [new RecipientOutcome(0, RecipientState.Open, "450 4.2.0 Busy")],
        Events = [Event(EventType.Deferred)],
        Status = MessageStatus.Queued,
        Then = new Continuation.Requeue(dueAt, "example.net"),
        RetryCount = retryCount,
        ErrorMessage = "450 4.2.0 Busy",
    };

    public Task<bool> SettleAsync(Settlement settlement) => _store.Queue.SettleAsync(settlement, CancellationToken.None);

    public ControlWrite Write(MessageId message, ControlAction action, string? reason = null) =>
        new(Tenant, message, action, _store.Now, new EventId(_store.Ids.Next())) { Reason = reason };

    public Task<ControlResult> ChangeAsync(MessageId message, ControlAction action, string? reason = null) =>
        _store.Control.ChangeAsync(Write(message, action, reason), CancellationToken.None);

    public Task<MessageView?> FindAsync(MessageId id) => _store.Messages.FindAsync(Tenant, id, CancellationToken.None);

    public async Task<MessageView> ViewAsync(MessageId id) =>
        await FindAsync(id) ?? throw new InvalidOperationException($"There is no {id}.");

    public Task<MessagePage> ListAsync(MessageFilter? filter = null, PageRequest? page = null) =>
        _store.Messages.ListAsync(Tenant, filter ?? new MessageFilter(), page ?? new PageRequest(null, 0, 100), CancellationToken.None);
}
