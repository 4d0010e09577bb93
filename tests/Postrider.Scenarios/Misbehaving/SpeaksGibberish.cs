using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Misbehaving;

/// <summary>What is no reply ends the session; the message is tried again.</summary>
public sealed class SpeaksGibberish
{
    [Theory]
    [InlineData("Greeting", "hello there\r\n")]
    [InlineData("Greeting", "2200 ESMTP\r\n")]
    [InlineData("Ehlo", "250-mx.test\r\n550 SIZE\r\n")]                 // codes that differ
    [InlineData("Mail", "\r\n")]
    [InlineData("Rcpt", "25\u00000 ok\r\n")]
    [InlineData("Rcpt", "\u00ff\u00fe\u00fd\r\n")]
    [InlineData("Data", "999 go on\r\n")]
    [InlineData("Rcpt", "354 go on\r\n")]                               // a reply to something else
    public Task Is_tried_again(string stage, string octets) => AgainAsync(stage, octets);

    [Fact]
    public Task Is_tried_again_after_a_line_without_end() => AgainAsync("Mail", new string('2', 100_000));

    [Fact]
    public Task Is_tried_again_after_a_reply_without_end() => AgainAsync("Mail", string.Concat(Enumerable.Repeat("250-more\r\n", 10_000)));

    static async Task AgainAsync(string stage, string octets)
    {
        await using var mx = ScriptedMx.Start(new MxScript().At(Enum.Parse<MxStage>(stage), MxStep.Write(octets)));
        await using var server = await Trial.StartAsync(mx, "Smtp:Timeouts:Command=2s", "Smtp:Timeouts:Greeting=2s");

        var message = await server.SendAndSettleAsync(Letter.To("ada@peer.test"));

        Assert.Equal(("delivered", 1), (message.Status, message.RetryCount));
        Assert.Equal(["processed", "deferred", "delivered"], message.EventTypes);
        Assert.False(message.HasUncertainEvent);
        Assert.Single(mx.Mail);
    }
}
