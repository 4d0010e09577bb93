using System.Collections.Concurrent;
using Postrider.Engine.Delivery;
using Postrider.Engine.Delivery.Shaping;
using Postrider.Engine.Messages;
using Postrider.Engine.Tests.Rig;
using Postrider.Mail.Smtp.Client;

namespace Postrider.Engine.Tests.Delivery.Shaping;

/// <summary>Limits of destinations with the whole engine around them.</summary>
public sealed class ShapedDeliveryTests
{
    [Fact]
    public async Task A_destination_is_sent_no_more_than_its_rate_and_the_rest_waits_in_the_store()
    {
        await using var rig = await EngineRig.StartAsync(delivery: options => Limited(options, "a.example", "60/min"));
        var started = rig.Time.GetUtcNow();
        var mails = new ConcurrentQueue<DateTimeOffset>();
        rig.Peer.OnMail = _ =>
        {
            mails.Enqueue(rig.Time.GetUtcNow());
            return "250 ok";
        };

        var ids = await rig.SubmitManyAsync(Sender.Tenant, Enumerable.Range(0, 100).Select(i => new[] { $"u{i}@a.example" }));
        var free = await rig.SubmitAsync("ada@b.example");
        await rig.UntilStatusAsync(free, MessageStatus.Delivered);
        await rig.Watch.UntilAsync(() => rig.Store.Settled == 2, "one of a.example's has gone, for that is its budget at first");
        await rig.UntilNothingIsLeasedAsync();
        var view = rig.Engine.Destinations.Single(one => one.Binds != BindingLimit.None);
        var waiting = ids.Count(rig.Store.IsWaiting);
        await rig.PassTimeUntilAsync(() => rig.Store.Settled == 101, "all are delivered", TimeSpan.FromMilliseconds(100));

        Assert.Equal((BindingLimit.Rate, "60/min", 99), (view.Binds, view.Reason, waiting));
        Assert.Equal(["a.example"], view.Domains);
        Assert.NotNull(view.Until);
        foreach (var (at, index) in mails.Skip(1).Order().Select((at, index) => (at, index)))
            Assert.True(index + 1 <= 7 + (at - started).TotalSeconds, $"{index + 1} after {at - started}");
        Assert.True(rig.Time.GetUtcNow() - started >= TimeSpan.FromSeconds(93));
    }

    [Fact]
    public async Task Each_recipient_is_a_transaction_of_the_rate()
    {
        await using var rig = await EngineRig.StartAsync(delivery: options => Limited(options, "a.example", "1/min"));
        var started = rig.Time.GetUtcNow();

        var id = await rig.SubmitAsync("a@a.example", "b@a.example", "c@a.example", "d@other.example");
        await rig.UntilWaitingAsync(id);
        var (first, retries) = (rig.Peer.Taken.Count, rig.Store.RetryCountOf(id));
        await rig.PassTimeUntilAsync(() => rig.Store.StatusOf(id) == MessageStatus.Delivered, "all recipients are delivered");

        Assert.Equal((2, 0), (first, retries));       // one there, one elsewhere, and no attempt counted
        Assert.Equal((4, 0), (rig.Peer.Taken.Count, rig.Store.RetryCountOf(id)));
        Assert.True(rig.Time.GetUtcNow() - started >= TimeSpan.FromMinutes(2));
    }

    [Theory]
    [InlineData(1, 8)]
    [InlineData(3, 2)]
    [InlineData(50, 1)]
    public async Task Connections_are_shared_by_the_nodes_and_one_is_always_there(int nodes, int expected)
    {
        await using var rig = await EngineRig.StartAsync(
            delivery: options => options with { Concurrency = 8, InitialConcurrency = 8 }, nodes: () => nodes);
        var slow = new TaskCompletionSource<string?>();
        rig.Peer.OnDot = _ => slow.Task;

        await rig.SubmitManyAsync(Sender.Tenant, Enumerable.Range(0, 30).Select(i => new[] { $"u{i}@a.example" }));
        await rig.Watch.UntilAsync(() => rig.Peer.Seen.Count == expected, "all connections are busy");
        var view = Assert.Single(rig.Engine.Destinations);
        slow.SetResult("250 ok");
        await rig.Watch.UntilAsync(() => rig.Store.Settled == 30, "all are delivered");

        Assert.Equal((BindingLimit.Concurrency, $"{expected} of {expected} connections"), (view.Binds, view.Reason));
        Assert.Equal(expected, rig.Peer.MostOpenTo("a.example"));
    }

