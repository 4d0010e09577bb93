using Postrider.Engine.Messages;
using Postrider.Engine.Queue;

namespace Postrider.Store.Conformance;

public abstract class LeaseConformance<TFixture> : StoreConformance<TFixture> where TFixture : StoreFixture, new()
{
    [Fact]
    public async Task A_delivered_message_leaves_the_queue_with_its_whole_story()
    {
        var lease = await Sample.SendingAsync();
        Assert.Equal(MessageStatus.Sending, (await Sample.ViewAsync(lease.Message)).Status);
        Store.Time.Advance(TimeSpan.FromSeconds(2));

        Assert.True(await Sample.SettleAsync(Sample.Delivered(lease)));

        var view = await Sample.ViewAsync(lease.Message);
        Assert.Equal((MessageStatus.Delivered, Store.Now, Store.Now), (view.Status, view.SentAt, view.SettledAt));
        var recipient = Assert.Single(view.Message.Recipients);
        Assert.Equal((RecipientState.Delivered, "250 2.0.0 OK", Store.Now), (recipient.State, recipient.LastReply, recipient.SettledAt));
        Assert.Equal([EventType.Processed, EventType.Delivered], view.Events.Select(one => one.Type));
        Assert.Equal(0, (await Store.Queue.SummaryAsync(Store.Now, CancellationToken.None)).Live);
        Assert.False(await Sample.SettleAsync(Sample.Delivered(lease)));
    }

    [Fact]
    public async Task A_deferred_message_waits_until_its_next_attempt()
    {
        var lease = await Sample.SendingAsync();
        var due = Store.Now + TimeSpan.FromMinutes(5);

        Assert.True(await Sample.SettleAsync(Sample.Deferred(lease, due)));

        var view = await Sample.ViewAsync(lease.Message);
        Assert.Equal((MessageStatus.Queued, 1, due, "450 4.2.0 Busy"), (view.Status, view.RetryCount, view.NextRetryAt, view.ErrorMessage));
        Assert.False(await Store.Queue.MarkRenderedAsync(lease, CancellationToken.None));
        Assert.Empty(await Sample.ClaimAsync());
        Store.Time.Advance(TimeSpan.FromMinutes(5));
        var again = Assert.Single(await Sample.ClaimAsync());
        Assert.Equal((2, 1, "450 4.2.0 Busy"), (again.Generation, again.RetryCount, again.Message.Recipients[0].LastReply));
    }

    [Fact]
    public async Task A_partly_accepted_message_shows_as_sent_until_the_last_recipient_settles()
    {
        var lease = await Sample.SendingAsync(
            message => message with { Recipients = [Sample.To("a@example.net"), Sample.To("b@example.net")] });
        var partly = Sample.Delivered(lease) with { Status = MessageStatus.Sent, Then = Continuation.Underway.Instance };

        Assert.True(await Sample.SettleAsync(partly));
        Assert.Equal(MessageStatus.Sent, (await Sample.ViewAsync(lease.Message)).Status);

        var second = Sample.Deferred(lease, Store.Now) with
        {
            Status = MessageStatus.Sent,
            Recipients = [new RecipientOutcome(1, RecipientState.Open, "450 4.2.0 Busy")],
        };
        Assert.True(await Sample.SettleAsync(second));
        Assert.Equal(MessageStatus.Sent, (await Sample.ViewAsync(lease.Message)).Status);

        var leased = Assert.Single(await Sample.ClaimAsync());
        Assert.Equal([RecipientState.Delivered, RecipientState.Open], leased.Message.Recipients.Select(recipient => recipient.State));
        Assert.True(await Store.Queue.MarkRenderedAsync(leased.Key, CancellationToken.None));
        Assert.True(await Store.Queue.MarkSendingAsync(leased.Key, CancellationToken.None));
        Assert.Equal(MessageStatus.Sent, (await Sample.ViewAsync(lease.Message)).Status);

        var last = Sample.Delivered(leased.Key) with
        {
            Recipients = [new RecipientOutcome(1, RecipientState.Bounced, "550 5.1.1 No")], SentAt = null, RetryCount = 1,
        };
        Assert.True(await Sample.SettleAsync(last));
        var view = await Sample.ViewAsync(lease.Message);
        Assert.Equal((MessageStatus.Delivered, 1), (view.Status, view.RetryCount));
        Assert.NotNull(view.SentAt);
    }

