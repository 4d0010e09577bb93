using System.Collections.Concurrent;
using Postrider.Engine.Delivery;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Engine.Tests.Rig;

namespace Postrider.Engine.Tests;

/// <summary>A store that fails, a world that fails, and a node that stops meanwhile.</summary>
public sealed class MailEngineFaultTests
{
    [Theory]
    [InlineData("claim")]
    [InlineData("rendered")]
    [InlineData("sending")]
    [InlineData("settle")]
    [InlineData("read")]
    [InlineData("backlogs")]
    [InlineData("release")]
    public async Task A_store_that_fails_and_recovers_loses_nothing(string operation)
    {
        foreach (var fault in new[] { Fault.Before, Fault.After })
        {
            await using var rig = await EngineRig.StartAsync();
            var left = 3;
            rig.Store.FaultAt = name => name == operation && Interlocked.Decrement(ref left) >= 0 ? fault : Fault.None;

            var ids = await rig.SubmitManyAsync(Sender.Tenant, Enumerable.Range(0, 20).Select(i => new[] { $"u{i}@d{i % 4}.example" }));
            await rig.PassTimeUntilAsync(
                () => rig.Store.Settled == ids.Count && left <= 0, $"all are delivered, though {operation} failed ({fault})");

            Assert.All(ids, id => Assert.Equal(MessageStatus.Delivered, rig.Store.StatusOf(id)));
            Assert.Equal(ids.Count, rig.Peer.Taken.Count);
            Assert.Equal(ids.Count, rig.Peer.Taken.Select(one => one.To).Distinct().Count());
            await rig.PassTimeUntilAsync(() => rig.Engine.Leased == 0 && rig.Store.LeasedRows == 0, "nothing is leased");
        }
    }

    [Fact]
    public async Task Messages_that_a_failed_claim_leased_unknown_to_us_are_taken_back_while_others_are_under_way()
    {
        await using var rig = await EngineRig.StartAsync();
        var slow = new TaskCompletionSource<string?>();
        rig.Peer.OnDot = incoming => incoming.Domain == "slow.example" ? slow.Task : Task.FromResult<string?>("250 ok");
        await rig.SubmitAsync("a@slow.example");
        await rig.Watch.UntilAsync(() => rig.Peer.Seen.Count == 1, "one is under way");

        var left = 1;
        rig.Store.FaultAt = name => name == "claim" && Interlocked.Decrement(ref left) == 0 ? Fault.After : Fault.None;
        var id = await rig.SubmitAsync("b@b.example");
        await rig.Watch.UntilAsync(() => left <= 0, "the claim has failed");
        slow.SetResult("250 ok");
        // A stream of mail keeps the node from ever having nothing leased.
        await rig.PassTimeUntilAsync(() => rig.Store.StatusOf(id) == MessageStatus.Delivered, "it is taken back and delivered");
    }

    [Fact]
    public async Task Our_own_leases_are_not_taken_back_when_the_store_was_away_for_long()
    {
        await using var rig = await EngineRig.StartAsync();
        var slow = new TaskCompletionSource<string?>();
        rig.Peer.OnDot = _ => slow.Task;
        var id = await rig.SubmitAsync("a@slow.example");
        await rig.Watch.UntilAsync(() => rig.Peer.Seen.Count == 1, "it is under way");

        rig.Store.FaultAt = name => name is "renew" or "release" ? Fault.Before : Fault.None;
        for (var i = 0; i < 30; i++)
            rig.Time.Advance(TimeSpan.FromSeconds(5));
        rig.Store.FaultAt = _ => Fault.None;
        rig.Store.Calls.Clear();
        await rig.PassTimeUntilAsync(
            () => rig.Store.Calls.GetValueOrDefault("release") > 1, "leases that ended are looked for", TimeSpan.FromSeconds(5));
        slow.SetResult("250 ok");
        await rig.UntilStatusAsync(id, MessageStatus.Delivered);

        Assert.Single(rig.Peer.Seen);
    }

