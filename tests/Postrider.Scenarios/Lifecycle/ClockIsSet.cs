using Postrider.Scenarios.Crashes;
using Postrider.Scenarios.Nodes;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Lifecycle;

/// <summary>
/// The machine's clock is set an hour ahead, and an hour back, while mail flows, waits for its time, and waits to be tried again.
/// </summary>
[Collection(nameof(Undisturbed))]
public sealed class ClockIsSet
{
    const int Before = 50;

    static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task Nothing_is_lost_or_sent_twice_or_stuck_and_the_schedule_goes_by_the_clock(int hours)
    {
        using var clock = new WallClock();
        await using var mx = ScriptedMx.Start(Script());
        await using var server = await PostriderServer.StartAsync(clock, Settings(mx));

        await LeapAsync(server, clock, mx, hours);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task The_same_goes_for_one_node_on_PostgreSQL(int hours)
    {
        using var clock = new WallClock();
        await using var mx = ScriptedMx.Start(Script());
        await using var group = await NodeGroup.StartAsync(0);
        var server = await group.AddAsync(clock, Settings(mx));

        await LeapAsync(server, clock, mx, hours);

        await NodeGroup.AssertTotalsAsync(group.Cluster);
    }

    /// <summary>
    /// The clock of one of two nodes: it says that it is not fit for requests, takes nothing from the other, and moves no retry of the
    /// other's; both go on sending.
    /// </summary>
    [Fact]
    public async Task One_node_of_two_says_so_and_leaves_alone_what_the_other_has()
    {
        using var clock = new WallClock();
        var script = new MxScript().For("deferred", MxStep.Say("450 4.2.0 Busy")).For("held", MxStep.Wait);
        await using var mx = ScriptedMx.Start(script);
        var settings = Hasty.Settings(mx, "Retry:Delays=2h", "Retry:Jitter=0");
        await using var group = await NodeGroup.StartAsync(1, settings);
        var right = group[0];
        var held = await right.SendAsync(Letter.To("held@peer.test"));
        await Eventually.IsTrueAsync(() => script.IsUsedUp(MxStage.Rcpt, "held"), "it is being sent");
        var deferred = await right.SendAsync(Letter.To("deferred@peer.test"));
        await right.SeesAsync(deferred, message => message.RetryCount == 1, "it is deferred");
        await right.SendAsync(Letter.To("scheduled@peer.test").With("send_at", (clock.Now + 3 * Hour).ToUnixTimeSeconds()));
        var wrong = await group.AddAsync(clock, settings);
        var waiting = await DueTimesAsync(group);

        var sent = new List<string>();
        foreach (var (leaps, hours) in ((int, int)[])[(1, 1), (2, -1)])
        {
            clock.Set(hours * Hour);
            await Eventually.IsTrueAsync(() => wrong.Errors.Split("The clock leapt by").Length - 1 == leaps, "the leap is noticed");
            var ready = await wrong.Api.GetAsync("/ready");
            Assert.Equal(503, ready.Status);
            Assert.Contains("""{"name":"clock","ok":false""", ready.Raw);
            Assert.Equal(200, (await right.Api.GetAsync("/ready")).Status);
            for (var i = 0; i < 10; i++)
                sent.Add(await group[i % 2].SendAsync(Letter.To($"r{leaps}.{i}@peer.test")));
            foreach (var id in sent)
                Assert.Equal("delivered", (await right.SettledAsync(id)).Status);
        }
        Assert.Equal(waiting, await DueTimesAsync(group));
        clock.Set(TimeSpan.Zero);
        await Eventually.SeesAsync(() => wrong.Api.GetAsync("/ready"), ready => ready.Status == 200, "it is ready again");
        mx.Release();
        var message = await right.SettledAsync(held);

        Assert.Equal(["processed", "delivered"], message.EventTypes);
        Assert.Single(mx.Taken, mail => mail.To.Single() == "held@peer.test");
        // Leases of a clock that is behind have ended to all others: what it was just sending may arrive twice, and is marked.
        foreach (var id in sent)
        {
            var one = await right.Api.MessageAsync(id);
            var copies = mx.Taken.Count(mail => mail.To.Single() == one.Json.GetProperty("to_emails")[0].GetString());
            Assert.True(copies == 1 || (copies == 2 && one.HasUncertainEvent), one.Timeline);
        }
        await NodeGroup.AssertTotalsAsync(group.Cluster);
    }

    static Task<string> DueTimesAsync(NodeGroup group) =>
        group.QueryAsync("select retry_count, due_at from queue where lease_until is null order by due_at");

    static MxScript Script() => new MxScript().For("deferred", MxStep.Say("450 4.2.0 Busy")).For("sending", MxStep.Wait);

    /// <summary>One connection at a time after the one that waits: what is sent before the leap still flows after it.</summary>
    static string[] Settings(ScriptedMx mx) =>
    [
        mx.Route, "Retry:Delays=3s", "Retry:Jitter=0", "ScaiSend:ScheduleSlack=0ms", "Delivery:Concurrency=2",
        "Delivery:InitialConcurrency=2", "Log:Level=Warning",
    ];

    static async Task LeapAsync(PostriderServer server, WallClock clock, ScriptedMx mx, int hours)
    {
        var script = mx.Script;
        var inHalfAnHour = await server.SendAsync(Letter.To("half@peer.test").With("send_at", (clock.Now + Hour / 2).ToUnixTimeSeconds()));
        var inTwoHours = await server.SendAsync(Letter.To("two@peer.test").With("send_at", (clock.Now + 2 * Hour).ToUnixTimeSeconds()));
        var deferred = await server.SendAsync(Letter.To("deferred@peer.test"));
        await server.SeesAsync(deferred, message => message.RetryCount == 1, "it is deferred");
        var sending = await server.SendAsync(Letter.To("sending@peer.test"));
        await Eventually.IsTrueAsync(() => script.IsUsedUp(MxStage.Rcpt, "sending"), "it is being sent");
        var flowing = await server.Api.PostAsync("/v3/mail/send", Letter.ToEach([.. Enumerable.Range(0, Before).Select(i => $"r{i}@peer.test")]));

        clock.Set(hours * Hour);
        var after = await server.SendAsync(Letter.To("after@peer.test"));
        var soon = await server.SendAsync(Letter.To("soon@peer.test").With("send_at", clock.Now.ToUnixTimeSeconds() + 2));
        await server.SettledAsync(after);
        mx.Release();

        foreach (var id in (string[])[deferred, sending, after, soon, .. flowing.Texts("message_ids")])
            Assert.Equal("delivered", (await server.SettledAsync(id)).Status);
        if (hours > 0)
            await server.SettledAsync(inHalfAnHour);
        Assert.Equal(hours > 0 ? "delivered" : "queued", (await server.Api.MessageAsync(inHalfAnHour)).Status);
        Assert.Equal("queued", (await server.Api.MessageAsync(inTwoHours)).Status);
        clock.Set(3 * Hour);
        await server.SettledAsync(inTwoHours);
        await server.SettledAsync(inHalfAnHour);

        var arrived = mx.Taken.SelectMany(mail => mail.To).ToArray();
        Assert.Equal(arrived.Length, arrived.Distinct().Count());
        Assert.Equal(Before + 6, arrived.Length);
        Assert.Contains("The clock leapt by", server.Errors);
        Assert.Equal(0, (await server.StopAsync()).ExitCode);
    }
}
