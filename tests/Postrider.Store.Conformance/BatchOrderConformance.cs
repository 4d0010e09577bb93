using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;

namespace Postrider.Store.Conformance;

/// <summary>How what is being sent comes to wait again.</summary>
public enum WayBack
{
    Deferred,
    Returned,
    LeaseEnded,
    RetriedWhileSending,
    RetriedAfterItFailed,
}

public abstract class BatchOrderConformance<TFixture> : StoreConformance<TFixture> where TFixture : StoreFixture, new()
{
    static readonly TimeSpan Lease = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task A_cancel_takes_what_is_not_being_sent_and_leaves_the_rest()
    {
        var batch = await Sample.AddBatchAsync();
        var sending = await Sample.SendingAsync(message => message with { Batch = batch });
        await AcceptAsync(batch, 2);
        var processing = await Sample.ClaimOneAsync();
        var rendered = await Sample.ClaimOneAsync();
        Assert.True(await Store.Queue.MarkRenderedAsync(rendered, CancellationToken.None));
        var waiting = await AcceptAsync(batch, 1);
        var elsewhere = await Sample.AcceptAsync();

        await OrderAsync(batch, BatchAction.Cancel);
        await RunAsync(batch);

        foreach (var message in (MessageId[])[processing.Message, rendered.Message, waiting[0]])
        {
            var view = await Sample.ViewAsync(message);
            Assert.Equal((MessageStatus.Cancelled, Store.Now), (view.Status, view.SettledAt));
            Assert.Equal(RecipientState.Cancelled, view.Message.Recipients[0].State);
            Assert.Equal(EventType.Cancelled, view.Events[^1].Type);
        }
        Assert.False(await Store.Queue.MarkSendingAsync(processing, CancellationToken.None));
        Assert.False(await Store.Queue.MarkSendingAsync(rendered, CancellationToken.None));
        Assert.True(await Sample.SettleAsync(Sample.Delivered(sending)));
        Assert.Equal(elsewhere.Id, (await Sample.ClaimOneAsync()).Message);
        var after = await ViewAsync(batch);
        Assert.Equal((BatchState.Cancelled, 3L, Store.Now), (after.State, after.Order!.Messages, after.Order.DoneAt));
        Assert.Equal(
            (3L, 1L, Store.Now),
            (after.Counts[(int)MessageStatus.Cancelled], after.Counts[(int)MessageStatus.Delivered], after.CompletedAt));
    }

    [Fact]
    public async Task A_page_at_a_time_each_going_on_behind_the_last_one_also_on_another_node_once_the_lease_has_ended()
    {
        var batch = await Sample.AddBatchAsync();
        await AcceptAsync(batch, 5);
        var (one, other) = (new NodeId(Store.Ids.Next()), new NodeId(Store.Ids.Next()));
        await OrderAsync(batch, BatchAction.Cancel);
        Assert.Equal([new BatchKey(Sample.Tenant, batch)], await PendingAsync());

        Assert.Equal(BatchWork.More, (await PageAsync(batch, one, 2)).Work);
        Assert.Equal(BatchWork.NotOurs, (await PageAsync(batch, other, 2)).Work);
        Assert.Empty(await PendingAsync());
        var halfway = await ViewAsync(batch);
        Store.Time.Advance(Lease + TimeSpan.FromSeconds(1));
        Assert.Equal([new BatchKey(Sample.Tenant, batch)], await PendingAsync());
        Assert.Equal(BatchWork.More, (await PageAsync(batch, other, 2)).Work);
        Assert.Equal(BatchWork.Done, (await PageAsync(batch, other, 2)).Work);
        var done = await ViewAsync(batch);

        var (cancelled, queued) = (halfway.Counts[(int)MessageStatus.Cancelled], halfway.Counts[(int)MessageStatus.Queued]);
        Assert.Equal((2L, 3L, 2L, null), (cancelled, queued, halfway.Order!.Messages, halfway.Order.DoneAt));
        Assert.Equal((5L, 5L, Store.Now), (done.Counts[(int)MessageStatus.Cancelled], done.Order!.Messages, done.Order.DoneAt));
        Assert.Equal(BatchWork.Done, (await PageAsync(batch, one, 2)).Work);
        Assert.Empty(await PendingAsync());
    }

