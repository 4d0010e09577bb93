using System.Collections.Concurrent;
using System.Globalization;
using Postrider.Engine.Control;
using Postrider.Engine.Delivery;
using Postrider.Engine.Delivery.Shaping;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Engine.Tests.Rig;
using Postrider.Mail.Dns;
using Postrider.Mail.Smtp.Client;

namespace Postrider.Engine.Tests;

/// <summary>The whole path of a message, in process.</summary>
public sealed class MailEngineTests
{
    [Fact]
    public async Task A_message_is_delivered()
    {
        await using var rig = await EngineRig.StartAsync();

        var id = await rig.SubmitAsync("ada@a.example");
        await rig.UntilStatusAsync(id, MessageStatus.Delivered);

        var taken = Assert.Single(rig.Peer.Taken);
        Assert.Equal("ada@a.example", taken.To);
        Assert.StartsWith("DKIM-Signature:", taken.Content, StringComparison.Ordinal);
        Assert.Contains($"Message-ID: <{id}@sender.example>", taken.Content, StringComparison.Ordinal);
        Assert.True(rig.ReturnPaths.TryRead(Sender.Named(taken.From).Mailbox, out var named, out var recipient));
        Assert.Equal((id, 0), (named, recipient));
        var delivered = Assert.Single(rig.Store.EventsOf(id));
        Assert.Equal(EventType.Delivered, delivered.Type);
        Assert.Equal("250 2.0.0 queued", delivered.Data!.SmtpResponse);
        Assert.Equal(rig.Time.GetUtcNow(), rig.Store.SentAtOf(id));
        await rig.UntilNothingIsLeasedAsync();
    }

