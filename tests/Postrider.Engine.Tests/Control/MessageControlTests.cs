using System.Collections.Concurrent;
using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Engine.Tests.Rig;

namespace Postrider.Engine.Tests.Control;

/// <summary>What control does to attempts that run: before the final dot, behind it, and when it comes too late.</summary>
public sealed class MessageControlTests
{
    [Fact]
    public async Task A_retry_before_the_final_dot_stops_the_attempt_and_delivers_once()
    {
        await using var rig = await EngineRig.StartAsync();
        using var stall = new Stall(rig);
        var id = await rig.SubmitAsync("ada@a.example");
        await stall.UntilReachedAsync("ada@a.example");

        rig.Peer.BeforeData = _ => Task.CompletedTask;
        var outcome = await rig.RetryAsync(id);
        await rig.UntilStatusAsync(id, MessageStatus.Delivered);

        Assert.Equal(new ControlOutcome.Done(MessageStatus.Queued), outcome);
        Assert.Single(rig.Peer.Seen);
        Assert.Equal([EventType.Delivered], rig.Store.EventsOf(id).Select(one => one.Type));
        Assert.Equal(1, rig.Store.RetryCountOf(id));
        await rig.UntilNothingIsLeasedAsync();
    }

    [Fact]
    public async Task A_retry_while_a_connection_is_being_made_stops_that()
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Peer.OnConnect = _ => "";       // a line that is no greeting yet
        var id = await rig.SubmitAsync("ada@a.example");
        await rig.Watch.UntilAsync(
            () => rig.Peer.ConnectsTo("a.example") > 0 && rig.Store.StatusOf(id) != MessageStatus.Queued, "it connects");

        rig.Peer.OnConnect = _ => "220 ready";
        var outcome = await rig.RetryAsync(id);
        await rig.PassTimeUntilAsync(() => rig.Store.StatusOf(id) == MessageStatus.Delivered, "it is delivered");

