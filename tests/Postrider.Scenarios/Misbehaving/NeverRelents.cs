using System.Text.Json;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Misbehaving;

/// <summary>
/// Refused for now until the message's lifetime is over: contract §8.3 and §8.4. The clock is set to each retry, which is minutes away, so
/// that nothing moves while it is looked at.
/// </summary>
public sealed class NeverRelents
{
    static readonly TimeSpan[] Delays = [TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(15)];
    static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(40);

    /// <summary>After 0, 1, 6, 21 and 36 minutes, and at the end of the lifetime.</summary>
    const int Attempts = 6;

    /// <summary>How late an attempt may be: a leap of the clock is noticed within a second, and then there is the machine.</summary>
    static readonly TimeSpan Late = TimeSpan.FromSeconds(40);

    /// <summary>The API tells whole seconds.</summary>
    static readonly TimeSpan Rounding = TimeSpan.FromSeconds(1);

    static readonly Peer[] Peers =
    [
        new("421 4.7.0 slow down", "failed"),       // throttled: no verdict on the mailbox
        new("450 4.7.1 come later", "failed"),
        new("450 4.2.1 mailbox busy", "bounced", Category: "mailbox-disabled"),
        new("451 4.3.0 try later", "bounced", Category: "other"),
    ];

    [Fact]
    public async Task Is_tried_on_schedule_until_the_end_of_its_lifetime_and_each_look_tells_where_it_stands()
    {
        using var clock = new WallClock();
        var hosts = Peers.Select(peer => ScriptedMx.Start(new MxScript().Always(MxStage.Rcpt, MxStep.Say(peer.Reply)))).ToArray();
        try
        {
            await using var server = await PostriderServer.StartAsync(
                clock, $"Smtp:Routes={string.Join(',', hosts.Select((mx, i) => $"mx{i}.test=127.0.0.1:{mx.Port}"))}",
                "Retry:Delays=1m,5m,15m", "Retry:Jitter=0", "Retry:Lifetime=40m", "Queue:ExpiryInterval=1h",
                "Delivery:BackOff:First=1ms", "Delivery:BackOff:Most=1ms", "Log:Level=Warning");
            var letter = Letter.ToEach([.. Peers.Select((_, i) => $"ada@mx{i}.test")]);
            var ids = (await server.Api.PostAsync("/v3/mail/send", letter)).Texts("message_ids");

            for (var attempt = 1; attempt < Attempts; attempt++)
            {
                var retries = new List<DateTimeOffset>();
                foreach (var id in ids)
                {
                    var message = await server.SeesAsync(id, message => message.RetryCount == attempt, $"attempt {attempt} has failed");
                    AssertWaits(message, attempt, Peers[retries.Count].Reply);
                    retries.Add(NextRetryOf(message));
                }
                await AssertQueueShowsAsync(server, retries);
                clock.Set(clock.Ahead + (retries.Max() - clock.Now) + Rounding);
            }

            for (var i = 0; i < Peers.Length; i++)
            {
                var message = await server.SettledAsync(ids[i]);
                Trial.Shows(Peers[i].Timeline($"mx{i}.test"), message, hosts[i]);
                Assert.Equal(JsonValueKind.Null, message.Json.GetProperty("next_retry_at").ValueKind);
                AssertOnTime(message);
            }
            Assert.Equal(0, (await QueueAsync(server)).GetProperty("live").GetInt32());
        }
        finally
        {
            foreach (var mx in hosts)
                await mx.DisposeAsync();
        }
    }

    static void AssertWaits(Message message, int attempt, string reply)
    {
        var deferred = message.Events.Last();
        var at = deferred.GetProperty("timestamp").GetDateTimeOffset();
        var scheduled = at + Delays[Math.Min(attempt, Delays.Length) - 1];
        var end = message.Json.GetProperty("queued_at").GetDateTimeOffset() + Lifetime;

        // What was said is in the timeline; an error_message is what a message ended with.
        Assert.Equal(("queued", null), (message.Status, message.Json.GetProperty("error_message").GetString()));
        Assert.Equal(reply, deferred.GetProperty("smtp_response").GetString());
        Assert.Equal(["processed", .. Enumerable.Repeat("deferred", attempt)], message.EventTypes);
        Assert.Equal(scheduled < end ? scheduled : end, NextRetryOf(message), Rounding);
        Assert.Equal(attempt, deferred.GetProperty("metadata").GetProperty("attempt").GetInt32());
        Assert.Equal(NextRetryOf(message), deferred.GetProperty("metadata").GetProperty("next_retry_at").GetDateTimeOffset());
    }

    /// <summary>No attempt came before its time, or much after it, and the last one at the end of the lifetime.</summary>
    static void AssertOnTime(Message message)
    {
        var events = message.Events.Skip(1).ToArray();
        foreach (var (deferred, next) in events.Zip(events.Skip(1)))
        {
            var promised = deferred.GetProperty("metadata").GetProperty("next_retry_at").GetDateTimeOffset();
            Assert.InRange(next.GetProperty("timestamp").GetDateTimeOffset(), promised, promised + Late);
        }
        var end = message.Json.GetProperty("queued_at").GetDateTimeOffset() + Lifetime;
        Assert.InRange(events[^1].GetProperty("timestamp").GetDateTimeOffset(), end - Rounding, end + Late);
    }

    static async Task AssertQueueShowsAsync(PostriderServer server, List<DateTimeOffset> retries)
    {
        var queue = await QueueAsync(server);
        Assert.Equal((4, 0), (queue.GetProperty("live").GetInt32(), queue.GetProperty("leased").GetInt32()));
        var waiting = queue.GetProperty("waiting").EnumerateArray()
            .OrderBy(row => row.GetProperty("domain").GetString(), StringComparer.Ordinal).ToArray();
        Assert.Equal(
            Peers.Select((peer, i) => ("acme", $"mx{i}.test", 1, peer.Reply)),
            waiting.Select(row => (
                row.GetProperty("tenant").GetString()!, row.GetProperty("domain").GetString()!,
                row.GetProperty("messages").GetInt32(), row.GetProperty("last_reply").GetString()!)));
        foreach (var (row, retry) in waiting.Zip(retries))
            Assert.Equal(retry, row.GetProperty("next_due_at").GetDateTimeOffset(), Rounding);
    }

    static async Task<JsonElement> QueueAsync(PostriderServer server) =>
        JsonDocument.Parse((await server.Installation.CommandAsync("queue", "--json")).Succeeded().Output).RootElement;

    static DateTimeOffset NextRetryOf(Message message) => message.Json.GetProperty("next_retry_at").GetDateTimeOffset();

    /// <param name="Reply">To every RCPT.</param>
    /// <param name="Category">Of the bounce that it ends with; null where it fails with its last deferral.</param>
    sealed record Peer(string Reply, string Status, string? Category = null)
    {
        public string Timeline(string domain)
        {
            var deferred = Enumerable.Range(1, Attempts - 1).Select(
                attempt => $"deferred ada@{domain} smtp_response={Reply} [attempt={attempt} next_retry_at mx_host=127.0.0.1]");
            string[] lines =
            [
                $"{Status}, retry_count {Attempts}, error: {Reply}",
                $"processed ada@{domain}",
                .. deferred,
                Category is null
                    ? $"deferred ada@{domain} smtp_response={Reply} [attempt={Attempts} mx_host=127.0.0.1]"
                    : $"bounce ada@{domain} bounce_type=soft smtp_response={Reply} "
                        + $"[status={Reply.Split(' ')[1]} source=smtp category={Category}]",
                "mx: 0 came, 0 taken",
            ];
            return string.Join('\n', lines);
        }
    }
}
