using Postrider.Engine.Messages;
using Postrider.Engine.Queue;

namespace Postrider.Store.Conformance.Lifecycle;

/// <summary>
/// A tenant with one batch, as it should be after each step: who holds what, what each message shows as, what the totals say. The store is
/// asked to do the same and must answer as the model does.
/// </summary>
sealed partial class Model(StoreFixture store, Sample sample, TenantId tenant)
{
    static readonly TimeSpan LeaseTime = TimeSpan.FromMinutes(1);

    static readonly string[] Addresses = ["a@example.net", "b@example.net", "c@example.net"];

    readonly List<ModelMessage> _messages = [];

    /// <summary>Every lease that was ever given, most of them stale.</summary>
    readonly List<LeaseKey> _leases = [];
    readonly BacklogKey _backlog = new(tenant, "example.net");
    readonly NodeId _node = new(store.Ids.Next());
    readonly BatchId _batch = new(store.Ids.Next());

    static CancellationToken Cancel => CancellationToken.None;

    public Task StartAsync() => store.Batches.CreateAsync(tenant, _batch, Cancel);

    public Task TakeAsync(Step step) => step switch
    {
        Step.Accept accept => AcceptAsync(accept),
        Step.Claim claim => ClaimAsync(claim.Limit),
        Step.ClaimExpired claim => ClaimExpiredAsync(store.Now - TimeSpan.FromSeconds(claim.Lifetime)),
        Step.MarkRendered mark => MarkRenderedAsync(mark.Pick),
        Step.MarkSending mark => MarkSendingAsync(mark.Pick),
        Step.Settle settle => SettleAsync(settle),
        Step.SettlePart settle => SettlePartAsync(settle),
        Step.Return back => ReturnAsync(back.Pick),
        Step.LateAnswer late => NoteLateAsync(late),
        Step.Control control => ControlAsync(control),
        Step.Report report => ReportAsync(report),
        Step.Pass pass => PassAsync(pass.Seconds),
        Step.Renew => RenewAsync(),
        Step.ReleaseExpired => ReleaseExpiredAsync(),
        Step.Order order => OrderAsync(order),
        Step.OrderPage page => OrderPageAsync(page.Messages),
        _ => FinishOrderAsync(),
    };

    /// <summary>The totals, of the tenant and of the batch, against the model and against the rows themselves.</summary>
    public async Task CheckAsync()
    {
        var rows = await store.Messages.ListAsync(tenant, new MessageFilter(), new PageRequest(null, 0, 100), Cancel);
        Assert.Equal(_messages.Select(message => (message.Id, message.Shown)).Reverse(), rows.Items.Select(row => (row.Id, row.Status)));
        Assert.Equal(_messages.Count, rows.Total);

        var totals = await Task.WhenAll(Enum.GetValues<MessageStatus>().Select(status =>
            store.Messages.ListAsync(tenant, new MessageFilter { Statuses = [status] }, new PageRequest(null, 0, 100), Cancel)));
        Assert.Equal(Counted(rows.Items), totals.Select(page => page.Total));
        Assert.Equal(Counted(rows.Items), totals.Select(page => (long)page.Items.Count));

        var batch = (await store.Batches.FindAsync(tenant, _batch, Cancel))!;
        var inBatch = rows.Items.Where(row => row.Batch == _batch).ToArray();
        Assert.Equal(Counted(inBatch), batch.Counts);
        Assert.Equal(inBatch.Length, batch.Counts.Sum());
        Assert.Equal(inBatch.Length > 0 && inBatch.All(row => row.Status.IsSettled()), batch.CompletedAt is not null);
        Assert.Equal(_state, batch.State);
    }

    static IEnumerable<long> Counted(IReadOnlyCollection<MessageSummary> rows) =>
        Enum.GetValues<MessageStatus>().Select(status => rows.LongCount(row => row.Status == status));

    /// <summary>What each message has become, in all that the totals do not show.</summary>
    public async Task CheckMessagesAsync()
    {
        foreach (var message in _messages)
        {
            var view = (await store.Messages.FindAsync(tenant, message.Id, Cancel))!;
            Assert.Equal((message.Shown, message.Retries, message.Events), (view.Status, view.RetryCount, view.Events.Count));
            Assert.Equal(message.Recipients, view.Message.Recipients.Select(recipient => recipient.State));
            Assert.Equal(message.Shown.IsSettled(), view.SettledAt is not null);
        }
    }

    async Task AcceptAsync(Step.Accept accept)
    {
        var dueAt = store.Now + TimeSpan.FromSeconds(accept.DueIn);
        var message = sample.Message(message => message with
        {
            Tenant = tenant,
            Batch = accept.InBatch ? _batch : null,
            Sandbox = accept.Sandbox,
            Recipients = [.. Addresses.Take(accept.Recipients).Select(Sample.To)],
            DueAt = dueAt,
        });
        await sample.AcceptAsync(sample.Acceptance(message));
        _messages.Add(new ModelMessage(message.Message.Id, accept.Recipients)
        {
            InBatch = accept.InBatch,
            Status = accept.Sandbox ? MessageStatus.Sandbox : MessageStatus.Queued,
            DueAt = dueAt,
            FirstDueAt = Latest(dueAt, message.Message.Id.CreatedAt),
            IsHeld = accept.InBatch && !accept.Sandbox && _state != BatchState.Open,
            Events = accept.Sandbox ? 0 : accept.Recipients,
        });
    }

    Task PassAsync(int seconds)
    {
        store.Time.Advance(TimeSpan.FromSeconds(seconds));
        return Task.CompletedTask;
    }

    static DateTimeOffset Latest(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;
}
