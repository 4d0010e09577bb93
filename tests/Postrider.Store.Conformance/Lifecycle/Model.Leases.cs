using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;

namespace Postrider.Store.Conformance.Lifecycle;

// Leases: who gets what, and that a stale one says nothing.
sealed partial class Model
{
    async Task ClaimAsync(int limit)
    {
        var claim = new Claim(_backlog, store.Now, limit, _node, store.Now + LeaseTime);
        var (claimed, nextDueAt) = await store.Queue.ClaimAsync(claim, Cancel);

        var expected = _messages.Where(message => message.IsWaiting && !message.IsHeld && message.DueAt <= store.Now)
            .OrderBy(message => message.DueAt).ThenBy(message => message.Id.ToString(), StringComparer.Ordinal).Take(limit).ToArray();
        Assert.Equal(expected.Select(message => message.Id), claimed.Select(leased => leased.Message.Id));
        Assert.Equal(
            _messages.Except(expected).Where(message => message.IsWaiting)
                .Min(message => (DateTimeOffset?)(message.IsHeld ? Held.DueAt : message.DueAt)),
            nextDueAt);
        foreach (var (message, leased) in expected.Zip(claimed))
            Lease(message, leased, claim.LeaseUntil);
    }

    async Task ClaimExpiredAsync(DateTimeOffset dueBefore)
    {
        var until = store.Now + LeaseTime;
        var claimed = await store.Queue.ClaimExpiredAsync(new ClaimExpired(dueBefore, 1000, _node, until), Cancel);

        var expected = _messages.Where(message => message.IsWaiting && !message.IsHeld && message.FirstDueAt < dueBefore)
            .ToDictionary(message => message.Id);
        var ours = claimed.Where(leased => leased.Message.Tenant == tenant).ToArray();
        Assert.Equal(expected.Keys.ToHashSet(), ours.Select(leased => leased.Message.Id).ToHashSet());
        foreach (var leased in ours)
            Lease(expected[leased.Message.Id], leased, until);
    }

    void Lease(ModelMessage message, LeasedMessage leased, DateTimeOffset until)
    {
        message.Generation++;
        Assert.Equal((message.Generation, message.Retries, message.FirstDueAt), (leased.Generation, leased.RetryCount, leased.FirstDueAt));
        Assert.Equal(message.Recipients, leased.Message.Recipients.Select(recipient => recipient.State));
        (message.Status, message.LeaseUntil) = (MessageStatus.Processing, until);
        _leases.Add(leased.Key);
    }

    /// <summary>A lease, the last few more often than old ones, and its message while it holds that.</summary>
    bool TryPickLease(int pick, out LeaseKey lease, out ModelMessage? held)
    {
        (lease, held) = (default, null);
        if (_leases.Count == 0)
            return false;
        var key = lease = _leases[^(1 + (pick % Math.Min(_leases.Count, pick % 3 == 0 ? 1000 : 3)))];
        var message = MessageOf(key);
        held = message.Generation == key.Generation && message.IsLeased ? message : null;
        return true;
    }

    ModelMessage MessageOf(LeaseKey lease) => _messages.First(message => message.Id == lease.Message);

    async Task MarkRenderedAsync(int pick)
    {
        if (!TryPickLease(pick, out var lease, out var held))
            return;
        var takes = held?.Status == MessageStatus.Processing;
        Assert.Equal(takes, await store.Queue.MarkRenderedAsync(lease, Cancel));
        if (takes)
            held!.Status = MessageStatus.Rendered;
    }

    async Task MarkSendingAsync(int pick)
    {
        if (!TryPickLease(pick, out var lease, out var held))
            return;
        var takes = held?.Status is MessageStatus.Processing or MessageStatus.Rendered;
        Assert.Equal(takes, await store.Queue.MarkSendingAsync(lease, Cancel));
        if (takes)
            held!.Status = MessageStatus.Sending;
    }

    async Task SettleAsync(Step.Settle settle)
    {
        if (!TryPickLease(settle.Pick, out var lease, out var held))
            return;
        var message = held ?? new ModelMessage(lease.Message, 1);
        var outcomes = message.Open.Select((recipient, i) => Outcome(recipient, i == 0 ? settle.First : settle.Others)).ToArray();
        foreach (var outcome in outcomes)
            message.Recipients[outcome.Ordinal] = outcome.State;
        var deferred = message.Open.Any();
        var dueAt = store.Now + TimeSpan.FromSeconds(settle.RetryIn);
        message.Retries += deferred ? 1 : 0;

        await WriteAsync(held, Settlement(lease, message, outcomes) with
        {
            Status = message.RolledUp,
            Then = message.RolledUp.IsSettled() ? Continuation.Done.Instance : new Continuation.Requeue(dueAt, _backlog.Domain),
        });
        message.Partly = message.RolledUp == MessageStatus.Sent;
        message.Status = message.RolledUp;
        if (deferred)
            WaitAgain(message, dueAt);
    }

    async Task SettlePartAsync(Step.SettlePart settle)
    {
        if (!TryPickLease(settle.Pick, out var lease, out var held))
            return;
        // Its last recipient's answer ends the attempt, and nobody has an answer before it is sending.
        if (held is not null && (held.Status != MessageStatus.Sending || held.Open.Count() < 2))
            return;
        var message = held ?? new ModelMessage(lease.Message, 2);
        var outcome = Outcome(message.Open.First(), settle.State);
        message.Recipients[outcome.Ordinal] = outcome.State;
        message.Partly = message.RolledUp == MessageStatus.Sent;

        await WriteAsync(held, Settlement(lease, message, [outcome]) with
        {
            Status = message.Partly ? MessageStatus.Sent : MessageStatus.Sending,
            Then = Continuation.Underway.Instance,
        });
    }

    static RecipientOutcome Outcome(int recipient, RecipientState state) => new(recipient, state, "reply");

    Settlement Settlement(LeaseKey lease, ModelMessage message, RecipientOutcome[] outcomes) => sample.Delivered(lease) with
    {
        Recipients = outcomes,
        Events = [.. outcomes.Select(outcome => sample.Event(EventType.Delivered, outcome.Ordinal))],
        RetryCount = message.Retries,
    };

    async Task WriteAsync(ModelMessage? held, Settlement settlement)
    {
        Assert.Equal(held is not null, await sample.SettleAsync(settlement));
        if (held is not null)
            held.Events += settlement.Events.Count;
    }

    async Task ReturnAsync(int pick)
    {
        if (!TryPickLease(pick, out var lease, out var held))
            return;
        Assert.Equal(held is not null, await store.Queue.ReturnAsync(lease, store.Now, Cancel));
        if (held is not null)
            WaitAgain(held, store.Now);
    }

    async Task RenewAsync()
    {
        await store.Queue.RenewAsync(_node, store.Now + LeaseTime, Cancel);
        foreach (var message in _messages.Where(message => message.IsLeased))
            message.LeaseUntil = store.Now + LeaseTime;
    }

    async Task ReleaseExpiredAsync()
    {
        var released = await store.Queue.ReleaseExpiredAsync(store.Now, null, Cancel);

        var expected = _messages.Where(message => message.IsLeased && message.LeaseUntil < store.Now).ToArray();
        Assert.Equal(expected.Length > 0, released.Any(backlog => backlog.Key.Tenant == tenant));
        foreach (var message in expected)
        {
            if (message.Status == MessageStatus.Sending)
            {
                message.Retries++;
                message.Events += message.Open.Count();
            }
            message.Generation++;
            WaitAgain(message, store.Now);
        }
    }
}
