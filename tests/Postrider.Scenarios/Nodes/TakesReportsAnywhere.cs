using Postrider.Scenarios.Crashes;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Reporting;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Nodes;

/// <summary>A delivery report comes to another node than sent the message, while the database is away, and again.</summary>
[Collection(nameof(Undisturbed))]
public sealed class TakesReportsAnywhere
{
    [Fact]
    public async Task And_records_it_once()
    {
        var (one, other) = (Reporter.OnAnyPort(), Reporter.OnAnyPort());
        var report = Reporter.Failed("550 5.1.1 no such user");
        await using var mx = ScriptedMx.Start();
        await using var group = await NodeGroup.StartAsync(1, Hasty.Settings(mx, one.Listen));
        var sent = await group[0].SendAndSettleAsync(Letter.To("ada@peer.test"));
        var returnPath = Assert.Single(mx.Taken).From;
        var second = await group.AddAsync(Hasty.Settings(mx, other.Listen));

        await group.Cluster.StopAsync(immediately: true);
        var away = await other.SendAsync(returnPath, report);
        await group.Cluster.StartAsync();
        await Eventually.SeesAsync(() => second.Api.GetAsync("/ready"), ready => ready.Status == 200, "the node is ready again");
        var taken = await Eventually.SeesAsync(() => other.SendAsync(returnPath, report), answer => answer.StartsWith('2'), "it is recorded");
        await group[0].KillAsync();
        await group[0].StartAgainAsync();
        var again = await one.SendAsync(returnPath, report);

        Assert.Equal(("451 4.3.0 Not now, try again", "250 2.0.0 Ok", "250 2.0.0 Ok"), (away, taken, again));
        var bounced = await group[0].Api.MessageAsync(sent.Id);
        Assert.Equal(("bounced", "processed delivered bounce"), (bounced.Status, string.Join(' ', bounced.EventTypes)));
        var dropped = await second.SendAndSettleAsync(Letter.To("ada@peer.test"));
        Assert.Equal("dropped", dropped.EventTypes.Last());
        await NodeGroup.AssertTotalsAsync(group.Cluster);
    }
}
