using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Misbehaving;

/// <summary>Refused for now until the message's lifetime is over: contract §8.4.</summary>
public sealed class NeverRelents
{
    [Theory]
    [InlineData("421 4.7.0 slow down", "failed", "deferred")]           // throttled: no verdict on the mailbox
    [InlineData("450 4.7.1 come later", "failed", "deferred")]
    [InlineData("450 4.2.1 mailbox busy", "bounced", "bounce")]
    [InlineData("451 4.3.0 try later", "bounced", "bounce")]
    public async Task Ends_at_the_end_of_its_lifetime(string reply, string status, string lastEvent)
    {
        await using var mx = ScriptedMx.Start(new MxScript().Always(MxStage.Rcpt, MxStep.Say(reply)));
        await using var server = await Trial.StartAsync(mx, "Retry:Lifetime=2500ms", "Queue:ExpiryInterval=200ms");

        var message = await server.SendAndSettleAsync(Letter.To("ada@peer.test"));

        Assert.Equal((status, reply), (message.Status, message.Json.GetProperty("error_message").GetString()));
        Assert.Equal(lastEvent, message.EventTypes.Last());
        Assert.True(message.RetryCount >= 3, message.Timeline);
        Assert.All(message.EventTypes.Skip(1).SkipLast(1), type => Assert.Equal("deferred", type));
        var last = message.Events.Last();
        if (lastEvent == "bounce")
            Assert.Equal("soft", last.GetProperty("bounce_type").GetString());
        Assert.Empty(mx.Mail);
    }
}
