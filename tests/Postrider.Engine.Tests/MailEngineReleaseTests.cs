using System.Globalization;
using Postrider.Engine.Delivery;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Engine.Tests.Rig;

namespace Postrider.Engine.Tests;

/// <summary>When messages are released, and when they are given up.</summary>
public sealed class MailEngineReleaseTests
{
    [Fact]
    public async Task A_scheduled_message_goes_out_the_moment_it_is_due_and_not_before_whatever_else_waits()
    {
        await using var rig = await EngineRig.StartAsync();
        var now = rig.Time.GetUtcNow();
        var tomorrow = Enumerable.Range(0, 2_000).Select(i => (string[])[$"r{i}@a.example"]);
        var others = await rig.SubmitManyAsync(Sender.Tenant, tomorrow, sendAt: now.AddDays(1));
        var elsewhere = Enumerable.Range(0, 2_000).Select(i => (string[])[$"ada@d{i}.example"]);
        await rig.SubmitManyAsync(Sender.Tenant, elsewhere, sendAt: now.AddDays(1));
        var due = (await rig.SubmitManyAsync(Sender.Tenant, [["ada@a.example"]], sendAt: now.AddSeconds(20)))[0];

        rig.Time.Advance(TimeSpan.FromSeconds(20) - TimeSpan.FromMilliseconds(1));
        var marker = await rig.SubmitAsync("now@b.example");
        await rig.UntilStatusAsync(marker, MessageStatus.Delivered);
        Assert.Equal(MessageStatus.Queued, rig.Store.StatusOf(due));
        rig.Time.Advance(TimeSpan.FromMilliseconds(1));

        await rig.UntilStatusAsync(due, MessageStatus.Delivered);
        Assert.Equal(now.AddSeconds(20), rig.Store.SentAtOf(due));
        Assert.Equal(2, rig.Store.Claimed);
        Assert.All(others, id => Assert.Equal(MessageStatus.Queued, rig.Store.StatusOf(id)));
    }

    [Fact]
    public async Task What_came_due_while_the_node_was_down_is_released_oldest_first_and_never_more_than_it_may_hold()
    {
        const int Messages = 5_000;
        const int Held = 100;
        await using var rig = new EngineRig(new QueueOptions { MaxLeased = Held, ClaimPage = 50, Lease = EngineRig.Lease });
        var now = rig.Time.GetUtcNow();
        // Accepted in any order: 7,919 is prime to 5,000.
        for (var i = 0; i < Messages; i++)
        {
            var place = i * 7_919 % Messages;
            await rig.SubmitManyAsync(Sender.Tenant, [[$"r{place}@a.example"]], sendAt: now.AddSeconds(1 + place));
        }
        var most = 0;
        rig.Store.Gate = (_, _) =>
        {
            InterlockedMax(ref most, rig.Store.LeasedRows);
            return Task.CompletedTask;
        };
        rig.Time.Advance(TimeSpan.FromHours(2));

        await rig.Engine.StartAsync(CancellationToken.None);
        await rig.Watch.UntilAsync(() => rig.Store.Settled == Messages, "all are delivered");

        Assert.InRange(most, 1, Held);
        var places = rig.Peer.Taken.Select(mail => int.Parse(mail.To[1..mail.To.IndexOf('@')], CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(Messages, places.Distinct().Count());
        // Those that are held may overtake each other; nobody goes out before those that were due before it are at least held.
        Assert.All(places.Select((place, turn) => place - turn), early => Assert.True(early < Held, $"{early} too early"));
    }

    static void InterlockedMax(ref int most, int value)
    {
        for (var seen = Volatile.Read(ref most); value > seen; seen = Volatile.Read(ref most))
            Interlocked.CompareExchange(ref most, value, seen);
    }

    [Fact]
    public async Task What_a_dead_process_had_leased_is_delivered()
    {
        await using var rig = new EngineRig();
        var id = await rig.SubmitAsync("ada@a.example");
        var now = rig.Time.GetUtcNow();
        await rig.Store.ClaimAsync(
            new Claim(new BacklogKey(Sender.Tenant, "a.example"), now, 1, new NodeId(rig.Ids.Next()), now.AddHours(1)),
            CancellationToken.None);

        await rig.Engine.StartAsync(CancellationToken.None);

        await rig.UntilStatusAsync(id, MessageStatus.Delivered);
    }

    [Fact]
    public async Task A_message_is_given_up_when_its_lifetime_is_over()
    {
        await using var rig = await EngineRig.StartAsync(delivery: Short);
        rig.Peer.OnRcpt = _ => "450 4.2.2 mailbox full";

        var id = await rig.SubmitAsync("ada@a.example");
        await rig.PassTimeUntilAsync(() => rig.Store.StatusOf(id) == MessageStatus.Bounced, "it bounces");

        var events = rig.Store.EventsOf(id);
        Assert.All(events[..^1], one => Assert.Equal(EventType.Deferred, one.Type));
        Assert.Equal((EventType.Bounce, "soft", null), (events[^1].Type, events[^1].Data!.BounceType, events[^1].Data!.NextRetryAt));
        Assert.InRange(events.Length, 3, 8);
    }

    [Fact]
    public async Task A_message_throttled_to_the_end_has_failed()
    {
        await using var rig = await EngineRig.StartAsync(delivery: Short);
        rig.Peer.OnRcpt = _ => "451 4.7.1 slow down";

        var id = await rig.SubmitAsync("ada@a.example");
        await rig.PassTimeUntilAsync(() => rig.Store.StatusOf(id) == MessageStatus.Failed, "it fails");

        Assert.Equal("451 4.7.1 slow down", rig.Store.ErrorOf(id));
        Assert.Equal([RecipientState.Failed], rig.Store.StatesOf(id));
    }

    [Theory]
    [InlineData("421 4.7.0 too much", MessageStatus.Failed)]
    [InlineData("450 4.2.2 mailbox full", MessageStatus.Bounced)]
    public async Task A_message_whose_destination_is_left_alone_past_its_lifetime_ends_as_its_last_reply_says(
        string reply, MessageStatus status)
    {
        await using var rig = await EngineRig.StartAsync(
            new QueueOptions { Lease = EngineRig.Lease, ExpiryInterval = TimeSpan.FromMinutes(6) },
            options => options with
            {
                Retry = new RetryOptions { Jitter = 0, Delays = [TimeSpan.FromHours(9)], Lifetime = TimeSpan.FromMinutes(5) },
            });
        rig.Peer.OnRcpt = _ => reply;
        var id = await rig.SubmitAsync("ada@a.example");
        await rig.UntilWaitingAsync(id);
        rig.Peer.OnConnect = _ => null;
        var held = new TaskCompletionSource();
        rig.Store.Gate = (operation, _) => operation == "claim" ? held.Task : Task.CompletedTask;

        await rig.PassTimeUntilAsync(() => rig.Store.StatusOf(id) == status, $"it is {status}");

        Assert.Equal(reply, rig.Store.ErrorOf(id));
        held.SetResult();
    }

    static DeliveryOptions Short(DeliveryOptions options) => options with
    {
        Retry = new RetryOptions { Jitter = 0, Delays = [TimeSpan.FromMinutes(1)], Lifetime = TimeSpan.FromMinutes(3) },
    };
}
