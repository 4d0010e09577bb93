using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using static Postrider.Engine.Control.ControlRule;

namespace Postrider.Store.Conformance;

/// <summary>Cancel, retry and fail: contracts/scaisend.md §4.3 to §4.5, as the stores keep it.</summary>
public abstract class ControlConformance<TFixture> : StoreConformance<TFixture> where TFixture : StoreFixture, new()
{
    /// <summary>§4.3 once more, as it is written there: the stores are held to the contract, not only to the engine's table.</summary>
    public static TheoryData<string, ControlRule, ControlRule, ControlRule> Contract() => new()
    {
        { "queued", Taken, Refused, Taken },
        { "scheduled", Taken, Refused, Taken },
        { "deferred", Taken, Taken, Taken },
        { "processing", Taken, Taken, Taken },
        { "rendered", Taken, Refused, Taken },
        { "sending", Refused, AsksHolder, Taken },
        { "sent", Refused, Refused, Taken },
        { "delivered", Refused, Refused, Refused },
        { "bounced", Refused, Taken, Refused },
        { "failed", Refused, Taken, Already },
        { "cancelled", Already, Refused, Refused },
        { "sandbox", Refused, Refused, Refused },
    };

    [Theory]
    [MemberData(nameof(Contract))]
    public async Task Each_action_in_each_state_does_what_the_contract_says(
        string state, ControlRule cancel, ControlRule retry, ControlRule fail)
    {
        (ControlAction, ControlRule)[] actions = [(ControlAction.Cancel, cancel), (ControlAction.Retry, retry), (ControlAction.Fail, fail)];
        foreach (var (action, expected) in actions)
        {
            var batch = await Sample.AddBatchAsync();
            var message = await BringToAsync(state, batch);
            var before = await Sample.ViewAsync(message);
            var totals = await TotalsAsync(batch);

            var result = await Sample.ChangeAsync(message, action, action == ControlAction.Fail ? "stuck" : null);

            var after = await Sample.ViewAsync(message);
            Assert.Equal(expected, ControlRules.Of(action, before.Status, before.RetryCount > 0));
            if (expected == Taken)
            {
                var changed = Assert.IsType<ControlResult.Changed>(result);
                Assert.Equal(StatusAfter(action), after.Status);
                Assert.Equal(after.Status, changed.Status);
                Assert.Equal(before.Events.Count + 1, after.Events.Count);
            }
            else
            {
                Assert.Equal(new ControlResult.Kept(before.Status, before.RetryCount > 0), result);
                Assert.Equal((before.Status, before.RetryCount, before.QueuedAt), (after.Status, after.RetryCount, after.QueuedAt));
                Assert.Equal(before.Events, after.Events);
                Assert.Equal(totals, await TotalsAsync(batch));
            }
            Assert.Equal(after.Status, Assert.Single(StatusesOf(await TotalsAsync(batch))));
        }
    }

    /// <summary>§4.2: what a worker may do under a lease, by the state that its message has come to.</summary>
    static readonly (string State, bool Claim, bool Render, bool Send, bool Settle, bool GiveBack)[] Steps =
    [
        ("queued", true, false, false, false, false),
        ("scheduled", false, false, false, false, false),
        ("deferred", false, false, false, false, false),
        ("processing", false, true, true, true, true),
        ("rendered", false, false, true, true, true),
        ("sending", false, false, false, true, true),
        ("sent", false, false, false, true, true),
        ("delivered", false, false, false, false, false),
        ("bounced", false, false, false, false, false),
        ("failed", false, false, false, false, false),
        ("cancelled", false, false, false, false, false),
        ("sandbox", false, false, false, false, false),
    ];

