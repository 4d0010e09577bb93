using System.Text.Json;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Shaping;

/// <summary>An MX that has had too much, says so twice, and then takes mail again.</summary>
public sealed class ThrottlesForAWhile
{
    [Fact]
    public async Task Is_left_alone_longer_each_time_and_the_timeline_tells_of_it()
    {
        await using var mx = ScriptedMx.Start(new MxScript().At(
            MxStage.Mail, MxStep.SayAndClose("421 4.7.0 too much"), MxStep.SayAndClose("421 4.7.0 still too much")));
        await using var server = await PostriderServer.StartAsync(mx.Route, "Retry:Delays=200ms", "Retry:Jitter=0", "Delivery:BackOff:Most=5s");

        var message = await server.SendAndSettleAsync(Letter.To("ada@peer.test"));

        Snapshot.Is(
            """
            delivered, retry_count 2
            processed ada@peer.test
            deferred ada@peer.test smtp_response=421 4.7.0 too much [attempt=1 next_retry_at mx_host=127.0.0.1]
            deferred ada@peer.test smtp_response=421 4.7.0 still too much [attempt=2 next_retry_at mx_host=127.0.0.1]
            delivered ada@peer.test smtp_response=250 2.0.0 taken [mx_host=127.0.0.1]
            """,
            message.Timeline);
        Assert.Equal((3, 1), (mx.Connections, mx.Taken.Count()));
    }

    [Fact]
    public async Task Keeps_others_mail_in_the_store_meanwhile_and_the_operator_sees_why()
    {
        await using var mx = ScriptedMx.Start(new MxScript().Always(MxStage.Mail, MxStep.SayAndClose("421 4.7.0 too much")));
        await using var server = await PostriderServer.StartAsync(mx.Route, "Delivery:BackOff:First=1h", "Delivery:BackOff:Most=1h");
        var first = await server.SendAsync(Letter.To("ada@peer.test"));
        await server.SeesAsync(first, message => message.RetryCount == 1, "it is deferred");
        var second = await server.SendAsync(Letter.To("bob@elsewhere.test"));

        var queue = await Queues.SeesAsync(server, one => one.GetProperty("limit").GetString() == "back-off" && one.GetProperty("messages").GetInt32() == 2);
        var text = (await server.Installation.CommandAsync("queue")).Succeeded().Output;
        await server.StopAsync();
        var unserved = JsonDocument.Parse((await server.Installation.CommandAsync("queue", "--json")).Succeeded().Output).RootElement;

        Assert.Equal(
            ("421 4.7.0 too much", "421 4.7.0 too much"), (queue.GetProperty("reason").GetString(), queue.GetProperty("last_reply").GetString()));
        Assert.Equal(["elsewhere.test", "peer.test"], queue.GetProperty("domains").EnumerateArray().Select(domain => domain.GetString()));
        Assert.True(queue.GetProperty("next_attempt").GetDateTimeOffset() > queue.GetProperty("waiting_since").GetDateTimeOffset() + TimeSpan.FromMinutes(40));
        Assert.Contains("limit: back-off (421 4.7.0 too much)", text);
        Assert.Contains("last reply: 421 4.7.0 too much", text);
        Assert.Equal(0, unserved.GetProperty("servers").GetInt32());
        Assert.Equal(
            ["no server", "schedule"], unserved.GetProperty("destinations").EnumerateArray().Select(one => one.GetProperty("limit").GetString()).Order());
        Assert.Equal(1, mx.Connections);
        Assert.NotEqual(first, second);
    }
}
