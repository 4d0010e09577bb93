using Postrider.Engine.Control;
using Postrider.Engine.Delivery;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Store.Postgres.Nodes;

namespace Postrider.Store.Conformance.Postgres;

/// <summary>What nodes tell and ask each other. Time stands still, so what comes has come by answers and not by patience.</summary>
public sealed class PostgresChannelTests : StoreConformance<PostgresFixture>
{
    [Fact]
    public async Task A_node_hears_what_another_accepts_and_not_what_it_accepts_itself()
    {
        await using var other = await Store.OpenAnotherAsync();
        var heard = new TaskCompletionSource<Backlog>(TaskCreationOptions.RunContinuationsAsynchronously);
        var own = 0;
        await using var here = Channel(Store.Postgres);
        await using var hears = new PostgresWakeups(here, Store.Postgres, _ => own++);
        await using var there = Channel(other);
        await using var tells = new PostgresWakeups(there, other, backlog => heard.TrySetResult(backlog));
        await ListenAsync(here, there);

        await Sample.AcceptAsync();

        Assert.Equal(new Backlog(Sample.Backlog(), Store.Now), await WithinAsync(heard.Task));
        Assert.Equal(0, own);
    }

    [Fact]
    public async Task What_no_node_attempts_is_for_the_asker_once_all_have_said_so()
    {
        await using var here = Channel(Store.Postgres);
        var calls = Calls(here, nodes: 3);
        await using var second = Channel(Store.Postgres);
        await using var third = Channel(Store.Postgres);
        Calls(second).Answer(Control());
        Calls(third).Answer(Control());
        await ListenAsync(here, second, third);

        Assert.Null(await WithinAsync(calls.RetryAsync(Retry(), CancellationToken.None)));
    }

    [Fact]
    public async Task A_node_that_is_alone_asks_nobody()
    {
        await using var here = Channel(Store.Postgres);

        Assert.Null(await WithinAsync(Calls(here, nodes: 1).RetryAsync(Retry(), CancellationToken.None)));
    }

    [Fact]
    public async Task Nodes_that_do_not_answer_are_waited_for_a_second()
    {
        await using var here = Channel(Store.Postgres);
        var calls = Calls(here);
        await ListenAsync(here);

        var begun = Store.Now;
        var asked = calls.RetryAsync(Retry(), CancellationToken.None);
        await PassTimeUntilAsync(asked);

        Assert.Null(await asked);
        Assert.True(Store.Now - begun >= TimeSpan.FromSeconds(1), $"{Store.Now - begun}");
    }

    [Fact]
    public async Task A_fail_is_told_when_all_know_of_it()
    {
        await using var here = Channel(Store.Postgres);
        var calls = Calls(here, nodes: 3);
        await using var second = Channel(Store.Postgres);
        await using var third = Channel(Store.Postgres);
        Calls(second).Answer(Control());
        Calls(third).Answer(Control());
        await ListenAsync(here, second, third);

        await calls.VoidAsync(Sample.Tenant, new MessageId(Store.Ids.Next()), 1).WaitAsync(PostgresFixture.Longest, TimeProvider.System);
    }

    [Fact]
    public async Task What_the_holder_did_unheard_is_not_done_twice()
    {
        var message = await Sample.AcceptAsync();
        await Sample.ClaimAsync();
        var write = Retry() with { Tenant = Sample.Tenant, Message = message.Id };

        var first = await Store.Control.ChangeAsync(write, CancellationToken.None);
        var second = await Store.Control.ChangeAsync(write, CancellationToken.None);

        Assert.Equal(first, second);
        Assert.IsType<ControlResult.Changed>(second);
        Assert.Equal(1, (await Sample.FindAsync(message.Id))!.RetryCount);
    }