    [Fact]
    public async Task Each_step_of_a_lease_in_each_state_is_taken_or_changes_nothing()
    {
        var queue = Store.Queue;
        foreach (var (state, claim, render, send, settle, giveBack) in Steps)
        {
            await TryAsync(
                state, "claim", claim, MessageStatus.Processing, async (_, domain) => (await Sample.ClaimAsync(1, domain)).Count > 0);
            await TryAsync(
                state, "render", render, MessageStatus.Rendered, (lease, _) => queue.MarkRenderedAsync(lease, CancellationToken.None));
            await TryAsync(state, "send", send, MessageStatus.Sending, (lease, _) => queue.MarkSendingAsync(lease, CancellationToken.None));
            await TryAsync(state, "settle", settle, MessageStatus.Delivered, (lease, _) => Sample.SettleAsync(Sample.Delivered(lease)));
            // What some recipient has already shows as sent, whatever becomes of the lease.
            await TryAsync(
                state, "give back", giveBack, state == "sent" ? MessageStatus.Sent : MessageStatus.Queued,
                (lease, _) => queue.ReturnAsync(lease, Store.Now, CancellationToken.None));
        }
    }

    async Task TryAsync(string state, string step, bool expected, MessageStatus then, Func<LeaseKey, string, Task<bool>> take)
    {
        var batch = await Sample.AddBatchAsync();
        var domain = $"{Store.Ids.Next():n}.example";
        var message = await BringToAsync(state, batch, domain);
        var before = await Sample.ViewAsync(message);

        var isTaken = await take(new LeaseKey(Sample.Tenant, message, 1), domain);

        var after = await Sample.ViewAsync(message);
        Assert.Equal((state, step, expected, expected ? then : before.Status), (state, step, isTaken, after.Status));
        Assert.Equal(after.Status, Assert.Single(StatusesOf(await TotalsAsync(batch))));
        if (!expected)
            Assert.Equal(before.Events, after.Events);
    }

    [Fact]
    public async Task A_cancelled_message_is_cancelled_for_all_its_open_recipients_and_leaves_the_queue()
    {
        var message = await Sample.AcceptAsync();

        await Sample.ChangeAsync(message.Id, ControlAction.Cancel);

        var view = await Sample.ViewAsync(message.Id);
        var recipient = Assert.Single(view.Message.Recipients);
        Assert.Equal((MessageStatus.Cancelled, Store.Now, null), (view.Status, view.SettledAt, view.ErrorMessage));
        Assert.Equal((RecipientState.Cancelled, Store.Now), (recipient.State, recipient.SettledAt));
        Assert.Equal(EventType.Cancelled, view.Events[^1].Type);
        Assert.Empty(await Sample.ClaimAsync());
        Assert.Equal(0, (await Store.Queue.SummaryAsync(Store.Now, CancellationToken.None)).Live);
    }

    [Theory]
    [InlineData(ControlAction.Cancel)]
    [InlineData(ControlAction.Fail)]
    [InlineData(ControlAction.Retry)]
    public async Task A_lease_is_void_once_its_message_was_changed(ControlAction action)
    {
        var message = await Sample.AcceptAsync();
        var lease = await Sample.ClaimOneAsync();

        Assert.Equal(lease.Generation, Assert.IsType<ControlResult.Changed>(await Sample.ChangeAsync(message.Id, action)).Generation);

        Assert.False(await Store.Queue.MarkRenderedAsync(lease, CancellationToken.None));
        Assert.False(await Store.Queue.MarkSendingAsync(lease, CancellationToken.None));
        Assert.False(await Store.Queue.ReturnAsync(lease, Store.Now, CancellationToken.None));
        Assert.False(await Sample.SettleAsync(Sample.Delivered(lease)));
    }

    [Fact]
    public async Task A_lease_from_before_stays_void_when_the_message_was_failed_and_retried()
    {
        var lease = await Sample.SendingAsync();
        await Sample.ChangeAsync(lease.Message, ControlAction.Fail);
        await Sample.ChangeAsync(lease.Message, ControlAction.Retry);
        var again = await Sample.ClaimOneAsync();

        Assert.False(await Sample.SettleAsync(Sample.Delivered(lease)));

        Assert.True(again.Generation > lease.Generation + 1);
        Assert.True(await Sample.SettleAsync(Sample.Delivered(again)));
    }

