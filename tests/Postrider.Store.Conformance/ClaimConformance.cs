using Postrider.Engine.Control;
using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;

namespace Postrider.Store.Conformance;

public abstract class ClaimConformance<TFixture> : StoreConformance<TFixture> where TFixture : StoreFixture, new()
{
    [Fact]
    public async Task What_is_due_is_found_among_ten_thousands_and_what_was_missed_comes_oldest_due_first()
    {
        const int Requests = 20;
        var tomorrow = Store.Now + TimeSpan.FromDays(1);
        for (var i = 0; i < Requests; i++)
        {
            var messages = Enumerable.Range(0, 500).Select(_ => Sample.Message(message => message with { DueAt = tomorrow }));
            Assert.IsType<AcceptOutcome.Stored>(await Sample.AcceptAsync(Sample.Acceptance([.. messages])));
        }
        var late = await Sample.AcceptAsync(message => message with { DueAt = Store.Now + TimeSpan.FromSeconds(2) });
        var early = await Sample.AcceptAsync(message => message with { DueAt = Store.Now + TimeSpan.FromSeconds(1) });

        var before = await ClaimAsync();
        Store.Time.Advance(TimeSpan.FromHours(1));
        var missed = await ClaimAsync();

        Assert.Empty(before.Messages);
        Assert.Equal(early.DueAt, before.NextDueAt);
        Assert.Equal([early.Id, late.Id], missed.Messages.Select(message => message.Message.Id));
        Assert.Equal(tomorrow, missed.NextDueAt);

        Task<ClaimResult> ClaimAsync() =>
            Store.Queue.ClaimAsync(new Claim(Sample.Backlog(), Store.Now, 100, Sample.Node, Sample.Later), CancellationToken.None);
    }

    [Fact]
    public async Task A_claim_gives_the_oldest_due_first_and_no_more_than_its_limit()
    {
        var young = await Sample.AcceptAsync(message => message with { DueAt = Store.Now });
        var old = await Sample.AcceptAsync(message => message with { DueAt = Store.Now - TimeSpan.FromMinutes(2) });
        var middle = await Sample.AcceptAsync(message => message with { DueAt = Store.Now - TimeSpan.FromMinutes(1) });

        var first = await Sample.ClaimAsync(limit: 2);
        var second = await Sample.ClaimAsync(limit: 2);

        Assert.Equal([old.Id, middle.Id], first.Select(leased => leased.Message.Id));
        Assert.Equal([young.Id], second.Select(leased => leased.Message.Id));
    }

    [Fact]
    public async Task A_claim_gives_the_record_and_raises_the_generation()
    {
        var message = await Sample.AcceptAsync();

        var leased = Assert.Single(await Sample.ClaimAsync());

        Assert.Equivalent(message, leased.Message);
        Assert.Equal(("example.net", 1, 0, message.DueAt), (leased.QueueDomain, leased.Generation, leased.RetryCount, leased.FirstDueAt));
        Assert.Equal(MessageStatus.Processing, (await Sample.ViewAsync(message.Id)).Status);
    }

    [Fact]
    public async Task A_claim_leaves_what_is_not_due_and_what_is_others()
    {
        var future = await Sample.AcceptAsync(message => message with { DueAt = Store.Now + TimeSpan.FromSeconds(1) });
        await Sample.AcceptAsync(domain: "example.org");
        await Sample.AcceptAsync(domain: "");
        var other = await Sample.AddTenantAsync("other");
        await Sample.AcceptAsync(message => message with { Tenant = other });

        Assert.Empty(await Sample.ClaimAsync());
        Assert.Single(await Sample.ClaimAsync(domain: ""));

        Store.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(future.Id, (await Sample.ClaimOneAsync()).Message);
    }

