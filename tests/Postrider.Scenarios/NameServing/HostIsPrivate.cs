using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.NameServing;

/// <summary>An MX record may not make us talk to our own machine or network, unless the operator says so.</summary>
public sealed class HostIsPrivate
{
    [Theory]
    [InlineData("two.postrider.test")]
    [InlineData("implicit.postrider.test")]     // no MX record, only an address
    public async Task Is_not_contacted(string domain)
    {
        await using var zone = await Zone.ServeAsync();
        await using var mx = zone.StartMx(2);
        await using var server = await PostriderServer.StartAsync([.. zone.Settings, "Smtp:AllowPrivateTargets=false"]);

        var message = await server.SendAndSettleAsync(Letter.To($"ada@{domain}"));

        Assert.Equal("bounced", message.Status);
        Assert.Equal(["processed", "blocked"], message.EventTypes);
        Assert.Contains("127.0.0.", message.Json.GetProperty("error_message").GetString());
        Assert.Equal(0, mx.Connections);
    }

    [Fact]
    public async Task Is_contacted_when_that_is_allowed()
    {
        await using var zone = await Zone.ServeAsync();
        await using var mx = zone.StartMx(2);
        await using var server = await PostriderServer.StartAsync(zone.Settings);

        var message = await server.SendAndSettleAsync(Letter.To("ada@implicit.postrider.test"));

        Assert.Equal(("delivered", 1), (message.Status, mx.Mail.Count));
    }
}
