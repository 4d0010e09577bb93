using System.Text.Json.Nodes;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Lifecycle;

/// <summary>Contract §8.9: what is sandboxed is stored and never sent.</summary>
public sealed class SandboxesTests
{
    [Theory]
    [InlineData(true, false)]       // a test key
    [InlineData(false, true)]       // sandbox_mode
    [InlineData(true, true)]
    public async Task Stored_and_never_sent(bool testKey, bool sandboxMode)
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(mx.Route);
        var settings = new JsonObject { ["sandbox_mode"] = new JsonObject { ["enable"] = sandboxMode } };
        var key = testKey ? server.Installation.TestKey : server.Installation.LiveKey;

        var answer = await server.As(key).PostAsync("/v3/mail/send", Letter.To("ada@peer.test").With("mail_settings", settings));
        var live = await server.SendAndSettleAsync(Letter.To("bob@peer.test"));      // comes after it, and arrives

        Assert.Equal(202, answer.Status);
        Assert.Equal("delivered", live.Status);
        var message = await server.Api.MessageAsync(answer.Text("message_id"));
        Assert.Equal(("sandbox", 0), (message.Status, message.Events.Count()));
        Assert.Equal(["bob@peer.test"], mx.Mail.Single().To);
        Assert.Equal(1, (await server.Api.GetAsync("/v3/messages?status=sandbox")).Body.GetProperty("total").GetInt32());
    }
}