    [Fact]
    public async Task One_that_goes_on_asking_for_less_is_left_alone_for_all_tenants()
    {
        await using var rig = await EngineRig.StartAsync(delivery: options => options with { InitialConcurrency = 1 });
        rig.Peer.OnRcpt = _ => "451 4.7.1 slow down";
        var first = await rig.SubmitAsync("a@busy.example");
        await rig.UntilWaitingAsync(first);
        rig.Time.Advance(TimeSpan.FromSeconds(2));
        var second = await rig.SubmitAsync("b@busy.example");
        await rig.UntilWaitingAsync(second);

        var others = await rig.SubmitAsync(Sender.Other, "c@busy.example");
        await rig.PassTimeUntilAsync(() => rig.Engine.Leased == 0, "nothing is leased", TimeSpan.FromMilliseconds(10));

        Assert.Equal(BindingLimit.BackOff, Assert.Single(rig.Engine.Destinations).Binds);
        Assert.True(rig.Store.IsWaiting(others));
        Assert.Empty(rig.Store.EventsOf(others));
        rig.Peer.OnRcpt = _ => "250 ok";
        await rig.PassTimeUntilAsync(() => rig.Store.Settled == 3, "all are delivered");
    }

    [Fact]
    public async Task One_that_is_silent_from_the_start_is_left_alone()
    {
        await using var rig = await EngineRig.StartAsync(timeouts: new SmtpTimeouts { Greeting = TimeSpan.FromMilliseconds(50) });
        rig.Peer.OnConnect = _ => "";

        var id = await rig.SubmitAsync("a@silent.example");
        await rig.UntilWaitingAsync(id);

        var view = Assert.Single(rig.Engine.Destinations);
        Assert.Equal((BindingLimit.BackOff, rig.Time.GetUtcNow().AddSeconds(30)), (view.Binds, view.Until));
    }

    [Fact]
    public async Task One_that_falls_silent_again_and_again_is_left_alone()
    {
        await using var rig = await EngineRig.StartAsync(
            delivery: options => options with { InitialConcurrency = 1 },
            timeouts: new SmtpTimeouts { EndOfData = TimeSpan.FromMilliseconds(50) });
        rig.Peer.OnDot = _ => Task.FromResult<string?>(null);

        var first = await rig.SubmitAsync("a@silent.example");
        await rig.UntilWaitingAsync(first);
        var slowed = Assert.Single(rig.Engine.Destinations);
        rig.Time.Advance(TimeSpan.FromSeconds(2));
        await rig.UntilWaitingAsync(await rig.SubmitAsync("b@silent.example"));

        Assert.Equal(BindingLimit.None, slowed.Binds);
        Assert.Equal(BindingLimit.BackOff, Assert.Single(rig.Engine.Destinations).Binds);
    }

    [Fact]
    public async Task A_connection_is_closed_after_as_many_messages_as_its_destination_takes()
    {
        await using var rig = await EngineRig.StartAsync(delivery: options => options with
        {
            InitialConcurrency = 1,
            Destinations =
            [
                new(RuleScope.MxHost, "a.example", new DestinationLimits { MessagesPerConnection = 5, Connections = 1 }),
            ],
        });

        await rig.SubmitManyAsync(Sender.Tenant, Enumerable.Range(0, 20).Select(i => new[] { $"u{i}@a.example" }));
        await rig.Watch.UntilAsync(() => rig.Store.Settled == 20, "all are delivered");

        Assert.Equal((4, 1), (rig.Peer.ConnectsTo("a.example"), rig.Peer.MostOpenTo("a.example")));
    }

    static DeliveryOptions Limited(DeliveryOptions options, string domain, string rate) => options with
    {
        Destinations =
        [
            new(RuleScope.Domain, domain, new DestinationLimits { Rates = MessageRate.TryParse(rate, out var parsed) ? [parsed] : null }),
        ],
    };
}