    [Fact]
    public async Task A_retried_bounce_begins_anew_and_keeps_its_story()
    {
        var batch = await Sample.AddBatchAsync();
        var message = await BringToAsync("bounced", batch);
        Assert.NotNull((await Store.Batches.FindAsync(Sample.Tenant, batch, CancellationToken.None))!.CompletedAt);
        Store.Time.Advance(TimeSpan.FromHours(100));

        var result = await Sample.ChangeAsync(message, ControlAction.Retry);

        Assert.Equal(new Backlog(Sample.Backlog(), Store.Now), Assert.IsType<ControlResult.Changed>(result).Waiting);
        var view = await Sample.ViewAsync(message);
        Assert.Equal((MessageStatus.Queued, 1, Store.Now), (view.Status, view.RetryCount, view.QueuedAt));
        Assert.Equal((null, null, null, null), (view.NextRetryAt, view.ErrorMessage, view.SentAt, view.SettledAt));
        Assert.Equal([EventType.Processed, EventType.Processed, EventType.Bounce, EventType.Retried], view.Events.Select(one => one.Type));
        Assert.Equal((RecipientState.Open, null), (view.Message.Recipients[0].State, view.Message.Recipients[0].SettledAt));
        Assert.Null((await Store.Batches.FindAsync(Sample.Tenant, batch, CancellationToken.None))!.CompletedAt);
        var leased = Assert.Single(await Sample.ClaimAsync());
        Assert.Equal((1, 1, Store.Now), (leased.RetryCount, leased.RetriesBefore, leased.FirstDueAt));
        await Sample.SettleAsync(Sample.Delivered(leased.Key) with { RetryCount = 1 });
        Assert.Equal(Store.Now, (await Store.Batches.FindAsync(Sample.Tenant, batch, CancellationToken.None))!.CompletedAt);
    }

    [Fact]
    public async Task A_deferral_after_a_retry_shows_when_it_is_tried_again()
    {
        var message = await BringToAsync("deferred", null);
        await Sample.ChangeAsync(message, ControlAction.Retry);
        var due = Store.Now + TimeSpan.FromMinutes(1);

        await Sample.SettleAsync(Sample.Deferred(await Sample.ClaimOneAsync(), due, retryCount: 3));

        Assert.Equal((3, due), ((await Sample.ViewAsync(message)).RetryCount, (await Sample.ViewAsync(message)).NextRetryAt));
    }

    [Fact]
    public async Task Only_recipients_that_nobody_accepted_are_mailed_again()
    {
        var lease = await Sample.SendingAsync(message => message with
        {
            Recipients = [Sample.To("a@example.net"), Sample.To("b@example.org"), Sample.To("c@Example.org")],
        });
        await Sample.SettleAsync(Sample.Delivered(lease) with { Status = MessageStatus.Sent, Then = Continuation.Underway.Instance });
        await Sample.ChangeAsync(lease.Message, ControlAction.Fail);

        var result = Assert.IsType<ControlResult.Changed>(await Sample.ChangeAsync(lease.Message, ControlAction.Retry));

        // One has it; the status is all the same what a retry makes it: contracts/scaisend.md §4.5.4.
        Assert.Equal((MessageStatus.Queued, Sample.Backlog("example.org")), (result.Status, result.Waiting!.Value.Key));
        var retried = await Sample.ViewAsync(lease.Message);
        Assert.Equal((MessageStatus.Queued, null, null, null), (retried.Status, retried.SentAt, retried.SettledAt, retried.ErrorMessage));
        var leased = Assert.Single(await Sample.ClaimAsync(domain: "example.org"));
        Assert.Equal(
            [RecipientState.Delivered, RecipientState.Open, RecipientState.Open],
            leased.Message.Recipients.Select(recipient => recipient.State));
        Assert.Equal(MessageStatus.Processing, (await Sample.ViewAsync(lease.Message)).Status);

        // With the next answer it shows again that a part was accepted, and since when.
        var sentAt = Store.Now;
        await Sample.SettleAsync(Sample.Delivered(leased.Key) with
        {
            Recipients = [new RecipientOutcome(1, RecipientState.Delivered, "250 ok")],
            Status = MessageStatus.Sent,
            Then = Continuation.Underway.Instance,
        });
        Assert.Equal(MessageStatus.Sent, (await Sample.ViewAsync(lease.Message)).Status);
        Store.Time.Advance(TimeSpan.FromMinutes(1));
        await Sample.SettleAsync(
            Sample.Delivered(leased.Key) with { Recipients = [new RecipientOutcome(2, RecipientState.Delivered, "250 ok")] });
        var view = await Sample.ViewAsync(lease.Message);
        Assert.Equal((MessageStatus.Delivered, sentAt), (view.Status, view.SentAt));
    }

