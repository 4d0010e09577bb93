using Postrider.Engine.Control;
using Postrider.Engine.Messages;

namespace Postrider.Store.Conformance.Lifecycle;

// Orders to the whole batch: the state at once, the messages a page at a time.
sealed partial class Model
{
    BatchState _state;
    ModelOrder? _order;

    BatchKey Batch => new(tenant, _batch);

    ModelMessage[] BatchMessages => [.. _messages.Where(message => message.InBatch)];

    async Task OrderAsync(Step.Order step)
    {
        var dueAt = step.Action == BatchAction.Reschedule ? store.Now + TimeSpan.FromSeconds(step.DueIn) : (DateTimeOffset?)null;
        var order = new BatchOrder(Batch, step.Action, store.Now, dueAt);

        Assert.True(await store.Orders.OrderAsync(order, Cancel));

        _state = order.Target ?? _state;
        // A reschedule that was not finished goes on within the order that follows it.
        _order = new ModelOrder(_state, dueAt ?? (_order is { IsDone: false } ? _order.DueAt : null));
    }

    async Task OrderPageAsync(int messages)
    {
        if (_order is not { IsDone: false } order)
        {
            await FinishOrderAsync();
            return;
        }
        var scanned = BatchMessages.Skip(order.Scanned).Take(messages).ToArray();
        foreach (var message in scanned)
            Bring(message, order.Target, order.DueAt);
        order.Scanned += scanned.Length;
        order.IsDone = scanned.Length < messages;

        Assert.Equal(order.IsDone ? BatchWork.Done : BatchWork.More, await RunPageAsync(messages));
    }

    async Task FinishOrderAsync()
    {
        if (_order is null)
        {
            Assert.Equal(BatchWork.NotOurs, await RunPageAsync(1));
            return;
        }
        do
        {
            while (await RunPageAsync(2) == BatchWork.More)
            {
            }
        }
        while ((await store.Orders.PendingOrdersAsync(store.Now, 1000, Cancel)).Contains(Batch));

        foreach (var message in BatchMessages.Skip(_order.Scanned).Where(_ => !_order.IsDone))
            Bring(message, _order.Target, _order.DueAt);
        _order.IsDone = true;
        // What came, or came back, behind the pages is brought there as well.
        foreach (var message in BatchMessages)
            Bring(message, _order.Target, null);
    }

    async Task<BatchWork> RunPageAsync(int messages) =>
        (await store.Orders.RunPageAsync(new BatchPage(Batch, _node, store.Now, store.Now + LeaseTime, messages), Cancel)).Work;

    /// <summary>Back in the queue: one of a held batch is held at once, unless somebody has accepted it.</summary>
    void WaitAgain(ModelMessage message, DateTimeOffset dueAt)
    {
        (message.Status, message.DueAt) = (MessageStatus.Queued, dueAt);
        message.IsHeld |= message.InBatch && !message.Partly && _state != BatchState.Open;
    }

    /// <summary>One message to what the order asks for, in the states that a cancel is taken in.</summary>
    void Bring(ModelMessage message, BatchState target, DateTimeOffset? moveTo)
    {
        if (ControlRules.Of(ControlAction.Cancel, message.Shown, message.Retries > 0) != ControlRule.Taken)
            return;
        if (target == BatchState.Cancelled)
        {
            Apply(ControlAction.Cancel, message);
            return;
        }
        if (moveTo is { } at && message.IsWaiting && message.Retries == 0)
            message.DueAt = message.FirstDueAt = at;
        else if (target == BatchState.Open && message.IsHeld)
            message.FirstDueAt = Latest(message.FirstDueAt, store.Now);
        if (target == BatchState.Paused && message.IsLeased)
        {
            message.Status = MessageStatus.Queued;
            message.Generation++;
        }
        message.IsHeld = target == BatchState.Paused;
    }

    sealed class ModelOrder(BatchState target, DateTimeOffset? dueAt)
    {
        public BatchState Target { get; } = target;

        public DateTimeOffset? DueAt { get; } = dueAt;

        /// <summary>How many of the batch's messages its pages have seen.</summary>
        public int Scanned { get; set; }

        public bool IsDone { get; set; }
    }
}