    [Fact]
    public async Task A_pause_holds_what_waits_what_is_taken_back_and_what_is_added_later()
    {
        var batch = await Sample.AddBatchAsync();
        await AcceptAsync(batch, 3);
        var leased = await Sample.ClaimOneAsync();

        await OrderAsync(batch, BatchAction.Pause);
        await RunAsync(batch);
        var added = await AcceptAsync(batch, 1);
        await RunAsync(batch);

        Assert.Empty(await Sample.ClaimAsync());
        Assert.False(await Store.Queue.MarkSendingAsync(leased, CancellationToken.None));
        Assert.Equal(MessageStatus.Queued, (await Sample.ViewAsync(added[0])).Status);
        var view = await ViewAsync(batch);
        Assert.Equal((BatchState.Paused, 4L), (view.State, view.Counts[(int)MessageStatus.Queued]));
        Assert.Equal([batch], (await Store.Orders.HeldBatchesAsync(Sample.Tenant, 10, CancellationToken.None)).Select(one => one.Id));
        Assert.Null((await Store.Queue.SummaryAsync(Store.Now, CancellationToken.None)).OldestDue);
    }

    [Fact]
    public async Task A_resume_releases_oldest_due_first_and_the_lifetime_counts_from_there()
    {
        var batch = await Sample.AddBatchAsync();
        var start = Store.Now;
        var late = await Sample.AcceptAsync(message => message with { Batch = batch, DueAt = start + TimeSpan.FromHours(2) });
        var early = await Sample.AcceptAsync(message => message with { Batch = batch, DueAt = start + TimeSpan.FromHours(1) });
        var future = await Sample.AcceptAsync(message => message with { Batch = batch, DueAt = start + TimeSpan.FromDays(30) });
        await OrderAsync(batch, BatchAction.Pause);
        await RunAsync(batch);
        Store.Time.Advance(TimeSpan.FromDays(5));
        var expired = new ClaimExpired(Store.Now - TimeSpan.FromHours(72), 10, Sample.Node, Sample.Later);

        Assert.Empty(await Sample.ClaimAsync());
        Assert.Empty(await Store.Queue.ClaimExpiredAsync(expired, CancellationToken.None));
        await OrderAsync(batch, BatchAction.Resume);
        var waiting = await RunAsync(batch);

        Assert.Equal([new Backlog(Sample.Backlog(), start + TimeSpan.FromHours(1))], waiting);
        Assert.Empty(await Store.Queue.ClaimExpiredAsync(expired, CancellationToken.None));
        var result = await Store.Queue.ClaimAsync(
            new Claim(Sample.Backlog(), Store.Now, 10, Sample.Node, Sample.Later), CancellationToken.None);
        Assert.Equal([early.Id, late.Id], result.Messages.Select(message => message.Message.Id));
        Assert.All(result.Messages, message => Assert.Equal(Store.Now, message.FirstDueAt));
        Assert.Equal(future.DueAt, result.NextDueAt);
        Assert.Empty(await Store.Orders.HeldBatchesAsync(Sample.Tenant, 10, CancellationToken.None));
    }

    [Fact]
    public async Task What_is_added_to_a_cancelled_batch_is_never_mailed_and_soon_cancelled()
    {
        var batch = await Sample.AddBatchAsync();
        await AcceptAsync(batch, 2);
        await OrderAsync(batch, BatchAction.Cancel);
        await RunAsync(batch);

        var added = await AcceptAsync(batch, 1);
        Assert.Empty(await Sample.ClaimAsync());
        Assert.Equal([new BatchKey(Sample.Tenant, batch)], await PendingAsync());
        await RunAsync(batch);

        Assert.Equal(MessageStatus.Cancelled, (await Sample.ViewAsync(added[0])).Status);
        Assert.Equal((3L, 3L), ((await ViewAsync(batch)).Counts[(int)MessageStatus.Cancelled], (await ViewAsync(batch)).Order!.Messages));
        Assert.Empty(await PendingAsync());
    }

    public static MatrixTheoryData<WayBack, bool> WaysBack() => new(Enum.GetValues<WayBack>(), [true, false]);

    [Theory]
    [MemberData(nameof(WaysBack))]
    public async Task What_comes_back_to_a_paused_or_cancelled_batch_is_held_from_that_moment(WayBack way, bool isPaused)
    {
        var batch = await Sample.AddBatchAsync();
        var lease = await Sample.SendingAsync(message => message with { Batch = batch });
        await OrderAsync(batch, isPaused ? BatchAction.Pause : BatchAction.Cancel);
        await RunAsync(batch);

        await ComeBackAsync(way, lease);
        var due = way == WayBack.Deferred ? Store.Now + TimeSpan.FromMinutes(5) : Store.Now;
        Store.Time.Advance(TimeSpan.FromHours(1));

        Assert.Empty(await Sample.ClaimAsync());
        Assert.Empty(
            await Store.Queue.ClaimExpiredAsync(new ClaimExpired(Store.Now, 10, Sample.Node, Sample.Later), CancellationToken.None));
        var view = await Sample.ViewAsync(lease.Message);
        Assert.Equal((MessageStatus.Queued, due), (view.Status, view.NextRetryAt ?? due));
        if (isPaused)
        {
            // Nothing is left to do, so the batch is not gone through once more.
            Assert.Empty(await PendingAsync());
            await OrderAsync(batch, BatchAction.Resume);
            Assert.Equal([new Backlog(Sample.Backlog(), due)], await RunAsync(batch));
            Assert.Equal(lease.Message, (await Sample.ClaimOneAsync()).Message);
        }
        else
        {
            Assert.Equal([new BatchKey(Sample.Tenant, batch)], await PendingAsync());
            await RunAsync(batch);
            Assert.Equal(MessageStatus.Cancelled, (await Sample.ViewAsync(lease.Message)).Status);
        }
    }