    [Fact]
    public async Task Cancelled_after_a_retry_nobody_else_is_mailed_and_who_has_it_has_it()
    {
        var lease = await Sample.SendingAsync(
            message => message with { Recipients = [Sample.To("a@example.net"), Sample.To("b@example.net")] });
        await Sample.SettleAsync(Sample.Delivered(lease) with { Status = MessageStatus.Sent, Then = Continuation.Underway.Instance });
        await Sample.ChangeAsync(lease.Message, ControlAction.Fail);
        await Sample.ChangeAsync(lease.Message, ControlAction.Retry);

        var result = Assert.IsType<ControlResult.Changed>(await Sample.ChangeAsync(lease.Message, ControlAction.Cancel));

        var view = await Sample.ViewAsync(lease.Message);
        Assert.Equal((MessageStatus.Cancelled, MessageStatus.Cancelled), (result.Status, view.Status));
        Assert.Equal([RecipientState.Delivered, RecipientState.Cancelled], view.Message.Recipients.Select(recipient => recipient.State));
        Assert.Empty(await Sample.ClaimAsync());
    }

    [Fact]
    public async Task A_message_to_several_domains_goes_back_to_the_backlog_of_those()
    {
        var lease = await Sample.SendingAsync(
            message => message with { Recipients = [Sample.To("a@example.net"), Sample.To("b@example.org")] });
        await Sample.ChangeAsync(lease.Message, ControlAction.Fail);

        var result = Assert.IsType<ControlResult.Changed>(await Sample.ChangeAsync(lease.Message, ControlAction.Retry));

        Assert.Equal(Sample.Backlog(""), result.Waiting!.Value.Key);
        Assert.Single(await Sample.ClaimAsync(domain: ""));
    }

    [Fact]
    public async Task A_message_that_is_sending_is_retried_only_by_leave_of_its_holder()
    {
        var lease = await Sample.SendingAsync();
        var write = Sample.Write(lease.Message, ControlAction.Retry);

        var other = await Store.Control.ChangeAsync(write with { GivenUp = lease.Generation - 1 }, CancellationToken.None);
        var holder = await Store.Control.ChangeAsync(write with { GivenUp = lease.Generation }, CancellationToken.None);

        Assert.Equal(new ControlResult.Kept(MessageStatus.Sending, false), other);
        Assert.Equal(MessageStatus.Queued, Assert.IsType<ControlResult.Changed>(holder).Status);
        Assert.False(await Sample.SettleAsync(Sample.Delivered(lease)));
        Assert.Equal(1, (await Sample.ViewAsync(lease.Message)).RetryCount);
    }

    [Fact]
    public async Task The_reason_of_a_failure_becomes_its_error()
    {
        var message = await Sample.AcceptAsync();

        await Sample.ChangeAsync(message.Id, ControlAction.Fail, "Stuck in processing for 2 hours");
        await Sample.ChangeAsync(message.Id, ControlAction.Fail, "again");

        var view = await Sample.ViewAsync(message.Id);
        Assert.Equal((MessageStatus.Failed, "Stuck in processing for 2 hours"), (view.Status, view.ErrorMessage));
        Assert.Equal(RecipientState.Failed, view.Message.Recipients[0].State);
        Assert.Equal("Stuck in processing for 2 hours", Assert.Single(view.Events, one => one.Type == EventType.FailedByHand).Data!.Reason);
    }

