using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Shaping;

/// <summary>The operator has limited one domain; others at the same MX are not held back.</summary>
public sealed class HasARate
{
    [Fact]
    public async Task Is_kept_to_and_the_operator_sees_what_waits_for_it()
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(mx.Route, "Delivery:Destinations=domain:peer.test rate=1/h");
        await server.SendAsync(Letter.ToEach([.. Enumerable.Range(0, 5).Select(i => $"u{i}@peer.test")]));
        var free = await server.SendAndSettleAsync(Letter.To("ada@free.test"));

        var queue = await Queues.SeesAsync(server, one => one.GetProperty("limit").GetString() == "rate");

        Assert.Equal("delivered", free.Status);
        Assert.Equal((4, "1/h"), (queue.GetProperty("messages").GetInt32(), queue.GetProperty("reason").GetString()));
        Assert.True(queue.GetProperty("next_attempt").GetDateTimeOffset() > queue.GetProperty("waiting_since").GetDateTimeOffset() + TimeSpan.FromMinutes(50));
        Assert.Equal(2, mx.Taken.Count());
        var metrics = await server.Api.GetAsync("/metrics");
        Assert.Contains("postrider_destinations_limited{limit=\"rate\"} 1", metrics.Raw);
    }

    [Fact]
    public async Task Lets_all_through_in_time()
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(mx.Route, "Delivery:Destinations=* rate=20/s");
        var started = TimeProvider.System.GetTimestamp();

        await server.SendAsync(Letter.ToEach([.. Enumerable.Range(0, 43).Select(i => $"u{i}@d{i % 7}.test")]));
        await Eventually.IsTrueAsync(() => mx.Taken.Count() == 43, "all are taken");

        // The budget at first is one message and never more than two: 40 more take two seconds.
        Assert.True(TimeProvider.System.GetElapsedTime(started) >= TimeSpan.FromSeconds(2));
    }
}
