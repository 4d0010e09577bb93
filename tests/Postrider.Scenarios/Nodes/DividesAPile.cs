using System.Diagnostics;
using System.Text.Json.Nodes;
using Postrider.Scenarios.Crashes;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Nodes;

/// <summary>
/// 100,000 messages of two tenants for many domains, all due at one moment: two nodes divide them between them. A fifth is mailed, the rest
/// is to suppressed addresses: it is claimed and settled like any other, and spares the machine that runs the tests 80,000 SMTP
/// transactions and signatures, which <c>./bench</c> is there to measure.
/// </summary>
[Collection(nameof(Undisturbed))]
public sealed class DividesAPile
{
    const int Requests = 100;
    const int MessagesEach = 1_000;
    const int Messages = Requests * MessagesEach;
    const int Domains = 50;
    const int Mailed = Messages / 5;

    static readonly TimeSpan Ahead = TimeSpan.FromSeconds(8);
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task Each_message_is_claimed_once_and_both_nodes_take_part()
    {
        await using var mx = ScriptedMx.StartForMuch();
        await using var group = await NodeGroup.StartAsync(
            2, mx.Route, "Log:Level=Warning", "RateLimits:SendsPerSecond=1000000", "ScaiSend:ScheduleSlack=0s", "Delivery:Concurrency=40");
        var keys = (string[])[group[0].Installation.LiveKey, group[0].Installation.OtherKey];
        foreach (var key in keys)
        {
            var gone = new JsonArray([.. Enumerable.Range(0, Domains).Select(domain => (JsonNode)$"gone@d{domain}.test")]);
            var suppressed = await group[0].As(key).PostAsync(
                "/v3/asm/suppressions/global", new JsonObject { ["recipient_emails"] = gone });
            Assert.True(suppressed.Status is 200 or 201, suppressed.ToString());
        }
        var started = Stopwatch.GetTimestamp();
        await PostAllAsync(group, TimeProvider.System.GetUtcNow() + Ahead);
        var posted = Stopwatch.GetElapsedTime(started);

        await Eventually.SeesAsync(
            () => group.QueryAsync("select count(*) from queue"), live => live.Trim() == "0", "all are settled", Patience);

        TestContext.Current.TestOutputHelper!.WriteLine($"Posted after {posted}, settled after {Stopwatch.GetElapsedTime(started)}.");
        Assert.Equal(Mailed, mx.Mail.Count);
        Assert.Equal(Mailed, mx.Mail.Select(mail => mail.To.Single()).Distinct().Count());
        // A claim raises the generation: nobody claimed what another had, and each was settled by the one who did.
        Assert.Equal($"{Messages}|1|1", (await group.QueryAsync("select count(*), min(generation), max(generation) from message")).Trim());
        Assert.Equal(
            $"{Messages}|{Messages}",
            (await group.QueryAsync("select count(*), count(distinct message_id) from event where type in (1, 3)")).Trim());
        foreach (var node in group.Nodes)
        {
            var settled = await node.MetricAsync("""postrider_recipient_events_total{type="delivered"}""")
                + await node.MetricAsync("""postrider_recipient_events_total{type="dropped"}""");
            Assert.InRange(settled, Messages * 0.2, Messages * 0.8);
            Assert.Equal(0, await node.MetricAsync("""postrider_recipient_events_total{type="deferred"}"""));
        }
        await NodeGroup.AssertTotalsAsync(group.Cluster);
        foreach (var key in keys)
        {
            var delivered = await group[0].As(key).GetAsync("/v3/messages?status=delivered&page_size=1");
            Assert.Equal(Mailed / 2, delivered.Body.GetProperty("total").GetInt32());
        }
    }

    static Task PostAllAsync(NodeGroup group, DateTimeOffset due) => Parallel.ForEachAsync(
        Enumerable.Range(0, Requests),
        new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = TestContext.Current.CancellationToken },
        async (request, _) =>
        {
            var node = group[request % 2];
            var (key, from) = request % 4 < 2 ? (node.Installation.LiveKey, "hello@acme.test") : (node.Installation.OtherKey, "hello@other.test");
            var letter = Letter.ToEach([.. Enumerable.Range(0, MessagesEach).Select(i => Recipient(request, i))])
                .With("from", Letter.Person(from)).With("send_at", due.ToUnixTimeSeconds());
            var answer = await node.As(key).PostAsync("/v3/mail/send", letter);
            Assert.True(answer.Status == 202, answer.ToString());
        });

    static string Recipient(int request, int i) => $"{(i % 5 == 0 ? $"r{request}.{i}" : "gone")}@d{i / 5 % Domains}.test";
}