    [Theory]
    [InlineData("came {0} done 0", typeof(ControlOutcome.Done), MessageStatus.Queued)]
    [InlineData("came {0} in-progress 5", typeof(ControlOutcome.InProgress), MessageStatus.Delivered)]
    [InlineData("came {0} refused 8", typeof(ControlOutcome.Refused), MessageStatus.Cancelled)]
    [InlineData("came {0} of-a-newer-node 99", typeof(ControlOutcome.InProgress), MessageStatus.Sending)]
    public async Task What_the_holder_comes_to_is_the_answer(string line, Type outcome, MessageStatus status)
    {
        await using var here = Channel(Store.Postgres);
        var calls = Calls(here);
        await using var there = Channel(Store.Postgres);
        there.Hear("postrider_control", lines => _ = AnswerAsync(lines[0].Split(' ')[1]));
        await ListenAsync(here, there);

        var came = await WithinAsync(calls.RetryAsync(Retry(), CancellationToken.None));

        Assert.IsType(outcome, came);
        Assert.Equal(status, came switch
        {
            ControlOutcome.Done done => done.Status,
            ControlOutcome.InProgress inProgress => inProgress.Status,
            _ => ((ControlOutcome.Refused)came).Status,
        });

        async Task AnswerAsync(string call)
        {
            await there.SayAsync(
                "postrider_control", $"\nmine\nretry 1 2 3 4\nnone {call[1..]}\ncame nobody done 0", CancellationToken.None);
            await there.SayAsync("postrider_control", $"mine {call}", CancellationToken.None);
            await there.SayAsync("postrider_control", line.Replace("{0}", call, StringComparison.Ordinal), CancellationToken.None);
        }
    }

    [Fact]
    public async Task A_holder_that_falls_silent_leaves_a_refusal()
    {
        await using var here = Channel(Store.Postgres);
        var calls = Calls(here);
        var answered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        here.Hear("postrider_test", _ => answered.TrySetResult());
        await using var there = Channel(Store.Postgres);
        there.Hear("postrider_control", lines => _ = AnswerAsync(lines[0].Split(' ')[1]));
        await ListenAsync(here, there);

        var asked = calls.RetryAsync(Retry(), CancellationToken.None);
        await answered.Task.WaitAsync(PostgresFixture.Longest, TimeProvider.System);
        await PassTimeUntilAsync(asked);

        Assert.Equal(new ControlOutcome.InProgress(MessageStatus.Sending), await asked);

        async Task AnswerAsync(string call)
        {
            await there.SayAsync("postrider_control", $"mine {call}", CancellationToken.None);
            await there.SayAsync("postrider_test", "", CancellationToken.None);
        }
    }

    NodeChannel Channel(Postrider.Store.Postgres.PostgresStore store) => new(store, Store.Time, Store.Ids, log: null);

    PostgresCalls Calls(NodeChannel channel, int nodes = 2) => new(channel, () => nodes, new ControlOptions(), Store.Ids, log: null);

    MessageControl Control() => new(
        Store.Postgres, new RunningAttempts(), new NoOtherNodes(), new Deaf(), Store.Ids, Store.Time, new ControlOptions());

    ControlWrite Retry() => new(
        new TenantId(Store.Ids.Next()), new MessageId(Store.Ids.Next()), ControlAction.Retry, Store.Now, new EventId(Store.Ids.Next()));

    static Task ListenAsync(params NodeChannel[] channels)
    {
        foreach (var channel in channels)
            channel.Start(() => { });
        return Task.WhenAll(channels.Select(channel => channel.Listening)).WaitAsync(PostgresFixture.Longest, TimeProvider.System);
    }

    static Task<T> WithinAsync<T>(Task<T> task) => task.WaitAsync(PostgresFixture.Longest, TimeProvider.System);

    async Task PassTimeUntilAsync(Task task)
    {
        using var limit = new CancellationTokenSource(PostgresFixture.Longest);
        while (!task.IsCompleted)
        {
            limit.Token.ThrowIfCancellationRequested();
            Store.Time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }
    }

    sealed class Deaf : IQueueWakeup
    {
        public void Due(Backlog backlog)
        {
        }
    }
}
