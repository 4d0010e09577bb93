using Postrider.Engine.Delivery.Shaping;
using Postrider.Engine.Messages;
using Postrider.Engine.Tests.Rig;

namespace Postrider.Engine.Tests;

/// <summary>Destinations that are left alone, that are slow, and that share a node.</summary>
public sealed class MailEngineDestinationTests
{
    [Fact]
    public async Task A_destination_that_refuses_connections_is_left_alone_and_others_are_not()
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Peer.OnConnect = domain => domain == "dead.example" ? null : "220 ready";

        var dead = await rig.SubmitManyAsync(Sender.Tenant, Enumerable.Range(0, 300).Select(i => new[] { $"u{i}@dead.example" }));
        var alive = await rig.SubmitAsync("ada@alive.example");
        await rig.UntilStatusAsync(alive, MessageStatus.Delivered);
        await rig.UntilNothingIsLeasedAsync();

        Assert.True(rig.Peer.ConnectsTo("dead.example") <= 5, $"{rig.Peer.ConnectsTo("dead.example")} connections were tried");
        var counted = dead.Count(id => rig.Store.RetryCountOf(id) > 0);
        Assert.InRange(counted, 1, 5);
        Assert.All(dead, id => Assert.True(rig.Store.IsWaiting(id)));
        Assert.Equal(counted, dead.Sum(id => rig.Store.EventsOf(id).Length));
    }

    [Fact]
    public async Task A_destination_left_alone_is_tried_by_one_connection_at_a_time()
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Peer.OnConnect = _ => null;
        var ids = await rig.SubmitManyAsync(Sender.Tenant, Enumerable.Range(0, 50).Select(i => new[] { $"u{i}@dead.example" }));
        await rig.Watch.UntilAsync(() => rig.Peer.ConnectsTo("dead.example") > 0, "it is tried");
        await rig.UntilNothingIsLeasedAsync();
        var connectsBefore = rig.Peer.ConnectsTo("dead.example");
        var countedBefore = ids.Sum(id => rig.Store.RetryCountOf(id));

        await rig.PassTimeUntilAsync(() => rig.Peer.ConnectsTo("dead.example") > connectsBefore, "it is tried again");
        await rig.UntilNothingIsLeasedAsync();
        Assert.Equal(connectsBefore + 1, rig.Peer.ConnectsTo("dead.example"));
        Assert.Equal(countedBefore + 1, ids.Sum(id => rig.Store.RetryCountOf(id)));

        rig.Peer.OnConnect = _ => "220 ready";
        await rig.PassTimeUntilAsync(() => rig.Store.Settled == ids.Count, "all are delivered", TimeSpan.FromSeconds(5));
        Assert.Equal(ids.Count, rig.Peer.Taken.Count);
    }

    [Fact]
    public async Task A_destination_that_is_back_and_says_no_is_no_longer_tried_one_by_one()
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Peer.OnConnect = _ => null;
        var ids = await rig.SubmitManyAsync(Sender.Tenant, Enumerable.Range(0, 50).Select(i => new[] { $"u{i}@back.example" }));
        await rig.Watch.UntilAsync(() => rig.Peer.ConnectsTo("back.example") > 0, "it is tried");
        await rig.UntilNothingIsLeasedAsync();

        rig.Peer.OnConnect = _ => "220 ready";
        rig.Peer.OnRcpt = _ => "550 5.1.1 no such user";
        await rig.PassTimeUntilAsync(() => rig.Store.Settled == ids.Count, "all have bounced");

        Assert.All(ids, id => Assert.Equal(MessageStatus.Bounced, rig.Store.StatusOf(id)));
    }

    [Fact]
    public async Task A_421_leaves_the_destination_alone()
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Peer.OnMail = _ => "421 4.7.0 too much of you";

        var id = await rig.SubmitAsync("ada@busy.example");
        await rig.UntilWaitingAsync(id);
        await rig.UntilNothingIsLeasedAsync();

        var destination = Assert.Single(rig.Engine.Destinations);
        Assert.Equal((BindingLimit.BackOff, rig.Time.GetUtcNow().AddSeconds(30)), (destination.Binds, destination.Until));
        Assert.Equal(("421 4.7.0 too much of you", "421 4.7.0 too much of you"), (destination.Reason, destination.LastReply));
        Assert.Equal(EventType.Deferred, Assert.Single(rig.Store.EventsOf(id)).Type);
    }

    [Fact]
    public async Task One_message_of_a_tenant_does_not_wait_behind_the_thousands_of_another()
    {
        await using var rig = await EngineRig.StartAsync();
        var release = new SemaphoreSlim(0);
        rig.Peer.OnDot = async _ =>
        {
            await release.WaitAsync();
            return "250 ok";
        };
        await rig.SubmitManyAsync(Sender.Tenant, Enumerable.Range(0, 5_000).Select(i => new[] { $"u{i}@big.example" }));
        await rig.Watch.UntilAsync(() => rig.Peer.Seen.Count >= 5, "the first are under way");
        release.Release(300);
        await rig.Watch.UntilAsync(() => rig.Peer.Taken.Count == 300, "some are delivered");

        var id = await rig.SubmitAsync(Sender.Other, "one@big.example");
        await rig.Watch.UntilAsync(() => rig.Store.Claimed > 0 && !rig.Store.IsWaiting(id), "it is claimed");
        release.Release(6_000);
        await rig.UntilStatusAsync(id, MessageStatus.Delivered);
        var behind = rig.Peer.Taken.TakeWhile(one => one.To != "one@big.example").Count() - 300;

        Assert.InRange(behind, 0, 250);
    }

    [Fact]
    public async Task Slow_destinations_leave_room_for_others()
    {
        await using var rig = await EngineRig.StartAsync();
        var slow = new TaskCompletionSource<string?>();
        rig.Peer.OnDot = incoming => incoming.Domain.StartsWith("slow", StringComparison.Ordinal)
            ? slow.Task : Task.FromResult<string?>("250 ok");
        await rig.SubmitManyAsync(Sender.Tenant, Enumerable.Range(0, 4_000).Select(i => new[] { $"u{i}@slow{i % 8}.example" }));
        await rig.Watch.UntilAsync(() => rig.Peer.Seen.Count == 40, "eight destinations are stuck");

        var id = await rig.SubmitAsync(Sender.Other, "a@quick.example");
        await rig.UntilStatusAsync(id, MessageStatus.Delivered);

        slow.SetResult("250 ok");
        await rig.Watch.UntilAsync(() => rig.Store.Settled == 4_001, "all are delivered");
        await rig.UntilNothingIsLeasedAsync();
    }

    [Fact]
    public async Task A_second_message_does_not_wait_for_a_slow_first_one_when_one_connection_was_idle()
    {
        await using var rig = await EngineRig.StartAsync();
        var first = await rig.SubmitAsync("a@a.example");
        await rig.UntilStatusAsync(first, MessageStatus.Delivered);
        var slow = new TaskCompletionSource<string?>();
        rig.Peer.OnDot = incoming => incoming.To.StartsWith("slow", StringComparison.Ordinal)
            ? slow.Task : Task.FromResult<string?>("250 ok");

        var ids = await rig.SubmitManyAsync(Sender.Tenant, [["slow@a.example"], ["quick@a.example"]]);
        await rig.UntilStatusAsync(ids[1], MessageStatus.Delivered);

        slow.SetResult("250 ok");
        await rig.UntilStatusAsync(ids[0], MessageStatus.Delivered);
    }
}