    [Fact]
    public async Task A_late_answer_is_kept_and_changes_no_status()
    {
        var lease = await Sample.SendingAsync();
        await Sample.ChangeAsync(lease.Message, ControlAction.Fail);
        var late = Sample.Event(EventType.Delivered, data: new EventData { SmtpResponse = "250 2.0.0 OK", Late = true });

        Assert.True(await Store.Control.NoteLateAsync(lease, late, CancellationToken.None));
        Assert.True(await Store.Control.NoteLateAsync(lease, late, CancellationToken.None));

        var view = await Sample.ViewAsync(lease.Message);
        Assert.Equal((MessageStatus.Failed, null), (view.Status, view.SentAt));
        Assert.True(Assert.Single(view.Events, one => one.Type == EventType.Delivered).Data!.Late);
        Assert.Equal((RecipientState.Delivered, "250 2.0.0 OK"), (view.Message.Recipients[0].State, view.Message.Recipients[0].LastReply));
        // It has arrived, so there is nothing to retry.
        Assert.Equal(new ControlResult.Kept(MessageStatus.Failed, false), await Sample.ChangeAsync(lease.Message, ControlAction.Retry));
    }

    [Fact]
    public async Task Only_the_attempt_that_was_cut_off_may_add_a_late_answer()
    {
        var bounced = await Sample.SendingAsync();
        await Sample.SettleAsync(Sample.Delivered(bounced) with { Status = MessageStatus.Bounced });
        var retried = await Sample.SendingAsync();
        await Sample.ChangeAsync(retried.Message, ControlAction.Fail);
        await Sample.ChangeAsync(retried.Message, ControlAction.Retry);
        await Sample.ChangeAsync(retried.Message, ControlAction.Fail);

        foreach (var lease in new[] { bounced, retried })
        {
            var before = await Sample.ViewAsync(lease.Message);
            Assert.False(await Store.Control.NoteLateAsync(lease, Sample.Event(EventType.Delivered), CancellationToken.None));
            Assert.Equal(before.Events, (await Sample.ViewAsync(lease.Message)).Events);
        }
    }

    [Fact]
    public async Task Another_tenants_message_is_not_found_and_stays_as_it_is()
    {
        var message = await Sample.AcceptAsync();
        var stranger = await Sample.AddTenantAsync("other");

        foreach (var action in Enum.GetValues<ControlAction>())
        {
            var write = Sample.Write(message.Id, action) with { Tenant = stranger };
            Assert.IsType<ControlResult.NotFound>(await Store.Control.ChangeAsync(write, CancellationToken.None));
        }

        Assert.Equal(MessageStatus.Queued, (await Sample.ViewAsync(message.Id)).Status);
        Assert.IsType<ControlResult.NotFound>(await Sample.ChangeAsync(new MessageId(Store.Ids.Next()), ControlAction.Cancel));
        // An id of 26 digits that nobody ever gave out: its time is past the end of the calendar.
        Assert.IsType<ControlResult.NotFound>(await Sample.ChangeAsync(new MessageId(Guid.AllBitsSet), ControlAction.Cancel));
    }

    [Fact]
    public async Task Of_cancelling_and_sending_exactly_one_wins()
    {
        const int Messages = 200;
        var batch = await Sample.AddBatchAsync();
        var messages = Enumerable.Range(0, Messages).Select(_ => Sample.Message(message => message with { Batch = batch })).ToArray();
        await Sample.AcceptAsync(Sample.Acceptance(messages));
        var leases = await Sample.ClaimAsync(Messages);

        var races = leases.Select((leased, i) =>
        {
            // Either goes first, half of the time.
            var cancel = i % 2 == 0 ? Sample.ChangeAsync(leased.Message.Id, ControlAction.Cancel) : null;
            var sending = Store.Queue.MarkSendingAsync(leased.Key, CancellationToken.None);
            return (Cancel: cancel ?? Sample.ChangeAsync(leased.Message.Id, ControlAction.Cancel), Sending: sending);
        }).ToArray();
        await Task.WhenAll(races.SelectMany(race => new Task[] { race.Cancel, race.Sending }));

        var cancelled = 0;
        foreach (var (cancel, sending) in races)
        {
            var isCancelled = await cancel is ControlResult.Changed;
            Assert.NotEqual(isCancelled, await sending);
            cancelled += isCancelled ? 1 : 0;
        }
        var totals = await TotalsAsync(batch);
        Assert.Equal((cancelled, Messages - cancelled), (totals[(int)MessageStatus.Cancelled], totals[(int)MessageStatus.Sending]));
    }

