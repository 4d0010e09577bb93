using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.NameServing;

public sealed class DomainIsInternational
{
    [Fact]
    public async Task Is_looked_up_and_addressed_by_its_A_labels()
    {
        await using var zone = await Zone.ServeAsync();
        await using var mx = zone.StartMx(2);
        await using var server = await PostriderServer.StartAsync(zone.Settings);

        var message = await server.SendAndSettleAsync(Letter.To("ada@bücher.postrider.test"));

        Assert.Equal("delivered", message.Status);
        Assert.Equal(["ada@xn--bcher-kva.postrider.test"], mx.Mail.Single().To);
        var found = await server.Api.GetAsync("/v3/messages?to_email=ada@b%C3%BCcher.postrider.test");
        Assert.Equal(1, found.Body.GetProperty("total").GetInt32());
    }
}