    [Fact]
    public async Task Concurrent_claims_are_disjoint_and_together_complete()
    {
        await Sample.AcceptAsync(Sample.Acceptance([.. Enumerable.Range(0, 200).Select(_ => Sample.Message())]));

        var claims = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => Sample.ClaimAsync(limit: 13))));

        var claimed = claims.SelectMany(leased => leased).Select(leased => leased.Message.Id).ToArray();
        Assert.Equal(200, claimed.Length);
        Assert.Equal(200, claimed.Distinct().Count());
    }

    [Fact]
    public async Task Messages_past_their_lifetime_are_claimed_whatever_their_backlog_and_due_time()
    {
        var old = await Sample.AcceptAsync(domain: "dead.example");
        var lease = await Sample.ClaimOneAsync("dead.example");
        await Sample.SettleAsync(Sample.Deferred(lease, Store.Now + TimeSpan.FromDays(9)));
        Store.Time.Advance(TimeSpan.FromDays(3));
        var leased = await Sample.AcceptAsync(domain: "leased.example");
        await Sample.ClaimOneAsync("leased.example");
        var scheduled = await Sample.AcceptAsync(message => message with { DueAt = Store.Now + TimeSpan.FromDays(5) });
        Store.Time.Advance(TimeSpan.FromHours(1));

        var claim = new ClaimExpired(Store.Now - TimeSpan.FromMinutes(1), 10, Sample.Node, Sample.Later);
        var expired = await Store.Queue.ClaimExpiredAsync(claim, CancellationToken.None);
        var again = await Store.Queue.ClaimExpiredAsync(claim, CancellationToken.None);

        Assert.Equal([old.Id], expired.Select(one => one.Message.Id));
        Assert.Equal((2, 1), (expired[0].Generation, expired[0].RetryCount));
        Assert.Empty(again);
        Assert.NotEqual(old.Id, leased.Id);
        Assert.Equal(MessageStatus.Queued, (await Sample.ViewAsync(scheduled.Id)).Status);
    }

    [Fact]
    public async Task Backlogs_come_in_key_order_with_their_earliest_due_time_a_page_at_a_time()
    {
        var soon = Store.Now + TimeSpan.FromMinutes(5);
        foreach (var domain in (string[])["b.example", "a.example", "", "c.example"])
        {
            await Sample.AcceptAsync(message => message with { DueAt = soon + TimeSpan.FromMinutes(1) }, domain);
            await Sample.AcceptAsync(message => message with { DueAt = soon }, domain);
        }
        await Sample.AcceptAsync(domain: "leased.example");
        await Sample.ClaimOneAsync("leased.example");

        var first = await Store.Queue.BacklogsAsync(null, 3, CancellationToken.None);
        var rest = await Store.Queue.BacklogsAsync(first[^1].Key, 3, CancellationToken.None);

        Assert.Equal([.. ((string[])["", "a.example", "b.example"]).Select(domain => new Backlog(Sample.Backlog(domain), soon))], first);
        Assert.Equal([new Backlog(Sample.Backlog("c.example"), soon)], rest);
    }

    [Fact]
    public async Task The_summary_counts_live_leased_due_and_overdue()
    {
        await Sample.AcceptAsync(message => message with { DueAt = Store.Now - TimeSpan.FromMinutes(3) });
        await Sample.AcceptAsync(domain: "leased.example");
        await Sample.AcceptAsync(message => message with { DueAt = Store.Now + TimeSpan.FromDays(1) });
        await Sample.SettleAsync(Sample.Delivered(await Sample.ClaimOneAsync("leased.example")));
        await Sample.AcceptAsync(domain: "leased.example");
        await Sample.ClaimOneAsync("leased.example");

        var now = await Store.Queue.SummaryAsync(Store.Now, CancellationToken.None);
        var later = await Store.Queue.SummaryAsync(Store.Now + TimeSpan.FromMinutes(2), CancellationToken.None);

        Assert.Equal(new QueueSummary(3, 1, Store.Now - TimeSpan.FromMinutes(3), 0), now);
        Assert.Equal(1, later.Overdue);
    }

    [Fact]
    public async Task When_the_clock_was_set_back_what_was_due_is_due_still_and_what_is_scheduled_keeps_its_time()
    {
        var (from, to) = (Store.Now, Store.Now - TimeSpan.FromHours(1));
        var batch = await Sample.AddBatchAsync();
        var tried = await Sample.SendingAsync();
        Assert.True(await Sample.SettleAsync(Sample.Deferred(tried, from + TimeSpan.FromMinutes(5))));
        var due = await Sample.AcceptAsync(message => message with { DueAt = from - TimeSpan.FromMinutes(1) });
        var held = await Sample.AcceptAsync(message => message with { Batch = batch });
        await Sample.AcceptAsync(message => message with { DueAt = from + TimeSpan.FromMinutes(2) });
        var key = new BatchKey(Sample.Tenant, batch);
        await Store.Orders.OrderAsync(new BatchOrder(key, BatchAction.Pause, Store.Now), CancellationToken.None);
        await Store.Orders.RunPageAsync(new BatchPage(key, Sample.Node, Store.Now, Sample.Later, 10), CancellationToken.None);

        await Store.Queue.SetBackAsync(new ClockSetBack(from, to, WroteAll: false), CancellationToken.None);
        var among = await ClaimAtAsync(to);
        await Store.Queue.SetBackAsync(new ClockSetBack(from, to, WroteAll: true), CancellationToken.None);
        var early = await ClaimAtAsync(to + TimeSpan.FromMinutes(5) - TimeSpan.FromMilliseconds(1));
        var alone = await ClaimAtAsync(to + TimeSpan.FromMinutes(5));
        await Store.Orders.OrderAsync(new BatchOrder(key, BatchAction.Resume, Store.Now), CancellationToken.None);
        await Store.Orders.RunPageAsync(new BatchPage(key, Sample.Node, Store.Now, Sample.Later, 10), CancellationToken.None);
        var released = await ClaimAtAsync(to);

        Assert.Equal([due.Id], among.Messages.Select(message => message.Message.Id));
        Assert.Empty(early.Messages);
        Assert.Equal([tried.Message], alone.Messages.Select(message => message.Message.Id));
        Assert.Equal([held.Id], released.Messages.Select(message => message.Message.Id));
        Assert.Equal(from + TimeSpan.FromMinutes(2), released.NextDueAt);

        Task<ClaimResult> ClaimAtAsync(DateTimeOffset now) =>
            Store.Queue.ClaimAsync(new Claim(Sample.Backlog(), now, 10, Sample.Node, Sample.Later), CancellationToken.None);
    }
}
