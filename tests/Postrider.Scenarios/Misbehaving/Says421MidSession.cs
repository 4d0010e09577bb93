using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Misbehaving;

/// <summary>The MX has had enough of the session (RFC 5321 §3.8) when the second message comes.</summary>
public sealed class Says421MidSession
{
    [Fact]
    public async Task Tries_the_message_at_once_over_a_new_connection_when_nothing_of_it_was_heard()
    {
        await using var mx = ScriptedMx.Start(new MxScript()
            .At(MxStage.Mail, MxStep.Say("250 2.1.0 ok"), MxStep.SayAndClose("421 4.3.2 enough")));
        await using var server = await Trial.StartAsync(mx);
        await server.SendAndSettleAsync(Letter.To("ada@peer.test"));

        var second = await server.SendAndSettleAsync(Letter.To("bob@peer.test"));

        Snapshot.Is(
            """
            delivered, retry_count 0
            processed bob@peer.test
            delivered bob@peer.test smtp_response=250 2.0.0 taken [mx_host=127.0.0.1]
            """,
            second.Timeline);
        Assert.Equal((2, 2), (mx.Connections, mx.Mail.Count));
    }

    [Fact]
    public async Task Defers_the_message_when_it_was_heard_in_part()
    {
        await using var mx = ScriptedMx.Start(new MxScript().For("bob", MxStep.SayAndClose("421 4.3.2 enough")));
        await using var server = await Trial.StartAsync(mx);
        await server.SendAndSettleAsync(Letter.To("ada@peer.test"));

        var second = await server.SendAndSettleAsync(Letter.To("bob@peer.test"));

        Snapshot.Is(
            """
            delivered, retry_count 1
            processed bob@peer.test
            deferred bob@peer.test smtp_response=421 4.3.2 enough [attempt=1 next_retry_at mx_host=127.0.0.1]
            delivered bob@peer.test smtp_response=250 2.0.0 taken [mx_host=127.0.0.1]
            """,
            second.Timeline);
    }
}
