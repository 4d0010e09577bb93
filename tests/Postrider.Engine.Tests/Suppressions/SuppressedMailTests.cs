using Postrider.Engine.Control;
using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Engine.Suppressions;
using Postrider.Engine.Tests.Rig;
using Postrider.Mail.Dns;

namespace Postrider.Engine.Tests.Suppressions;

/// <summary>Suppressions on the whole path of a message, in process.</summary>
public sealed class SuppressedMailTests
{
    static readonly IdGenerator Ids = new(TimeProvider.System);

    [Theory]
    [InlineData("550 5.1.1 no such user", BounceType.Hard, "5.1.1")]
    [InlineData("552 5.2.2 mailbox full", BounceType.Soft, "5.2.2")]
    [InlineData("554 5.7.1 not welcome", BounceType.Block, "5.7.1")]
    public async Task A_bounce_leaves_a_row_with_its_evidence(string reply, BounceType type, string status)
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Peer.OnRcpt = _ => reply;

        var id = await rig.SubmitAsync("Ada@a.example");
        await rig.UntilStatusAsync(id, MessageStatus.Bounced);

        var row = Assert.Single(rig.Store.Suppressions);
        Assert.Equal(
            (SuppressionList.Bounces, type, status, reply, id, "Ada@a.example"),
            (row.List, row.BounceType!.Value, row.Status!, row.Reason!, row.Message!.Value, row.Address.ToString()));
        Assert.Equal(Assert.Single(rig.Store.EventsOf(id)).Id.Value, row.Id);
    }

    [Fact]
    public async Task A_deferral_that_ends_leaves_a_soft_row_and_one_before_leaves_none()
    {
        await using var rig = await EngineRig.StartAsync(
            delivery: options => options with { Retry = options.Retry with { Lifetime = TimeSpan.FromMinutes(3) } });
        rig.Peer.OnRcpt = _ => "452 4.2.2 mailbox full";

        var id = await rig.SubmitAsync("ada@a.example");
        await rig.UntilWaitingAsync(id);
        Assert.Empty(rig.Store.Suppressions);
        await rig.PassTimeUntilAsync(() => rig.Store.StatusOf(id) == MessageStatus.Bounced, "it bounces when its time is over");

        Assert.Equal(BounceType.Soft, Assert.Single(rig.Store.Suppressions).BounceType);
    }

    [Fact]
    public async Task Hard_bounces_suppress_the_next_message_and_soft_ones_and_blocks_do_not()
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Peer.OnRcpt = to => to switch
        {
            "hard@a.example" => "550 5.1.1 no such user",
            "soft@a.example" => "552 5.2.2 mailbox full",
            _ => "554 5.7.1 not welcome",
        };
        string[] addresses = ["hard@a.example", "soft@a.example", "block@a.example"];
        foreach (var address in addresses)
            await rig.UntilStatusAsync(await rig.SubmitAsync(address), MessageStatus.Bounced);
        rig.Peer.OnRcpt = _ => "250 ok";

        var hard = await rig.SubmitAsync("HARD@a.example");
        var soft = await rig.SubmitAsync("soft@a.example");
        var block = await rig.SubmitAsync("block@a.example");

        await rig.UntilStatusAsync(hard, MessageStatus.Failed);
        await rig.UntilStatusAsync(soft, MessageStatus.Delivered);
        await rig.UntilStatusAsync(block, MessageStatus.Delivered);
        Assert.Equal("All recipients suppressed", rig.Store.ErrorOf(hard));
        var dropped = Assert.Single(rig.Store.EventsOf(hard));
        Assert.Equal((EventType.Dropped, "bounced_address"), (dropped.Type, dropped.Data!.Reason));
        await rig.UntilNothingIsLeasedAsync();
    }

    [Theory]
    [InlineData("ada@a.example", "bob@a.example")]
    [InlineData("ada@a.example", "bob@b.example")]
    public async Task The_others_of_a_message_still_get_it(params string[] recipients)
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Store.Suppress(Row(SuppressionList.GlobalUnsubscribes, "ada@a.example"));

        var id = await rig.SubmitAsync(recipients);
        await rig.UntilStatusAsync(id, MessageStatus.Delivered);

        Assert.Equal("bob", Assert.Single(rig.Peer.Taken).To.Split('@')[0]);
        Assert.Equal([RecipientState.Dropped, RecipientState.Delivered], rig.Store.StatesOf(id));
        Assert.Equal("1 of 2 recipients dropped", rig.Store.ErrorOf(id));
    }

    [Fact]
    public async Task A_message_to_several_domains_of_which_one_takes_no_mail_reaches_the_other()
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Store.Suppress(Row(SuppressionList.SpamReports, "ada@a.example"));
        rig.Zone.Tell("nxdomain.example", DnsAnswer<MxData>.NoSuchDomain.Instance);

        var id = await rig.SubmitAsync("ada@a.example", "nobody@nxdomain.example", "bob@b.example");
        await rig.UntilStatusAsync(id, MessageStatus.Delivered);

        Assert.Equal("bob@b.example", Assert.Single(rig.Peer.Taken).To);
        Assert.Equal([RecipientState.Dropped, RecipientState.Bounced, RecipientState.Delivered], rig.Store.StatesOf(id));
        Assert.Equal("nobody@nxdomain.example", Assert.Single(rig.Store.Suppressions, row => row.Message is not null).Address.Key);
    }

    [Fact]
    public async Task A_group_drops_with_its_number_and_an_unknown_one_is_refused()
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Store.Groups.Add(11);
        rig.Store.Suppress(Row(SuppressionList.GroupUnsubscribes, "ada@a.example") with { Group = 11 });

        var id = await rig.SubmitAsync(new MessageSettings { UnsubscribeGroup = 11 }, "ada@a.example");
        await rig.UntilStatusAsync(id, MessageStatus.Failed);
        var other = await rig.SubmitAsync("ada@a.example");
        await rig.UntilStatusAsync(other, MessageStatus.Delivered);

        Assert.Equal(("group_unsubscribed", 11), (rig.Store.EventsOf(id)[0].Data!.Reason, rig.Store.EventsOf(id)[0].Data!.GroupId));
        var refused = await rig.TrySubmitAsync(new MessageSettings { UnsubscribeGroup = 12 }, "ada@a.example");
        Assert.Equal(new SubmitOutcome.UnknownGroup(12), refused);
    }

    [Fact]
    public async Task What_is_listed_while_a_message_waits_to_be_retried_holds_for_the_retry()
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Peer.OnRcpt = _ => "451 4.3.0 try later";
        var id = await rig.SubmitAsync("ada@a.example");
        await rig.UntilWaitingAsync(id);
        rig.Store.Suppress(Row(SuppressionList.GlobalUnsubscribes, "ada@a.example"));

        await rig.PassTimeUntilAsync(() => rig.Store.StatusOf(id) == MessageStatus.Failed, "it is dropped at the retry");

        Assert.Equal([EventType.Deferred, EventType.Dropped], rig.Store.EventsOf(id).Select(one => one.Type));
        Assert.Equal("All recipients suppressed", rig.Store.ErrorOf(id));
    }

    [Fact]
    public async Task A_hard_bounce_retried_by_hand_bounces_again_unasked_until_its_row_is_removed()
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Peer.OnRcpt = _ => "550 5.1.1 no such user";
        var id = await rig.SubmitAsync("ada@a.example");
        await rig.UntilStatusAsync(id, MessageStatus.Bounced);
        rig.Peer.OnRcpt = _ => "250 ok";

        await RetryAsync(rig, id);
        await rig.UntilStatusAsync(id, MessageStatus.Bounced);

        var events = rig.Store.EventsOf(id);
        Assert.Equal([EventType.Bounce, EventType.Bounce], events.Select(one => one.Type));
        Assert.Equal(
            ("suppression", "hard", "550 5.1.1 no such user", "550 5.1.1 no such user"),
            (events[1].Data!.Source, events[1].Data!.BounceType, events[1].Data!.BounceReason, events[1].Data!.SmtpResponse));
        Assert.Single(rig.Store.Suppressions);
        Assert.Empty(rig.Peer.Taken);

        rig.Store.Unsuppress("ada@a.example");
        await RetryAsync(rig, id);
        await rig.UntilStatusAsync(id, MessageStatus.Delivered);
    }

    [Fact]
    public async Task A_claim_is_looked_up_once_whatever_it_holds()
    {
        await using var rig = new EngineRig();
        await rig.SubmitManyAsync(Sender.Tenant, Enumerable.Range(0, 20).Select(i => new[] { $"u{i % 10}@a.example" }));

        await rig.Engine.StartAsync(CancellationToken.None);
        await Watch.PollAsync(() => rig.Peer.Taken.Count == 20, "all are delivered");

        Assert.Equal(20, rig.Store.Claimed);
        Assert.Equal(rig.Store.LookedUp.Count, rig.Store.Calls["suppressions"]);
        Assert.True(rig.Store.LookedUp.Count <= rig.Store.Calls["claim"], $"{rig.Store.LookedUp.Count} look-ups");
        Assert.All(rig.Store.LookedUp, keys => Assert.Equal(keys.Distinct().Count(), keys.Length));
    }

    [Fact]
    public async Task While_the_lists_cannot_be_read_nothing_is_sent()
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Store.FaultAt = operation => operation == "suppressions" ? Fault.Before : Fault.None;

        var id = await rig.SubmitAsync("ada@a.example");
        await Watch.PollAsync(() => rig.Store.Claimed > 0 && rig.Store.IsWaiting(id), "it is given back");
        Assert.Empty(rig.Peer.Taken);

        rig.Store.FaultAt = _ => Fault.None;
        await rig.PassTimeUntilAsync(() => rig.Store.StatusOf(id) == MessageStatus.Delivered, "it is delivered when they can be");
    }

    static Suppression Row(SuppressionList list, string address) => new()
    {
        Id = Ids.Next(),
        List = list,
        Address = Sender.Named(address).Mailbox,
        CreatedAt = DateTimeOffset.UnixEpoch,
    };

    static async Task RetryAsync(EngineRig rig, MessageId id)
    {
        await rig.UntilNothingIsLeasedAsync();
        Assert.IsType<ControlOutcome.Done>(await rig.RetryAsync(id));
    }
}
