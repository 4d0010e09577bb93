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
        Assert.All(load.Acknowledged, posted => Assert.Equal(posted.Value, books.Stored.GetValueOrDefault(posted.Key)?.Id));
        Assert.All(books.Stored, stored => Assert.Equal("delivered", stored.Value.Status));
        Assert.All(books.Stored, stored => Assert.Single(stored.Value.EventTypes, type => type == "delivered"));
        Assert.Equal(books.Stored.Keys.Order(StringComparer.Ordinal), books.Arrived.Keys.Order(StringComparer.Ordinal));
        Assert.Empty(books.Stored.Keys.Except(load.Acknowledged.Keys).Except(load.Unanswered));
        var doubled = books.ArrivedTwice.Select(recipient => books.Stored[recipient]);
        Assert.All(doubled, message => Assert.True(message.HasUncertainEvent, message.Timeline));
        Assert.All(mx.Taken.GroupBy(mail => mail.To.Single()), copies => Assert.Single(copies.Select(mail => mail.MessageId).Distinct()));
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{Kills} kills, {load.Acknowledged.Count} acknowledged, {load.Unanswered.Count} unanswered, {books.Stored.Count} stored, "
            + $"{books.ArrivedTwice.Count()} arrived twice, {books.Stored.Values.Count(message => message.HasUncertainEvent)} uncertain");
    }
}