    [Fact]
    public async Task Actions_at_once_on_one_message_take_turns()
    {
        var message = await Sample.AcceptAsync();

        var results = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => Sample.ChangeAsync(message.Id, (ControlAction)(i % 3))));

        var changes = results.OfType<ControlResult.Changed>().Count();
        var view = await Sample.ViewAsync(message.Id);
        Assert.Equal(1 + changes, view.Events.Count);
        Assert.Equal(view.Events.Count(one => one.Type == EventType.Retried), view.RetryCount);
        Assert.DoesNotContain(results, result => result is ControlResult.NotFound);
    }

    Task<MessageId> BringToAsync(string state, BatchId? batch) => BringToAsync(state, batch, $"{Store.Ids.Next():n}.example");

    /// <param name="domain">A backlog of its own, so that the claim is of this one.</param>
    async Task<MessageId> BringToAsync(string state, BatchId? batch, string domain)
    {
        if (state is "queued" or "scheduled" or "sandbox")
        {
            var accepted = await Sample.AcceptAsync(
                message => message with
                {
                    Batch = batch,
                    Sandbox = state == "sandbox",
                    DueAt = state == "scheduled" ? Store.Now + TimeSpan.FromDays(1) : Store.Now,
                },
                domain);
            return accepted.Id;
        }
        var message = (await Sample.AcceptAsync(
            message => message with { Batch = batch, Recipients = [Sample.To("a@example.net"), Sample.To("b@example.net")] }, domain)).Id;
        var lease = await Sample.ClaimOneAsync(domain);
        switch (state)
        {
            case "processing":
                return message;
            case "rendered":
                Assert.True(await Store.Queue.MarkRenderedAsync(lease, CancellationToken.None));
                return message;
            case "cancelled":
                await Sample.ChangeAsync(message, ControlAction.Cancel);
                return message;
            case "failed":
                await Sample.ChangeAsync(message, ControlAction.Fail);
                return message;
        }
        Assert.True(await Store.Queue.MarkSendingAsync(lease, CancellationToken.None));
        var delivered = Sample.Delivered(lease);
        var settlement = state switch
        {
            "deferred" => Sample.Deferred(lease, Store.Now + TimeSpan.FromMinutes(5)),
            "sent" => delivered with { Status = MessageStatus.Sent, Then = Continuation.Underway.Instance },
            "delivered" => delivered,
            "bounced" => delivered with
            {
                Status = MessageStatus.Bounced,
                SentAt = null,
                ErrorMessage = "550 5.1.1 No",
                Recipients = [new(0, RecipientState.Bounced, "550 5.1.1 No"), new(1, RecipientState.Bounced, "550 5.1.1 No")],
                Events = [Sample.Event(EventType.Bounce)],
            },
            _ => null,
        };
        if (settlement is not null)
            Assert.True(await Sample.SettleAsync(settlement));
        return message;
    }

    async Task<IReadOnlyList<long>> TotalsAsync(BatchId batch) =>
        (await Store.Batches.FindAsync(Sample.Tenant, batch, CancellationToken.None))!.Counts;

    static IEnumerable<MessageStatus> StatusesOf(IReadOnlyList<long> totals) =>
        totals.SelectMany((count, status) => Enumerable.Repeat((MessageStatus)status, (int)count));

    static MessageStatus StatusAfter(ControlAction action) => action switch
    {
        ControlAction.Cancel => MessageStatus.Cancelled,
        ControlAction.Fail => MessageStatus.Failed,
        _ => MessageStatus.Queued,
    };
}