    [Fact]
    public async Task Leases_of_other_nodes_are_spared_until_these_had_time_to_renew_them_after_the_store_was_away()
    {
        await using var rig = new EngineRig(new QueueOptions(), othersAreDead: false);
        var id = await rig.SubmitAsync("ada@a.example");
        var other = new NodeId(rig.Ids.Next());
        var now = rig.Time.GetUtcNow();
        await rig.Store.ClaimAsync(
            new Claim(new BacklogKey(Sender.Tenant, "a.example"), now, 1, other, now.AddSeconds(45)), CancellationToken.None);
        await rig.Engine.StartAsync(CancellationToken.None);
        await rig.PassTimeUntilAsync(() => rig.Store.Calls.GetValueOrDefault("release") > 0, "leases that ended are looked for");

        var failed = 0;
        rig.Store.FaultAt = name => name is "release" or "backlogs" && Interlocked.Increment(ref failed) > 0 ? Fault.Before : Fault.None;
        await rig.PassTimeUntilAsync(
            () => failed > 3 && rig.Time.GetUtcNow() > now.AddMinutes(2), "the store is away for longer than a lease");
        rig.Store.FaultAt = _ => Fault.None;
        rig.Store.Calls.Clear();
        var back = rig.Time.GetUtcNow();
        await rig.PassTimeUntilAsync(
            () => rig.Time.GetUtcNow() >= back.AddSeconds(14), "the other is about to renew", TimeSpan.FromSeconds(1));
        Assert.Equal(0, rig.Store.Calls.GetValueOrDefault("release"));
        await rig.Store.RenewAsync(other, rig.Time.GetUtcNow().AddSeconds(45), CancellationToken.None);
        await rig.PassTimeUntilAsync(
            () => rig.Store.Calls.GetValueOrDefault("release") > 0, "leases that ended are looked for again", TimeSpan.FromSeconds(1));
        Assert.Empty(rig.Store.EventsOf(id));
        await rig.PassTimeUntilAsync(() => rig.Store.StatusOf(id) == MessageStatus.Delivered, "the other has died, and it is taken over");

        Assert.Single(rig.Peer.Taken);
    }

    [Fact]
    public async Task A_stop_finishes_what_is_being_sent_and_gives_back_the_rest()
    {
        var rig = await EngineRig.StartAsync();
        var slow = new TaskCompletionSource<string?>();
        rig.Peer.OnDot = _ => slow.Task;
        var ids = await rig.SubmitManyAsync(Sender.Tenant, Enumerable.Range(0, 100).Select(i => new[] { $"u{i}@slow.example" }));
        await rig.Watch.UntilAsync(() => rig.Peer.Seen.Count == 5, "five connections have each a message under way");

        var stopping = rig.StopAsync();
        await rig.Watch.UntilAsync(
            () => ids.Count(id => rig.Store.IsWaiting(id)) == 95, "the rest is given back while these are under way");
        slow.SetResult("250 ok");
        await stopping;

        Assert.Equal(5, ids.Count(id => rig.Store.StatusOf(id) == MessageStatus.Delivered));
        Assert.Equal(95, ids.Count(id => rig.Store.StatusOf(id) == MessageStatus.Queued && rig.Store.IsWaiting(id)));
        Assert.Equal(5, rig.Peer.Taken.Count);
        Assert.Equal((0, 0), (rig.Engine.Leased, rig.Store.LeasedRows));
        await rig.DisposeAsync();
    }