    [Fact]
    public async Task Sending_follows_rendered_or_processing_and_nothing_goes_back()
    {
        await Sample.AcceptAsync();
        var lease = await Sample.ClaimOneAsync();

        Assert.True(await Store.Queue.MarkRenderedAsync(lease, CancellationToken.None));
        Assert.Equal(MessageStatus.Rendered, (await Sample.ViewAsync(lease.Message)).Status);
        Assert.False(await Store.Queue.MarkRenderedAsync(lease, CancellationToken.None));
        Assert.True(await Store.Queue.MarkSendingAsync(lease, CancellationToken.None));
        Assert.False(await Store.Queue.MarkSendingAsync(lease, CancellationToken.None));
        Assert.False(await Store.Queue.MarkRenderedAsync(lease, CancellationToken.None));
        await Sample.AcceptAsync();
        Assert.True(await Store.Queue.MarkSendingAsync(await Sample.ClaimOneAsync(), CancellationToken.None));
    }

    [Fact]
    public async Task A_returned_lease_is_queued_again_without_an_attempt_counted()
    {
        await Sample.AcceptAsync();
        var lease = await Sample.ClaimOneAsync();
        var due = Store.Now + TimeSpan.FromSeconds(30);

        Assert.True(await Store.Queue.ReturnAsync(lease, due, CancellationToken.None));

        var view = await Sample.ViewAsync(lease.Message);
        Assert.Equal((MessageStatus.Queued, 0, null), (view.Status, view.RetryCount, view.NextRetryAt));
        Assert.False(await Store.Queue.ReturnAsync(lease, due, CancellationToken.None));
        Assert.Empty(await Sample.ClaimAsync());
        Store.Time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(2, (await Sample.ClaimOneAsync()).Generation);
    }

    [Fact]
    public async Task A_lease_that_ended_is_released_due_now_and_its_holder_can_no_longer_speak()
    {
        await Sample.AcceptAsync();
        var lease = await Sample.ClaimOneAsync();

        Assert.Empty(await Store.Queue.ReleaseExpiredAsync(Store.Now, null, CancellationToken.None));
        Store.Time.Advance(TimeSpan.FromMinutes(2));
        var released = await Store.Queue.ReleaseExpiredAsync(Store.Now, null, CancellationToken.None);

        Assert.Equal([new Backlog(Sample.Backlog(), Store.Now)], released);
        Assert.False(await Store.Queue.MarkRenderedAsync(lease, CancellationToken.None));
        Assert.Equal(0, (await Sample.ViewAsync(lease.Message)).RetryCount);
        Assert.Equal(lease.Generation + 2, (await Sample.ClaimOneAsync()).Generation);
    }

    [Fact]
    public async Task A_lease_that_ended_while_sending_leaves_an_uncertain_event_for_each_open_recipient()
    {
        var lease = await Sample.SendingAsync(
            message => message with { Recipients = [Sample.To("a@example.net"), Sample.To("b@example.net")] });
        await Sample.SettleAsync(Sample.Delivered(lease) with { Status = MessageStatus.Sent, Then = Continuation.Underway.Instance });
        Store.Time.Advance(TimeSpan.FromMinutes(2));

        await Store.Queue.ReleaseExpiredAsync(Store.Now, null, CancellationToken.None);

        var view = await Sample.ViewAsync(lease.Message);
        var uncertain = Assert.Single(view.Events, one => one.Type == EventType.Deferred);
        Assert.Equal((1, true, Store.Now), (uncertain.Recipient, uncertain.Data?.Uncertain, uncertain.At));
        Assert.Equal((MessageStatus.Sent, 1), (view.Status, view.RetryCount));
    }

    [Fact]
    public async Task A_renewed_lease_lives_on_and_a_dead_nodes_lease_ends_at_once()
    {
        await Sample.AcceptAsync();
        var lease = await Sample.ClaimOneAsync();
        await Store.Queue.RenewAsync(Sample.Node, Store.Now + TimeSpan.FromHours(1), CancellationToken.None);
        await Store.Queue.RenewAsync(new NodeId(Store.Ids.Next()), Store.Now, CancellationToken.None);
        Store.Time.Advance(TimeSpan.FromMinutes(5));

        Assert.Empty(await Store.Queue.ReleaseExpiredAsync(Store.Now, null, CancellationToken.None));
        Assert.True(await Store.Queue.MarkRenderedAsync(lease, CancellationToken.None));
        Assert.Single(await Store.Queue.ReleaseExpiredAsync(Store.Now, node => node == Sample.Node, CancellationToken.None));
        Assert.False(await Store.Queue.MarkSendingAsync(lease, CancellationToken.None));
    }

    [Fact]
    public async Task A_settlement_whose_status_contradicts_what_becomes_of_the_queue_row_is_refused()
    {
        var lease = await Sample.SendingAsync();

        await Assert.ThrowsAsync<ArgumentException>(
            () => Sample.SettleAsync(Sample.Delivered(lease) with { Status = MessageStatus.Queued }));

        Assert.Equal(MessageStatus.Sending, (await Sample.ViewAsync(lease.Message)).Status);
    }
}
