using System.Diagnostics;
using Postrider.Scenarios.Crashes;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Nodes;

/// <summary>100,000 messages of two tenants for many domains, all due at one moment: two nodes divide them between them.</summary>
[Collection(nameof(Undisturbed))]
public sealed class DividesAPile
{
    const int Requests = 100;
    const int MessagesEach = 1_000;
    const int Messages = Requests * MessagesEach;
    const int Domains = 50;

    static readonly TimeSpan Ahead = TimeSpan.FromSeconds(8);
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task Each_message_goes_out_once_and_both_nodes_take_part()
    {
        await using var mx = ScriptedMx.StartForMuch();
        await using var group = await NodeGroup.StartAsync(
            2, mx.Route, "Log:Level=Warning", "RateLimits:SendsPerSecond=1000000", "ScaiSend:ScheduleSlack=0s", "Delivery:Concurrency=40");
        var started = Stopwatch.GetTimestamp();
        await PostAllAsync(group, TimeProvider.System.GetUtcNow() + Ahead);
        var posted = Stopwatch.GetElapsedTime(started);

        await Eventually.IsTrueAsync(() => mx.Mail.Count >= Messages, "all arrive", Patience);
        await Eventually.SeesAsync(() => group.QueryAsync("select count(*) from queue"), live => live.Trim() == "0", "all are settled");

        TestContext.Current.TestOutputHelper!.WriteLine($"Posted after {posted}, settled after {Stopwatch.GetElapsedTime(started)}.");
        Assert.Equal(Messages, mx.Mail.Count);
        Assert.Equal(Messages, mx.Mail.Select(mail => mail.To.Single()).Distinct().Count());
        foreach (var node in group.Nodes)
        {
            Assert.InRange(await node.MetricAsync("""postrider_recipient_events_total{type="delivered"}"""), Messages * 0.2, Messages * 0.8);
            Assert.Equal(0, await node.MetricAsync("""postrider_recipient_events_total{type="deferred"}"""));
        }
        await NodeGroup.AssertTotalsAsync(group.Cluster);
        foreach (var key in (string[])[group[0].Installation.LiveKey, group[0].Installation.OtherKey])
            Assert.Equal(Messages / 2, (await group[0].As(key).GetAsync("/v3/messages?status=delivered&page_size=1")).Body.GetProperty("total").GetInt32());
    }

    static Task PostAllAsync(NodeGroup group, DateTimeOffset due) => Parallel.ForEachAsync(
        Enumerable.Range(0, Requests),
        new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = TestContext.Current.CancellationToken },
        async (request, _) =>
        {
            var node = group[request % 2];
            var (key, from) = request % 4 < 2 ? (node.Installation.LiveKey, "hello@acme.test") : (node.Installation.OtherKey, "hello@other.test");
            var letter = Letter.ToEach([.. Enumerable.Range(0, MessagesEach).Select(i => $"r{request}.{i}@d{i % Domains}.test")])
                .With("from", Letter.Person(from)).With("send_at", due.ToUnixTimeSeconds());
            var answer = await node.As(key).PostAsync("/v3/mail/send", letter);
            Assert.True(answer.Status == 202, answer.ToString());
        });
}
