using System.Diagnostics;
using Postrider.Scenarios.Crashes;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Nodes;

/// <summary>kill -9 of one node after the other while clients post to both.</summary>
[Collection(nameof(Undisturbed))]
public sealed class KilledInTurn
{
    const int Kills = 6;
    const int Seed = 20_261_121;

    [Fact]
    public async Task The_others_take_over_nothing_is_lost_and_only_what_they_call_uncertain_is_doubled()
    {
        var random = new Random(Seed);
        await using var mx = ScriptedMx.Start();
        await using var group = await NodeGroup.StartAsync(2, Hasty.Settings(mx));
        await using var load = new Load(group.Nodes, clients: 4);

        for (var kill = 0; kill < Kills; kill++)
        {
            var node = group[kill % 2];
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(300)), TimeProvider.System);
            await node.KillAsync();
            await node.StartAgainAsync();
        }
        await load.StopAsync();
        var books = await Books.CloseAsync(group[0], mx);

        Assert.Empty(load.Refused);
        Assert.True(load.Acknowledged.Count > Kills, "There was load.");
        books.AssertKept(load);
        await NodeGroup.AssertTotalsAsync(group.Cluster);
        TestContext.Current.TestOutputHelper!.WriteLine($"{Kills} kills, {books.Summary(load)}");
    }

    /// <remarks>That the defaults give less than a minute is <c>QueueOptionsTests</c>' to show.</remarks>
    [Fact]
    public async Task What_a_dead_node_held_goes_out_when_its_lease_has_ended()
    {
        await using var mx = ScriptedMx.Start(new MxScript().At(MxStage.EndOfData, MxStep.StallUnread));
        await using var group = await NodeGroup.StartAsync(1, Hasty.Settings(mx));
        var id = await group[0].SendAsync(Letter.To("ada@peer.test"));
        await Eventually.IsTrueAsync(() => mx.Mail.Count == 1, "the final dot has come");
        var other = await group.AddAsync(Hasty.Settings(mx, "Queue:SweepInterval=1h"));

        var killed = Stopwatch.GetTimestamp();
        await group[0].KillAsync();
        var message = await other.SettledAsync(id);

        TestContext.Current.TestOutputHelper!.WriteLine($"Taken over and delivered after {Stopwatch.GetElapsedTime(killed)}.");
        Assert.Equal("delivered", message.Status);
        Assert.True(message.HasUncertainEvent, message.Timeline);
        Assert.Equal(["processed", "deferred", "delivered"], message.EventTypes);
    }
}
