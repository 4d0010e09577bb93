using Postrider.Scenarios.Crashes;
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
        var script = new MxScript().For("deferred", MxStep.Say("450 4.2.0 Busy")).For("sending", MxStep.Wait);
        await using var mx = ScriptedMx.Start(script);
        // One connection at a time after the one that waits: what is sent before the leap still flows after it.
        await using var server = await PostriderServer.StartAsync(
            clock, mx.Route, "Retry:Delays=3s", "Retry:Jitter=0", "ScaiSend:ScheduleSlack=0ms",
            "Delivery:Concurrency=2", "Delivery:InitialConcurrency=2", "Log:Level=Warning");
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