    async Task ComeBackAsync(WayBack way, LeaseKey lease)
    {
        switch (way)
        {
            case WayBack.Deferred:
                Assert.True(await Sample.SettleAsync(Sample.Deferred(lease, Store.Now + TimeSpan.FromMinutes(5))));
                break;
            case WayBack.Returned:
                Assert.True(await Store.Queue.ReturnAsync(lease, Store.Now, CancellationToken.None));
                break;
            case WayBack.LeaseEnded:
                await Store.Queue.ReleaseExpiredAsync(Store.Now, _ => true, CancellationToken.None);
                break;
            case WayBack.RetriedWhileSending:
                var write = Sample.Write(lease.Message, ControlAction.Retry) with { GivenUp = lease.Generation };
                Assert.IsType<ControlResult.Changed>(await Store.Control.ChangeAsync(write, CancellationToken.None));
                break;
            default:
                await Sample.ChangeAsync(lease.Message, ControlAction.Fail);
                Assert.IsType<ControlResult.Changed>(await Sample.ChangeAsync(lease.Message, ControlAction.Retry));
                break;
        }
    }

    [Fact]
    public async Task A_pause_that_takes_leases_back_is_done_once()
    {
        var batch = await Sample.AddBatchAsync();
        await AcceptAsync(batch, 3);
        await Sample.ClaimAsync(2);

        await OrderAsync(batch, BatchAction.Pause);
        while ((await PageAsync(batch, Sample.Node, 2)).Work == BatchWork.More)
        {
        }

        Assert.Empty(await PendingAsync());
        Assert.Equal(3, (await ViewAsync(batch)).Order!.Messages);
    }

    [Fact]
    public async Task A_held_message_that_is_retried_or_cancelled_by_itself_obeys()
    {
        var batch = await Sample.AddBatchAsync();
        var tried = await Sample.SendingAsync(message => message with { Batch = batch });
        await Sample.SettleAsync(Sample.Deferred(tried, Store.Now + TimeSpan.FromMinutes(5)));
        var untried = await AcceptAsync(batch, 1);
        await OrderAsync(batch, BatchAction.Pause);
        await RunAsync(batch);

        Assert.IsType<ControlResult.Changed>(await Sample.ChangeAsync(tried.Message, ControlAction.Retry));
        Assert.IsType<ControlResult.Changed>(await Sample.ChangeAsync(untried[0], ControlAction.Cancel));

        Assert.Empty(await Sample.ClaimAsync());
        await OrderAsync(batch, BatchAction.Resume);
        await RunAsync(batch);
        Assert.Equal(tried.Message, (await Sample.ClaimOneAsync()).Message);
    }

    [Fact]
    public async Task A_reschedule_moves_what_was_not_tried_and_a_pause_stays()
    {
        var batch = await Sample.AddBatchAsync();
        var tried = await Sample.SendingAsync(message => message with { Batch = batch });
        await Sample.SettleAsync(Sample.Deferred(tried, Store.Now + TimeSpan.FromMinutes(5)));
        var messages = await AcceptAsync(batch, 2);
        var at = Store.Now + TimeSpan.FromHours(3);
        await OrderAsync(batch, BatchAction.Pause);
        await PageAsync(batch, Sample.Node, 1);

        // The pause is half done: it is finished by the order that comes after it.
        await OrderAsync(batch, BatchAction.Reschedule, at);
        await RunAsync(batch);
        Store.Time.Advance(TimeSpan.FromHours(1));
        Assert.Empty(await Sample.ClaimAsync());
        await OrderAsync(batch, BatchAction.Resume);
        await RunAsync(batch);

        Assert.Equal(tried.Message, Assert.Single(await Sample.ClaimAsync()).Key.Message);
        Assert.Equal(at, (await Sample.ViewAsync(messages[0])).Message.DueAt);
        Store.Time.Advance(TimeSpan.FromHours(2));
        var released = await Sample.ClaimAsync();
        Assert.Equal(messages, released.Select(message => message.Message.Id));
        Assert.All(released, message => Assert.Equal(at, message.FirstDueAt));
    }

