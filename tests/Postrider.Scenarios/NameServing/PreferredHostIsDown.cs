using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.NameServing;

public sealed class PreferredHostIsDown
{
    [Fact]
    public async Task The_next_one_gets_the_message_in_the_same_attempt()
    {
        await using var zone = await Zone.ServeAsync();
        await using var second = zone.StartMx(3);
        await using var server = await PostriderServer.StartAsync(zone.Settings);

        var message = await server.SendAndSettleAsync(Letter.To("ada@two.postrider.test"));

        Snapshot.Is(
            """
            delivered, retry_count 0
            processed ada@two.postrider.test
            delivered ada@two.postrider.test smtp_response=250 2.0.0 taken [mx_host=mx2.postrider.test]
            """,
            message.Timeline);
    }

    [Fact]
    public async Task The_preferred_one_gets_it_when_both_are_up()
    {
        await using var zone = await Zone.ServeAsync();
        await using var first = zone.StartMx(2);
        await using var second = zone.StartMx(3);
        await using var server = await PostriderServer.StartAsync(zone.Settings);

        for (var i = 0; i < 5; i++)
            await server.SendAndSettleAsync(Letter.To($"ada{i}@two.postrider.test"));

        Assert.Equal((5, 0), (first.Mail.Count, second.Connections));
    }
}
