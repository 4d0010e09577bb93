using Postrider.Scenarios.Crashes;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Nodes;

/// <summary>The database server dies for good, and its synchronous standby is promoted.</summary>
[Collection(nameof(Undisturbed))]
public sealed class PrimaryFails
{
    [Fact]
    public async Task Nodes_go_on_with_the_standby_and_lose_nothing()
    {
        await using var mx = ScriptedMx.Start();
        await using var group = await NodeGroup.StartWithStandbyAsync(Hasty.Settings(mx));
        await using var load = new Load(group.Nodes, clients: 4);
        await Eventually.IsTrueAsync(() => load.Acknowledged.Count > 100, "mail is taken");
        var processes = group.Nodes.Select(node => node.ProcessId).ToArray();

        await group.Cluster.KillAsync();
        await Eventually.IsTrueAsync(() => load.Refused.Count > 0, "clients are told so");
        await group.Standby!.PromoteAsync();
        foreach (var node in group.Nodes)
            await Eventually.SeesAsync(() => node.Api.GetAsync("/ready"), ready => ready.Status == 200, "the node is ready again", TimeSpan.FromSeconds(60));
        var acknowledged = load.Acknowledged.Count;
        await Eventually.IsTrueAsync(() => load.Acknowledged.Count > acknowledged + 100, "mail is taken again");
        await load.StopAsync();
        var books = await Books.CloseAsync(group[0], mx);

        Assert.All(load.Refused.Values, DatabaseRestarts.AssertAway);
        Assert.Empty(load.Unanswered);
        books.AssertKept(load);
        await NodeGroup.AssertTotalsAsync(group.Standby);
        Assert.Equal(processes, group.Nodes.Select(node => node.ProcessId));
        TestContext.Current.TestOutputHelper!.WriteLine(books.Summary(load));
    }
}
