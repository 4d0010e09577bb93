using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Crashes;

/// <summary>kill -9, again and again, while clients post: promises 1, 2 and 5 of the design.</summary>
[Collection(nameof(Undisturbed))]
public sealed class KilledUnderLoad
{
    const int Kills = 52;
    const int Seed = 20_261_120;
    const int LongestLifeMilliseconds = 350;

    [Fact]
    public async Task Loses_nothing_and_doubles_only_what_it_calls_uncertain()
    {
        var random = new Random(Seed);
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(
            mx.Route, "Log:Level=Warning", "RateLimits:OthersPerSecond=1000000", "RateLimits:MessageListsPerSecond=1000000");
        await using var load = new Load(server, clients: 4);

        for (var i = 0; i < Kills; i++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(LongestLifeMilliseconds)), TimeProvider.System);
            await server.KillAsync();
            await server.LaunchAsync();
            if (i % 8 != 7)     // the eighth dies while it starts
                await server.WaitUntilHealthyAsync();
        }
        await server.WaitUntilHealthyAsync();
        await load.StopAsync();
        var books = await Books.CloseAsync(server, mx);

        Assert.Empty(load.Refused);
        Assert.True(load.Acknowledged.Count > Kills, "There was load.");
        books.AssertKept(load);
        TestContext.Current.TestOutputHelper!.WriteLine($"{Kills} kills, {books.Summary(load)}");
    }
}