    [Fact]
    public async Task Another_tenant_has_no_such_batch()
    {
        var batch = await Sample.AddBatchAsync();
        var stranger = await Sample.AddTenantAsync("stranger");
        var order = new BatchOrder(new BatchKey(stranger, batch), BatchAction.Cancel, Store.Now);

        Assert.False(await Store.Orders.OrderAsync(order, CancellationToken.None));
        Assert.Equal(BatchWork.NotOurs, (await Store.Orders.RunPageAsync(
            new BatchPage(order.Batch, Sample.Node, Store.Now, Sample.Later, 10), CancellationToken.None)).Work);

        Assert.Equal(BatchState.Open, (await ViewAsync(batch)).State);
        Assert.Null((await ViewAsync(batch)).Order);
    }

    [Fact]
    public async Task Against_accepts_claims_and_single_cancels_each_message_ends_once_and_the_sum_is_the_total()
    {
        const int Before = 120;
        const int During = 60;
        var batch = await Sample.AddBatchAsync();
        var first = await AcceptAsync(batch, Before);
        var sending = new List<LeaseKey>();

        var accepting = Task.Run(async () =>
        {
            for (var i = 0; i < During; i++)
                await AcceptAsync(batch, 1);
        });
        var claiming = Task.Run(async () =>
        {
            for (var i = 0; i < 20; i++)
            {
                foreach (var lease in await Sample.ClaimAsync(5))
                {
                    if (await Store.Queue.MarkSendingAsync(lease.Key, CancellationToken.None))
                        sending.Add(lease.Key);
                }
            }
        });
        var single = Task.Run(async () =>
        {
            foreach (var message in first.Take(40))
                await Sample.ChangeAsync(message, ControlAction.Cancel);
        });
        var ordering = Task.Run(async () =>
        {
            await OrderAsync(batch, BatchAction.Pause);
            await RunAsync(batch, 7);
            await OrderAsync(batch, BatchAction.Cancel);
            await RunAsync(batch, 7);
        });
        var all = Task.WhenAll(accepting, claiming, single, ordering);
        while (!all.IsCompleted)
            Assert.InRange((await ViewAsync(batch)).Counts.Sum(), Before, Before + During);
        await all;
        while (await PendingAsync() is { Count: > 0 })
            await RunAsync(batch, 7);

        var view = await ViewAsync(batch);
        Assert.Equal(Before + During, view.Counts.Sum());
        Assert.Equal((long)sending.Count, view.Counts[(int)MessageStatus.Sending]);
        Assert.Equal(Before + During - sending.Count, view.Counts[(int)MessageStatus.Cancelled]);
        foreach (var lease in sending)
            Assert.True(await Sample.SettleAsync(Sample.Delivered(lease)));
        Assert.NotNull((await ViewAsync(batch)).CompletedAt);
        Assert.Empty(await Sample.ClaimAsync());
    }

    async Task<List<MessageId>> AcceptAsync(BatchId batch, int count)
    {
        var ids = new List<MessageId>();
        for (var i = 0; i < count; i++)
            ids.Add((await Sample.AcceptAsync(message => message with { Batch = batch })).Id);
        return ids;
    }

    async Task OrderAsync(BatchId batch, BatchAction action, DateTimeOffset? dueAt = null) => Assert.True(
        await Store.Orders.OrderAsync(
            new BatchOrder(new BatchKey(Sample.Tenant, batch), action, Store.Now, dueAt), CancellationToken.None));

    Task<BatchPageResult> PageAsync(BatchId batch, NodeId node, int messages) => Store.Orders.RunPageAsync(
        new BatchPage(new BatchKey(Sample.Tenant, batch), node, Store.Now, Store.Now + Lease, messages), CancellationToken.None);

    /// <summary>Page by page until there is nothing left.</summary>
    async Task<List<Backlog>> RunAsync(BatchId batch, int messages = 2)
    {
        var waiting = new Dictionary<BacklogKey, DateTimeOffset>();
        BatchPageResult page;
        do
        {
            page = await PageAsync(batch, Sample.Node, messages);
            foreach (var backlog in page.Waiting)
                waiting[backlog.Key] = waiting.TryGetValue(backlog.Key, out var at) && at < backlog.NextDueAt ? at : backlog.NextDueAt;
        }
        while (page.Work == BatchWork.More || (await PendingAsync()).Count > 0);
        return [.. waiting.Select(one => new Backlog(one.Key, one.Value))];
    }

    Task<IReadOnlyList<BatchKey>> PendingAsync() => Store.Orders.PendingOrdersAsync(Store.Now, 10, CancellationToken.None);

    async Task<BatchView> ViewAsync(BatchId batch) =>
        await Store.Batches.FindAsync(Sample.Tenant, batch, CancellationToken.None)
            ?? throw new InvalidOperationException("There is no such batch.");
}
