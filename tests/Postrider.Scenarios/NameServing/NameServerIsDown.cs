using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.NameServing;

public sealed class NameServerIsDown
{
    [Fact]
    public async Task The_message_waits_and_goes_out_when_it_is_back()
    {
        await using var zone = Zone.Silent();
        await using var mx = zone.StartMx(2);
        await using var server = await PostriderServer.StartAsync(zone.Settings);
        var id = await server.SendAsync(Letter.To("ada@two.postrider.test"));
        var waiting = await server.SeesAsync(id, message => message.RetryCount > 0, "it is deferred");
        Assert.Equal("queued", waiting.Status);

        await zone.StartAsync();
        var message = await server.SettledAsync(id);

        Assert.Equal("delivered", message.Status);
        Assert.Equal(["deferred"], message.EventTypes.Skip(1).SkipLast(1).Distinct());
        Assert.Single(mx.Mail);
    }

    [Fact]
    public async Task One_that_refuses_to_answer_is_no_answer()
    {
        await using var zone = await Zone.ServeAsync();
        await using var server = await PostriderServer.StartAsync(zone.Settings);

        var id = await server.SendAsync(Letter.To("ada@not-its-zone.test"));

        var waiting = await server.SeesAsync(id, message => message.RetryCount > 0, "it is deferred");
        Assert.Equal("queued", waiting.Status);
        Assert.Equal(["processed", "deferred"], waiting.EventTypes.Distinct());
    }
}