        Assert.NotEqual(ControlOutcome.NotFound.Instance, outcome);
        Assert.Single(rig.Peer.Taken);
        await rig.UntilNothingIsLeasedAsync();
    }

    [Fact]
    public async Task A_retry_behind_the_final_dot_is_refused_when_the_answer_stays_out()
    {
        await using var rig = await EngineRig.StartAsync();
        var (id, answer) = await BehindTheDotAsync(rig);

        var retry = rig.RetryAsync(id);
        await rig.PassTimeUntilAsync(() => retry.IsCompleted, "patience ends");

        Assert.Equal(new ControlOutcome.InProgress(MessageStatus.Sending), await retry);
        answer.SetResult("250 2.0.0 ok");
        await rig.UntilStatusAsync(id, MessageStatus.Delivered);
        Assert.Single(rig.Peer.Seen);
        Assert.Equal(0, rig.Store.RetryCountOf(id));
        await rig.UntilNothingIsLeasedAsync();
    }

    [Fact]
    public async Task A_retry_behind_the_final_dot_is_refused_when_the_answer_is_acceptance()
    {
        await using var rig = await EngineRig.StartAsync();
        var (id, answer) = await BehindTheDotAsync(rig);

        var retry = rig.RetryAsync(id);
        answer.SetResult("250 2.0.0 ok");

        Assert.Equal(new ControlOutcome.InProgress(MessageStatus.Delivered), await retry);
        Assert.Single(rig.Peer.Seen);
    }

    [Theory]
    [InlineData("552 5.2.2 mailbox full")]      // not 5.1.1: the address would be on the bounce list
    [InlineData("451 4.3.0 later")]
    public async Task A_retry_behind_the_final_dot_goes_on_when_the_answer_is_a_refusal(string reply)
    {
        await using var rig = await EngineRig.StartAsync();
        var (id, answer) = await BehindTheDotAsync(rig);

        var retry = rig.RetryAsync(id);
        rig.Peer.OnDot = _ => Task.FromResult<string?>("250 2.0.0 ok");
        answer.SetResult(reply);

        Assert.Equal(new ControlOutcome.Done(MessageStatus.Queued), await retry);
        await rig.UntilStatusAsync(id, MessageStatus.Delivered);
        Assert.Equal(2, rig.Peer.Seen.Count);
        Assert.Single(rig.Peer.Taken);
    }

    [Fact]
    public async Task Of_several_recipients_only_the_one_behind_its_dot_is_waited_for()
    {
        await using var rig = await EngineRig.StartAsync();
        using var stall = new Stall(rig, "bob@b.example");
        var answer = new TaskCompletionSource<string?>();
        rig.Peer.OnDot = incoming => incoming.To == "ada@a.example" ? answer.Task : Task.FromResult<string?>("250 ok");
        var id = await rig.SubmitAsync("ada@a.example", "bob@b.example");
        await stall.UntilReachedAsync("bob@b.example");
        await rig.Watch.UntilAsync(() => rig.Peer.Seen.Count == 1, "ada's has come to its dot");

        var retry = rig.RetryAsync(id);
        rig.Peer.BeforeData = _ => Task.CompletedTask;
        answer.SetResult("250 2.0.0 ok");

        Assert.IsType<ControlOutcome.InProgress>(await retry);
        await rig.UntilStatusAsync(id, MessageStatus.Delivered);
        Assert.Equal(["ada@a.example", "bob@b.example"], rig.Peer.Taken.Select(taken => taken.To));
    }

    [Fact]
    public async Task Retries_at_once_make_one_delivery()
    {
        await using var rig = await EngineRig.StartAsync();
        using var stall = new Stall(rig);
        var id = await rig.SubmitAsync("ada@a.example");
        await stall.UntilReachedAsync("ada@a.example");

        rig.Peer.BeforeData = _ => Task.CompletedTask;
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => rig.RetryAsync(id))));
        await rig.UntilStatusAsync(id, MessageStatus.Delivered);
        await rig.UntilNothingIsLeasedAsync();

        Assert.Contains(outcomes, outcome => outcome is ControlOutcome.Done);
        Assert.Single(rig.Peer.Taken);
    }

    [Fact]
    public async Task When_the_store_cannot_take_the_retry_the_message_goes_on_by_itself()
    {
        await using var rig = await EngineRig.StartAsync();
        using var stall = new Stall(rig);
        var id = await rig.SubmitAsync("ada@a.example");
        await stall.UntilReachedAsync("ada@a.example");
        var asked = 0;
        rig.Store.FaultAt = operation => operation == "control" && ++asked == 2 ? Fault.Before : Fault.None;

        rig.Peer.BeforeData = _ => Task.CompletedTask;
        await rig.RetryAsync(id);

        await rig.UntilStatusAsync(id, MessageStatus.Delivered);
        Assert.Single(rig.Peer.Taken);
        await rig.UntilNothingIsLeasedAsync();
    }

    [Fact]
    public async Task A_retry_begins_the_schedule_of_attempts_anew()
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Peer.OnDot = _ => Task.FromResult<string?>("451 4.3.0 later");
        var id = await rig.SubmitAsync("ada@a.example");
        await rig.UntilWaitingAsync(id);
        await rig.PassTimeUntilAsync(() => rig.Store.IsWaiting(id) && rig.Store.RetryCountOf(id) == 2, "it was tried twice");

        Assert.Equal(new ControlOutcome.Done(MessageStatus.Queued), await rig.RetryAsync(id));
        await rig.Watch.UntilAsync(() => rig.Store.IsWaiting(id) && rig.Store.RetryCountOf(id) == 4, "it was tried a third time");

        Assert.Equal(rig.Time.GetUtcNow().AddMinutes(1), rig.Store.DueAtOf(id));
    }

    [Fact]
    public async Task What_is_failed_before_the_final_dot_is_not_sent()
    {
        await using var rig = await EngineRig.StartAsync();
        using var stall = new Stall(rig);
        var id = await rig.SubmitAsync("ada@a.example");
        await stall.UntilReachedAsync("ada@a.example");

        var outcome = await rig.FailAsync(id);
        await rig.UntilNothingIsLeasedAsync();
        stall.Release();
        rig.Peer.BeforeData = _ => Task.CompletedTask;
        await rig.UntilStatusAsync(await rig.SubmitAsync("bob@a.example"), MessageStatus.Delivered);

        Assert.Equal(new ControlOutcome.Done(MessageStatus.Failed), outcome);
        Assert.Equal(["bob@a.example"], rig.Peer.Seen.Select(seen => seen.To));
        Assert.Equal((MessageStatus.Failed, MessageControl.FailedByHand), (rig.Store.StatusOf(id), rig.Store.ErrorOf(id)));
        Assert.Empty(rig.Store.EventsOf(id));
    }

    [Theory]
    [InlineData("250 2.0.0 ok", EventType.Delivered, RecipientState.Delivered)]
    [InlineData("451 4.3.0 later", EventType.Deferred, RecipientState.Failed)]
    [InlineData("550 5.1.1 no such user", EventType.Bounce, RecipientState.Failed)]
    public async Task An_answer_that_comes_after_the_failure_is_kept_as_late(string reply, EventType type, RecipientState state)
    {
        await using var rig = await EngineRig.StartAsync();
        var (id, answer) = await BehindTheDotAsync(rig);

        await rig.FailAsync(id);
        answer.SetResult(reply);
        await rig.UntilNothingIsLeasedAsync();

        var late = Assert.Single(rig.Store.EventsOf(id));
        Assert.Equal((type, true, null), (late.Type, late.Data!.Late, late.Data.NextRetryAt));
        Assert.Equal((MessageStatus.Failed, state), (rig.Store.StatusOf(id), Assert.Single(rig.Store.StatesOf(id))));
    }

    [Fact]
    public async Task A_failed_message_is_not_retried_while_its_final_dot_is_unanswered()
    {
        await using var rig = await EngineRig.StartAsync();
        var (id, answer) = await BehindTheDotAsync(rig);
        await rig.FailAsync(id);

        var early = rig.RetryAsync(id);
        await rig.PassTimeUntilAsync(() => early.IsCompleted, "patience ends");
        answer.SetResult("250 2.0.0 ok");
        await rig.UntilNothingIsLeasedAsync();
        var after = await rig.RetryAsync(id);

        Assert.Equal(new ControlOutcome.InProgress(MessageStatus.Failed), await early);
        Assert.Equal(new ControlOutcome.InProgress(MessageStatus.Failed), after);      // it has arrived: there is nobody left to mail
        Assert.Single(rig.Peer.Seen);
    }

    [Fact]
    public async Task What_another_node_attempts_is_retried_by_that_node()
    {
        await using var rig = await EngineRig.StartAsync();
        var id = await rig.SubmitAsync("ada@a.example");
        await rig.UntilStatusAsync(id, MessageStatus.Delivered);
        rig.Others.OnRetry = _ => new ControlOutcome.Done(MessageStatus.Queued);

        var relayed = await rig.RetryAsync(id);
        rig.Others.OnRetry = _ => null;
        var own = await rig.RetryAsync(id);

        Assert.Equal(new ControlOutcome.Done(MessageStatus.Queued), relayed);
        Assert.Equal(new ControlOutcome.Refused(MessageStatus.Delivered), own);
        Assert.Equal(2, rig.Others.Asked.Count);
    }

    [Fact]
    public async Task What_this_node_attempts_it_retries_for_another_and_asks_nobody()
    {
        await using var rig = await EngineRig.StartAsync();
        using var stall = new Stall(rig);
        var id = await rig.SubmitAsync("ada@a.example");
        await stall.UntilReachedAsync("ada@a.example");
        var write = new ControlWrite(
            Sender.Tenant, id, ControlAction.Retry, rig.Time.GetUtcNow(), new Engine.Messages.EventId(rig.Ids.Next()));

        Assert.Null(rig.Control.RetryIfAttempted(write with { Message = new MessageId(rig.Ids.Next()) }));
        rig.Peer.BeforeData = _ => Task.CompletedTask;
        var outcome = await rig.Control.RetryIfAttempted(write)!;
        await rig.UntilStatusAsync(id, MessageStatus.Delivered);

        Assert.Equal(new ControlOutcome.Done(MessageStatus.Queued), outcome);
        Assert.Empty(rig.Others.Asked);
        Assert.Single(rig.Peer.Seen);
        await rig.UntilNothingIsLeasedAsync();
    }

    [Fact]
    public async Task Other_nodes_are_told_what_was_failed()
    {
        await using var rig = await EngineRig.StartAsync();
        var (id, answer) = await BehindTheDotAsync(rig);

        await rig.FailAsync(id);
        answer.SetResult("250 2.0.0 ok");

        Assert.Equal((id, 1), Assert.Single(rig.Others.Told));
    }

    [Fact]
    public async Task What_another_node_tells_was_failed_is_not_sent()
    {
        await using var rig = await EngineRig.StartAsync();
        using var stall = new Stall(rig);
        var id = await rig.SubmitAsync("ada@a.example");
        await stall.UntilReachedAsync("ada@a.example");

        rig.Control.Void(Sender.Tenant, id, 1);
        await rig.UntilNothingIsLeasedAsync();

        Assert.Empty(rig.Peer.Seen);
    }

    [Fact]
    public async Task What_another_node_tells_of_an_earlier_lease_is_passed_over()
    {
        await using var rig = await EngineRig.StartAsync();
        using var stall = new Stall(rig);
        var id = await rig.SubmitAsync("ada@a.example");
        await stall.UntilReachedAsync("ada@a.example");

        rig.Control.Void(Sender.Tenant, id, 0);
        stall.Release();
        await rig.UntilStatusAsync(id, MessageStatus.Delivered);

        Assert.Equal(0, rig.Store.RetryCountOf(id));
        Assert.Single(rig.Peer.Seen);
    }

    [Fact]
    public async Task What_is_cancelled_at_its_destination_frees_its_place_at_once()
    {
        await using var rig = await EngineRig.StartAsync(delivery: options => options with { Concurrency = 1, InitialConcurrency = 1 });
        using var stall = new Stall(rig);
        var ids = await rig.SubmitManyAsync(Sender.Tenant, Enumerable.Range(0, 20).Select(i => new[] { $"u{i}@a.example" }));
        await stall.UntilAnyReachedAsync();
        await rig.Watch.UntilAsync(
            () => rig.Engine.Leased == 20 && ids.Count(id => rig.Store.StatusOf(id) == MessageStatus.Rendered) == 19, "all are leased");

        var outcomes = await Task.WhenAll(ids.Select(rig.CancelAsync));
        await Watch.PollAsync(() => rig.Engine.Leased == 1, "only the one that is sending is held");

        Assert.Equal(
            new ControlOutcome.Refused(MessageStatus.Sending), Assert.Single(outcomes, outcome => outcome is ControlOutcome.Refused));
        Assert.Equal(1, rig.Peer.Mails);
    }

    [Fact]
    public async Task Another_tenant_cannot_reach_an_attempt()
    {
        await using var rig = await EngineRig.StartAsync();
        using var stall = new Stall(rig);
        var id = await rig.SubmitAsync("ada@a.example");
        await stall.UntilReachedAsync("ada@a.example");

        Assert.IsType<ControlOutcome.NotFound>(await rig.Control.RetryAsync(Sender.Other, id, CancellationToken.None));
        Assert.IsType<ControlOutcome.NotFound>(await rig.Control.FailAsync(Sender.Other, id, null, CancellationToken.None));

        stall.Release();
        await rig.UntilStatusAsync(id, MessageStatus.Delivered);
    }

    static async Task<(MessageId Id, TaskCompletionSource<string?> Answer)> BehindTheDotAsync(EngineRig rig)
    {
        var answer = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        rig.Peer.OnDot = _ => answer.Task;
        var id = await rig.SubmitAsync("ada@a.example");
        await rig.Watch.UntilAsync(() => rig.Peer.Seen.Count == 1, "the final dot has come");
        return (id, answer);
    }

    /// <summary>The peer says nothing to DATA, until it is released or the test ends.</summary>
    sealed class Stall : IDisposable
    {
        readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        readonly ConcurrentQueue<string> _reached = new();
        readonly EngineRig _rig;

        public Stall(EngineRig rig, string? only = null)
        {
            _rig = rig;
            rig.Peer.BeforeData = recipient =>
            {
                if (only is not null && recipient != only)
                    return Task.CompletedTask;
                _reached.Enqueue(recipient);
                rig.Watch.Changed();
                return _released.Task;
            };
        }

        public Task UntilReachedAsync(string recipient) =>
            _rig.Watch.UntilAsync(() => _reached.Contains(recipient), $"{recipient} has come to DATA");

        public Task UntilAnyReachedAsync() => _rig.Watch.UntilAsync(() => !_reached.IsEmpty, "one has come to DATA");

        public void Release() => _released.TrySetResult();

        public void Dispose() => Release();
    }
}