    [Fact]
    public async Task A_stop_while_the_store_fails_still_waits_for_what_is_being_sent()
    {
        var rig = await EngineRig.StartAsync();
        var slow = new TaskCompletionSource<string?>();
        rig.Peer.OnDot = _ => slow.Task;
        var id = await rig.SubmitAsync("a@slow.example");
        await rig.Watch.UntilAsync(() => rig.Peer.Seen.Count == 1, "it is under way");
        var claiming = new TaskCompletionSource();
        var failing = new TaskCompletionSource();
        rig.Store.Gate = (operation, _) =>
        {
            if (operation != "claim")
                return Task.CompletedTask;
            claiming.TrySetResult();
            return failing.Task;
        };
        await rig.SubmitAsync("b@b.example");
        await claiming.Task.WaitAsync(TimeSpan.FromSeconds(20), TimeProvider.System);

        var stopping = rig.StopAsync();
        failing.SetException(new StoreUnavailableException("claim"));
        await Watch.PollAsync(() => rig.Engine.Leased == 1, "the claim has failed");
        Assert.False(stopping.IsCompleted);
        slow.SetResult("250 ok");
        await stopping;

        Assert.Equal(MessageStatus.Delivered, rig.Store.StatusOf(id));
        await rig.DisposeAsync();
    }

    [Fact]
    public async Task Ten_thousand_messages_survive_a_store_and_a_world_that_fail_at_random()
    {
        const int Messages = 10_000;
        await using var rig = await EngineRig.StartAsync(
            new QueueOptions { Lease = EngineRig.Lease },
            options => options with { Retry = new RetryOptions { Delays = [TimeSpan.FromSeconds(30)] } });
        var random = new Random(20260302);
        var takenInSilence = new ConcurrentBag<string>();
        rig.Peer.OnConnect = _ => Draw() switch { < 0.03 => null, < 0.04 => "421 busy", < 0.05 => "451 later", _ => "220 ready" };
        rig.Peer.OnMail = _ => Draw() < 0.003 ? "421 4.7.0 busy" : "250 ok";
        rig.Peer.OnRcpt =
            _ => Draw() switch { < 0.02 => "450 4.2.0 later", < 0.03 => "451 4.7.1 slower", < 0.04 => "550 5.1.1 nobody", _ => "250 ok" };
        rig.Peer.OnDot = incoming =>
        {
            var drawn = Draw();
            if (drawn is >= 0.01 and < 0.015)
                takenInSilence.Add(incoming.To);
            return Task.FromResult<string?>(drawn switch { < 0.01 => "451 4.3.0 later", < 0.02 => "", _ => "250 ok" });
        };

        var ids = new List<MessageId>();
        rig.Store.FaultAt = name => name == "accept"
            ? Fault.None : Draw() switch { < 0.004 => Fault.Before, < 0.008 => Fault.After, _ => Fault.None };
        for (var page = 0; page < Messages; page += 500)
            ids.AddRange(
                await rig.SubmitManyAsync(Sender.Tenant, Enumerable.Range(page, 500).Select(i => new[] { $"u{i}@d{i % 50}.example" })));
        await rig.PassTimeUntilAsync(() => rig.Store.Settled >= Messages, "all are settled", failSafe: TimeSpan.FromMinutes(1));
        await rig.PassTimeUntilAsync(() => rig.Engine.Leased == 0 && rig.Store.LeasedRows == 0, "nothing is leased");

        Assert.Equal(Messages, rig.Store.Settled);
        var accepted = rig.Peer.Taken.Select(one => one.To).Concat(takenInSilence).CountBy(to => to).ToDictionary(
            count => count.Key, count => count.Value);
        for (var i = 0; i < Messages; i++)
        {
            var events = rig.Store.EventsOf(ids[i]);
            var uncertain = events.Count(one => one.Data?.Uncertain == true);
            var times = accepted.GetValueOrDefault($"u{i}@d{i % 50}.example");
            Assert.InRange(times, rig.Store.StatusOf(ids[i]) == MessageStatus.Delivered ? 1 : 0, 1 + uncertain);
            Assert.Single(events, one => one.Type is EventType.Delivered or EventType.Bounce);
        }

        double Draw()
        {
            lock (random) return random.NextDouble();
        }
    }
}
