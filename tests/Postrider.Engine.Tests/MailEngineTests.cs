using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Engine.Tests.Rig;
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
    public async Task A_message_refused_for_now_is_sent_again_unchanged()
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Peer.OnDot = _ => Task.FromResult<string?>("451 4.3.0 try later");
        var started = rig.Time.GetUtcNow();

        var id = await rig.SubmitAsync("ada@a.example");
        await rig.UntilWaitingAsync(id);

        var deferred = Assert.Single(rig.Store.EventsOf(id));
        Assert.Equal((EventType.Deferred, started.AddMinutes(1), 1), (deferred.Type, deferred.Data!.NextRetryAt, deferred.Data.Attempt));
        Assert.Equal(
            (MessageStatus.Queued, 1, started.AddMinutes(1)), (rig.Store.StatusOf(id), rig.Store.RetryCountOf(id), rig.Store.DueAtOf(id)));

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
        await rig.Watch.UntilAsync(
            () => rig.Store.EventsOf(id).Length == 1 && rig.Peer.Seen.Count == 2, "one has failed and one waits for its reply");
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
        Assert.Equal(
            (EventType.Dropped, "unverified_domain"),
            rig.Store.EventsOf(late)[^1] is var dropped ? (dropped.Type, dropped.Data!.Reason) : default);
    }

    static string WithoutSignature(string content)
    {
        var end = content.IndexOf("\r\nFrom:", StringComparison.Ordinal);
        return content[end..];
    }
}