    [Fact]
    public async Task What_waited_before_the_start_is_delivered()
    {
        await using var rig = new EngineRig();
        var id = await rig.SubmitAsync("ada@a.example");

        await rig.Engine.StartAsync(CancellationToken.None);

        await rig.UntilStatusAsync(id, MessageStatus.Delivered);
    }

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
            new Claim(new BacklogKey(Sender.Tenant, "a.example"), now, 1, new NodeId(rig.Ids.Next()), now.AddHours(1)), CancellationToken.None);

        await rig.Engine.StartAsync(CancellationToken.None);

        await rig.UntilStatusAsync(id, MessageStatus.Delivered);
    }

    [Fact]
    public async Task A_message_refused_for_now_is_sent_again_unchanged()
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Peer.OnDot = _ => Task.FromResult<string?>("451 4.3.0 try later");
        var started = rig.Time.GetUtcNow();

        var id = await rig.SubmitAsync("ada@a.example");
        await rig.UntilWaitingAsync(id);

        var deferred = Assert.Single(rig.Store.EventsOf(id));
        Assert.Equal((EventType.Deferred, started.AddMinutes(1), 1), (deferred.Type, deferred.Data!.NextRetryAt, deferred.Data.Attempt));
        Assert.Equal((MessageStatus.Queued, 1, started.AddMinutes(1)), (rig.Store.StatusOf(id), rig.Store.RetryCountOf(id), rig.Store.DueAtOf(id)));

        rig.Peer.OnDot = _ => Task.FromResult<string?>("250 ok");
        await rig.PassTimeUntilAsync(() => rig.Store.StatusOf(id) == MessageStatus.Delivered, "delivered at the second attempt");

        Assert.True(rig.Time.GetUtcNow() >= started.AddMinutes(1));
        var seen = rig.Peer.Seen.Select(one => WithoutSignature(one.Content)).ToArray();
        Assert.Equal(2, seen.Length);
        Assert.Equal(seen[0], seen[1]);
        Assert.Equal(1, rig.Store.RetryCountOf(id));
    }

    [Fact]
    public async Task A_message_refused_for_good_bounces()
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Peer.OnRcpt = _ => "550 5.1.1 no such user";

        var id = await rig.SubmitAsync("ada@a.example");
        await rig.UntilStatusAsync(id, MessageStatus.Bounced);

        var bounce = Assert.Single(rig.Store.EventsOf(id));
        Assert.Equal((EventType.Bounce, "hard", "5.1.1"), (bounce.Type, bounce.Data!.BounceType, bounce.Data.Status));
        Assert.Equal("550 5.1.1 no such user", rig.Store.ErrorOf(id));
        await rig.UntilNothingIsLeasedAsync();
    }

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
    public async Task Silence_after_the_final_dot_is_deferred_as_uncertain()
    {
        await using var rig = await EngineRig.StartAsync(timeouts: new SmtpTimeouts { EndOfData = TimeSpan.FromMilliseconds(50) });
        rig.Peer.OnDot = _ => Task.FromResult<string?>(null);

        var id = await rig.SubmitAsync("ada@a.example");
        await rig.UntilWaitingAsync(id);

        var deferred = Assert.Single(rig.Store.EventsOf(id));
        Assert.Equal((EventType.Deferred, true, "4.4.2"), (deferred.Type, deferred.Data!.Uncertain, deferred.Data.Status));
    }

    [Fact]
    public async Task Recipients_at_several_domains_end_each_in_their_own_way()
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Peer.OnRcpt = to => to.EndsWith("bad.example", StringComparison.Ordinal) ? "550 5.1.1 no"
            : to.EndsWith("later.example", StringComparison.Ordinal) ? "450 4.2.0 later" : "250 ok";

        var id = await rig.SubmitAsync("a@good.example", "b@bad.example", "c@later.example");
        await rig.UntilWaitingAsync(id);

        Assert.Equal(MessageStatus.Sent, rig.Store.StatusOf(id));
        Assert.Equal([RecipientState.Delivered, RecipientState.Bounced, RecipientState.Open], rig.Store.StatesOf(id));
        var sentAt = rig.Store.SentAtOf(id);

        rig.Peer.OnRcpt = _ => "250 ok";
        await rig.PassTimeUntilAsync(() => rig.Store.StatusOf(id) == MessageStatus.Delivered, "delivered");

        Assert.Equal(["a@good.example", "c@later.example"], rig.Peer.Taken.Select(one => one.To));
        Assert.Equal("1 of 3 recipients bounced", rig.Store.ErrorOf(id));
        Assert.Equal(sentAt, rig.Store.SentAtOf(id));
        await rig.UntilNothingIsLeasedAsync();
    }

    [Fact]
    public async Task Only_the_first_acceptance_sets_the_time_it_was_sent()
    {
        await using var rig = await EngineRig.StartAsync();

        var id = await rig.SubmitAsync("a@a.example", "b@b.example", "c@c.example");
        await rig.UntilStatusAsync(id, MessageStatus.Delivered);

        Assert.Single(rig.Store.Settlements, settlement => settlement.SentAt is not null);
    }

    [Fact]
    public async Task A_recipient_that_fails_late_is_not_tried_again_when_an_earlier_ones_wait_is_over()
    {
        await using var rig = await EngineRig.StartAsync();
        var slow = new TaskCompletionSource<string?>();
        rig.Peer.OnDot = incoming => incoming.Domain == "slow.example" ? slow.Task : Task.FromResult<string?>("450 4.2.0 later");

        var id = await rig.SubmitAsync("a@quick.example", "b@slow.example");
        await rig.Watch.UntilAsync(() => rig.Store.EventsOf(id).Length == 1 && rig.Peer.Seen.Count == 2, "one has failed and one waits for its reply");
        rig.Time.Advance(TimeSpan.FromMinutes(5));
        slow.SetResult("450 4.2.0 later");
        await rig.UntilWaitingAsync(id);

        Assert.Equal(rig.Time.GetUtcNow().AddMinutes(1), rig.Store.DueAtOf(id));
    }

    [Fact]
    public async Task What_is_cancelled_before_it_is_marked_sending_never_reaches_the_wire()
    {
        await using var rig = await EngineRig.StartAsync();
        var marking = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource();
        rig.Store.Gate = (operation, _) =>
        {
            if (operation != "sending")
                return Task.CompletedTask;
            marking.TrySetResult();
            return cancelled.Task;
        };

        var id = await rig.SubmitAsync("ada@a.example", "bob@b.example");
        await marking.Task.WaitAsync(TimeSpan.FromSeconds(20), TimeProvider.System);
        Assert.Equal(new ControlOutcome.Done(MessageStatus.Cancelled), await rig.CancelAsync(id));
        cancelled.SetResult();
        await rig.UntilNothingIsLeasedAsync();

        Assert.Equal(0, rig.Peer.Mails);
        Assert.Equal(MessageStatus.Cancelled, rig.Store.StatusOf(id));
        Assert.Empty(rig.Store.EventsOf(id));
    }

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
            await rig.PassTimeUntilAsync(() => rig.Store.Settled == ids.Count && left <= 0, $"all are delivered, though {operation} failed ({fault})");

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
        await rig.PassTimeUntilAsync(() => rig.Store.Calls.GetValueOrDefault("release") > 1, "leases that ended are looked for", TimeSpan.FromSeconds(5));
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
        await rig.Store.ClaimAsync(new Claim(new BacklogKey(Sender.Tenant, "a.example"), now, 1, other, now.AddSeconds(45)), CancellationToken.None);
        await rig.Engine.StartAsync(CancellationToken.None);
        await rig.PassTimeUntilAsync(() => rig.Store.Calls.GetValueOrDefault("release") > 0, "leases that ended are looked for");

        var failed = 0;
        rig.Store.FaultAt = name => name is "release" or "backlogs" && Interlocked.Increment(ref failed) > 0 ? Fault.Before : Fault.None;
        await rig.PassTimeUntilAsync(() => failed > 3 && rig.Time.GetUtcNow() > now.AddMinutes(2), "the store is away for longer than a lease");
        rig.Store.FaultAt = _ => Fault.None;
        rig.Store.Calls.Clear();
        var back = rig.Time.GetUtcNow();
        await rig.PassTimeUntilAsync(() => rig.Time.GetUtcNow() >= back.AddSeconds(14), "the other is about to renew", TimeSpan.FromSeconds(1));
        Assert.Equal(0, rig.Store.Calls.GetValueOrDefault("release"));
        await rig.Store.RenewAsync(other, rig.Time.GetUtcNow().AddSeconds(45), CancellationToken.None);
        await rig.PassTimeUntilAsync(() => rig.Store.Calls.GetValueOrDefault("release") > 0, "leases that ended are looked for again", TimeSpan.FromSeconds(1));
        Assert.Empty(rig.Store.EventsOf(id));
        await rig.PassTimeUntilAsync(() => rig.Store.StatusOf(id) == MessageStatus.Delivered, "the other has died, and it is taken over");

        Assert.Single(rig.Peer.Taken);
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
    public async Task A_message_whose_destination_is_left_alone_past_its_lifetime_ends_as_its_last_reply_says(string reply, MessageStatus status)
    {
        await using var rig = await EngineRig.StartAsync(
            new QueueOptions { Lease = EngineRig.Lease, ExpiryInterval = TimeSpan.FromMinutes(6) },
            options => options with { Retry = new RetryOptions { Jitter = 0, Delays = [TimeSpan.FromHours(9)], Lifetime = TimeSpan.FromMinutes(5) } });
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

    [Fact]
    public async Task A_domain_that_takes_no_mail_bounces_without_contact()
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Zone.Tell("null.example", new DnsAnswer<MxData>.Found([new MxData(0, DnsName.Root)], TimeSpan.FromMinutes(1)));
        rig.Zone.Tell("nobody.example", DnsAnswer<MxData>.NoSuchDomain.Instance);

        var (nullMx, nobody) = (await rig.SubmitAsync("a@null.example"), await rig.SubmitAsync("a@nobody.example"));
        var both = await rig.SubmitAsync("b@null.example", "b@nobody.example");
        await rig.Watch.UntilAsync(() => rig.Store.Settled == 3, "all are settled");

        foreach (var (id, code) in new[] { (nullMx, "5.1.10"), (nobody, "5.1.2") })
        {
            var bounce = Assert.Single(rig.Store.EventsOf(id));
            Assert.Equal((EventType.Bounce, "hard", code), (bounce.Type, bounce.Data!.BounceType, bounce.Data.Status));
        }
        Assert.Equal("2 of 2 recipients bounced", rig.Store.ErrorOf(both));
        Assert.Equal(0, rig.Peer.Mails);
        await rig.UntilNothingIsLeasedAsync();
    }

    [Fact]
    public async Task A_domain_whose_dns_fails_is_tried_again()
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Zone.Tell("dim.example", new DnsAnswer<MxData>.TemporaryFailure("SERVFAIL"));

        var id = await rig.SubmitAsync("a@dim.example");
        await rig.UntilWaitingAsync(id);
        Assert.Equal(("SERVFAIL", "4.4.3"), Assert.Single(rig.Store.EventsOf(id)).Data is { } data ? (data.SmtpResponse, data.Status) : default);

        rig.Zone.TellMx("dim.example", "mx.dim.example");
        await rig.PassTimeUntilAsync(() => rig.Store.StatusOf(id) == MessageStatus.Delivered, "delivered");
    }

    [Fact]
    public async Task Dns_that_never_answers_at_once_does_not_keep_a_message()
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Zone.Gate = _ => Task.Run(() => { });

        var id = await rig.SubmitAsync("a@a.example");

        await rig.UntilStatusAsync(id, MessageStatus.Delivered);
    }

    [Fact]
    public async Task Silent_name_servers_keep_nobody_else_waiting()
    {
        await using var rig = await EngineRig.StartAsync();
        var silence = new TaskCompletionSource();
        rig.Zone.Gate = name => name.StartsWith("silent", StringComparison.Ordinal) ? silence.Task : null;

        await rig.SubmitManyAsync(Sender.Tenant, Enumerable.Range(0, 50).Select(i => new[] { $"a@silent{i}.example", $"b@silent{i}x.example" }));
        var ids = await rig.SubmitManyAsync(Sender.Other, [["a@a.example"], ["a@b.example", "b@c.example"]]);
        await rig.Watch.UntilAsync(() => ids.All(id => rig.Store.StatusOf(id) == MessageStatus.Delivered), "others are delivered");

        silence.SetResult();
        await rig.Watch.UntilAsync(() => rig.Store.Settled == 52, "all are delivered");
    }

    [Fact]
    public async Task A_sender_domain_that_is_no_longer_verified_fails_its_messages()
    {
        await using var rig = await EngineRig.StartAsync();
        var id = await rig.SubmitAsync("ada@a.example");
        await rig.UntilStatusAsync(id, MessageStatus.Delivered);

        rig.Peer.OnRcpt = _ => "450 4.2.0 later";
        var late = await rig.SubmitAsync("ada@a.example");
        await rig.UntilWaitingAsync(late);
        rig.Tenants.Domains.Clear();
        await rig.PassTimeUntilAsync(() => rig.Store.StatusOf(late) == MessageStatus.Failed, "it fails");

        Assert.Equal("Sender domain sender.example not verified", rig.Store.ErrorOf(late));
        Assert.Equal((EventType.Dropped, "unverified_domain"), rig.Store.EventsOf(late)[^1] is var dropped ? (dropped.Type, dropped.Data!.Reason) : default);
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
        await rig.Watch.UntilAsync(() => ids.Count(id => rig.Store.IsWaiting(id)) == 95, "the rest is given back while these are under way");
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
        rig.Peer.OnDot = incoming => incoming.Domain.StartsWith("slow", StringComparison.Ordinal) ? slow.Task : Task.FromResult<string?>("250 ok");
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
        rig.Peer.OnDot = incoming => incoming.To.StartsWith("slow", StringComparison.Ordinal) ? slow.Task : Task.FromResult<string?>("250 ok");

        var ids = await rig.SubmitManyAsync(Sender.Tenant, [["slow@a.example"], ["quick@a.example"]]);
        await rig.UntilStatusAsync(ids[1], MessageStatus.Delivered);

        slow.SetResult("250 ok");
        await rig.UntilStatusAsync(ids[0], MessageStatus.Delivered);
    }

    [Fact]
    public async Task Ten_thousand_messages_survive_a_store_and_a_world_that_fail_at_random()
    {
        const int Messages = 10_000;
        await using var rig = await EngineRig.StartAsync(
            new QueueOptions { Lease = EngineRig.Lease }, options => options with { Retry = new RetryOptions { Delays = [TimeSpan.FromSeconds(30)] } });
        var random = new Random(20260302);
        var takenInSilence = new ConcurrentBag<string>();
        rig.Peer.OnConnect = _ => Draw() switch { < 0.03 => null, < 0.04 => "421 busy", < 0.05 => "451 later", _ => "220 ready" };
        rig.Peer.OnMail = _ => Draw() < 0.003 ? "421 4.7.0 busy" : "250 ok";
        rig.Peer.OnRcpt = _ => Draw() switch { < 0.02 => "450 4.2.0 later", < 0.03 => "451 4.7.1 slower", < 0.04 => "550 5.1.1 nobody", _ => "250 ok" };
        rig.Peer.OnDot = incoming =>
        {
            var drawn = Draw();
            if (drawn is >= 0.01 and < 0.015)
                takenInSilence.Add(incoming.To);
            return Task.FromResult<string?>(drawn switch { < 0.01 => "451 4.3.0 later", < 0.02 => "", _ => "250 ok" });
        };

        var ids = new List<MessageId>();
        rig.Store.FaultAt = name => name == "accept" ? Fault.None : Draw() switch { < 0.004 => Fault.Before, < 0.008 => Fault.After, _ => Fault.None };
        for (var page = 0; page < Messages; page += 500)
            ids.AddRange(await rig.SubmitManyAsync(Sender.Tenant, Enumerable.Range(page, 500).Select(i => new[] { $"u{i}@d{i % 50}.example" })));
        await rig.PassTimeUntilAsync(() => rig.Store.Settled >= Messages, "all are settled", failSafe: TimeSpan.FromMinutes(1));
        await rig.PassTimeUntilAsync(() => rig.Engine.Leased == 0 && rig.Store.LeasedRows == 0, "nothing is leased");

        Assert.Equal(Messages, rig.Store.Settled);
        var accepted = rig.Peer.Taken.Select(one => one.To).Concat(takenInSilence).CountBy(to => to).ToDictionary(count => count.Key, count => count.Value);
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

    static string WithoutSignature(string content)
    {
        var end = content.IndexOf("\r\nFrom:", StringComparison.Ordinal);
        return content[end..];
    }
}
