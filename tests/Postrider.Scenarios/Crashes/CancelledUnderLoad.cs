using System.Collections.Concurrent;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Crashes;

/// <summary>Cancels against a running pipeline: promise 3 of the design, contract §4.5.2.</summary>
[Collection(nameof(Undisturbed))]
public sealed class CancelledUnderLoad
{
    const int Messages = 1_500;
    const int Requests = 16;

    [Fact]
    public async Task Each_message_is_either_cancelled_or_received()
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(
            mx.Route, "Log:Level=Warning", "RateLimits:OthersPerSecond=1000000", "RateLimits:MessageListsPerSecond=1000000");
        var ids = new ConcurrentDictionary<string, string>(StringComparer.Ordinal);
        var cancelled = new ConcurrentDictionary<string, bool>(StringComparer.Ordinal);

        // Some are cancelled the moment they are accepted, some when all are under way.
        await Parallel.ForEachAsync(
            Enumerable.Range(0, Messages / 50), new ParallelOptions { MaxDegreeOfParallelism = Requests },
            async (request, _) =>
            {
                var recipients = Enumerable.Range(request * 50, 50).Select(i => $"r{i}@peer.test").ToArray();
                var answer = await server.Api.PostAsync("/v3/mail/send", Letter.ToEach(recipients));
                Assert.True(answer.Status == 202, answer.ToString());
                foreach (var (recipient, id) in recipients.Zip(answer.Texts("message_ids")))
                {
                    ids[recipient] = id;
                    if (request % 2 == 0)
                        cancelled[recipient] = await CancelAsync(server, id);
                }
            });
        await Parallel.ForEachAsync(
            ids, new ParallelOptions { MaxDegreeOfParallelism = Requests },
            async (message, _) => cancelled[message.Key] = await CancelAsync(server, message.Value));
        var books = await Books.CloseAsync(server, mx);

        Assert.Equal(Messages, books.Stored.Count);
        Assert.All(books.Stored, stored => Assert.Equal(cancelled[stored.Key] ? "cancelled" : "delivered", stored.Value.Status));
        Assert.Equal(
            cancelled.Where(pair => !pair.Value).Select(pair => pair.Key).Order(StringComparer.Ordinal),
            books.Arrived.Keys.Order(StringComparer.Ordinal));
        Assert.Empty(books.ArrivedTwice);
        TestContext.Current.TestOutputHelper!.WriteLine($"{cancelled.Count(pair => pair.Value)} of {Messages} were cancelled");
    }

    /// <returns>True when it was cancelled, now or before.</returns>
    static async Task<bool> CancelAsync(PostriderServer server, string id)
    {
        var answer = await server.Api.PostAsync($"/v3/messages/{id}/cancel", null);
        Assert.True(answer.Status is 200 or 409, answer.ToString());
        return answer.Status == 200;
    }
}
