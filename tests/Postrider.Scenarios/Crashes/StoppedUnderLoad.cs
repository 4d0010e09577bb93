using System.Diagnostics;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Crashes;

/// <summary>SIGTERM while clients post and mail flows: what was begun is finished or given back.</summary>
[Collection(nameof(Undisturbed))]
public sealed class StoppedUnderLoad
{
    [Fact]
    public async Task Ends_in_time_with_nothing_lost_and_nothing_doubled()
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(
            mx.Route, "RateLimits:OthersPerSecond=1000000", "RateLimits:MessageListsPerSecond=1000000", "Log:Level=Warning");
        await using var load = new Load(server, clients: 8);
        await Eventually.IsTrueAsync(() => load.Acknowledged.Count > 200, "there is load");

        var started = Stopwatch.GetTimestamp();
        var end = await server.StopAsync();
        var took = Stopwatch.GetElapsedTime(started);
        await load.StopAsync();
        await server.StartAgainAsync();
        var books = await Books.CloseAsync(server, mx);

        Assert.True(end.ExitCode == 0, end.Errors);
        Assert.True(took < TimeSpan.FromSeconds(30), $"It took {took}.");
        Assert.All(load.Refused.Values, answer => Assert.Equal(503, answer.Status));
        // What was taken was also answered, and the other way round.
        Assert.Equal(load.Acknowledged.Keys.Order(StringComparer.Ordinal), books.Stored.Keys.Order(StringComparer.Ordinal));
        Assert.All(books.Stored, stored => Assert.Equal("delivered", stored.Value.Status));
        Assert.All(books.Stored, stored => Assert.False(stored.Value.HasUncertainEvent, stored.Value.Timeline));
        Assert.Equal(books.Stored.Keys.Order(StringComparer.Ordinal), books.Arrived.Keys.Order(StringComparer.Ordinal));
        Assert.Empty(books.ArrivedTwice);
    }

    [Fact]
    public async Task Tells_what_it_could_not_wait_for()
    {
        await using var mx = ScriptedMx.Start(new MxScript().At(MxStage.EndOfData, MxStep.StallUnread));
        await using var server = await PostriderServer.StartAsync(mx.Route, "Queue:Drain=1s");
        var id = await server.SendAsync(Letter.To("ada@peer.test"));
        await Eventually.IsTrueAsync(() => mx.Mail.Count == 1, "the final dot has come");

        var end = await server.StopAsync();
        await server.StartAgainAsync();
        var message = await server.SettledAsync(id);

        Assert.True(end.ExitCode == 0, end.Errors);
        Assert.Equal("delivered", message.Status);
        Assert.True(message.HasUncertainEvent, message.Timeline);      // it could not wait any longer, and says so
    }
}
