using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Lifecycle;

/// <summary>Batches over HTTP: contract §3.2, §7, black-box checks 6 and 7, and whole batches in one call.</summary>
public sealed class ControlsBatches
{
    static readonly string[] Unlimited = ["RateLimits:OthersPerSecond=1000000", "RateLimits:MessageListsPerSecond=1000000", "Log:Level=Warning"];

    [Theory]
    [InlineData(250)]
    [InlineData(4_872)]
    public async Task The_published_cancel_loop_leaves_nothing_queued(int messages)
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync([mx.Route, .. Unlimited]);
        var batch = await BatchAsync(server);
        await SendAsync(server, batch, messages, TimeSpan.FromDays(1));

        await CancelAllAsync([server], batch, messages);

        Assert.Empty(mx.Mail);
    }

    /// <summary>Behind a load balancer each page, and each cancel, is another node's: pages are remembered by all (D8).</summary>
    [Fact]
    public async Task The_published_cancel_loop_leaves_nothing_queued_whichever_node_is_asked()
    {
        const int Messages = 250;
        await using var mx = ScriptedMx.Start();
        await using var group = await NodeGroup.StartAsync(2, [mx.Route, .. Unlimited]);
        var batch = await BatchAsync(group[0]);
        await SendAsync(group[1], batch, Messages, TimeSpan.FromDays(1));

        await CancelAllAsync(group.Nodes, batch, Messages);

        Assert.Empty(mx.Mail);
        await NodeGroup.AssertTotalsAsync(group.Cluster);
    }

    /// <summary>As the published sample does it, line by line; servers take turns.</summary>
    static async Task CancelAllAsync(IReadOnlyList<PostriderServer> servers, string batch, int messages)
    {
        var (page, cancelled) = (1, 0);
        while (true)
        {
            var list = await servers[page % servers.Count].Api.GetAsync(string.Create(
                CultureInfo.InvariantCulture, $"/v3/messages?batch_id={batch}&status=queued&page={page}&page_size=100"));
            var found = list.Body.GetProperty("messages").EnumerateArray().ToArray();
            if (found.Length == 0)
                break;
            foreach (var (i, message) in found.Index())
            {
                var answer = await servers[i % servers.Count].Api.PostAsync($"/v3/messages/{message.GetProperty("id").GetString()}/cancel", null);
                if (answer.Status == 200)
                    cancelled++;
            }
            page++;
        }
        var view = await ViewAsync(servers[0], batch);

        Assert.Equal(messages, cancelled);
        Assert.Equal((0, messages, messages), (CountOf(view, "queued"), CountOf(view, "cancelled"), view.GetProperty("total_messages").GetInt32()));
        Assert.True(view.GetProperty("is_complete").GetBoolean());
    }

    [Fact]
    public async Task A_cancel_of_thousands_in_one_call_goes_on_after_a_kill()
    {
        const int Messages = 20_000;
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync([mx.Route, .. Unlimited, "Control:BatchPatience=0ms"]);
        var batch = await BatchAsync(server);
        await SendAsync(server, batch, Messages, TimeSpan.FromDays(1));

        var answer = await server.Api.PostAsync($"/v3/mail/batch/{batch}/cancel", null);
        await Eventually.SeesAsync(() => ViewAsync(server, batch), view => CountOf(view, "cancelled") > 0, "it has begun");
        await server.KillAsync();
        await server.StartAgainAsync();
        var after = await ViewAsync(server, batch);
        var view = await Eventually.SeesAsync(
            () => ViewAsync(server, batch), view => view.GetProperty("is_complete").GetBoolean(), "all are cancelled", TimeSpan.FromSeconds(60));

        Assert.Equal(202, answer.Status);
        Assert.Equal(Messages, CountOf(view, "cancelled"));
        Assert.Equal(Messages, view.GetProperty("operation").GetProperty("messages").GetInt32());
        TestContext.Current.TestOutputHelper!.WriteLine($"{CountOf(after, "cancelled")} of {Messages} were cancelled when it was killed");
    }

    [Fact]
    public async Task A_paused_batch_waits_also_for_what_is_added_and_is_mailed_when_it_is_resumed()
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(mx.Route);
        var batch = await BatchAsync(server);
        await SendAsync(server, batch, 20, TimeSpan.FromDays(1));

        var pause = await server.Api.PostAsync("/v3/user/scheduled_sends", new JsonObject { ["batch_id"] = batch, ["status"] = "pause" });
        await SendAsync(server, batch, 20, TimeSpan.Zero);
        var other = await server.SendAndSettleAsync(Letter.To("other@peer.test"));
        var paused = await ViewAsync(server, batch);
        var moved = await server.Api.PostAsync(
            $"/v3/mail/batch/{batch}/reschedule", new JsonObject { ["send_at"] = 0 });
        var resume = await server.Api.DeleteAsync($"/v3/user/scheduled_sends/{batch}");
        var done = await Eventually.SeesAsync(() => ViewAsync(server, batch), view => view.GetProperty("is_complete").GetBoolean(), "all are delivered");

        Assert.Equal((201, 200, 204), (pause.Status, moved.Status, resume.Status));
        Assert.Equal("delivered", other.Status);
        Assert.Equal(("paused", 40), (paused.GetProperty("state").GetString(), CountOf(paused, "queued")));
        Assert.Equal(40, moved.Body.GetProperty("rescheduled").GetInt32());
        Assert.Equal(40, CountOf(done, "delivered"));
        Assert.Equal(41, mx.Mail.Count);
    }

    [Fact]
    public async Task Eight_counters_add_up_at_every_look_while_mail_flows_and_it_is_complete_once()
    {
        const int Messages = 400;
        var script = new MxScript().AlwaysFor("r7", MxStep.Say("550 5.1.1 no such user")).For("r8", MxStep.Say("451 4.2.0 busy"));
        await using var mx = ScriptedMx.Start(script);
        await using var server = await PostriderServer.StartAsync([mx.Route, .. Unlimited, "Retry:Delays=1s", "Retry:Jitter=0"]);
        var batch = await BatchAsync(server);
        var later = await server.SendAsync(Letter.To("later@peer.test").With("batch_id", batch).With("send_at", Now() + 3600));
        var looks = new List<JsonElement>();

        var sending = SendAndCancelAsync();
        do
            looks.Add(await ViewAsync(server, batch));
        while (!sending.IsCompleted || !looks[^1].GetProperty("is_complete").GetBoolean());
        await sending;
        looks.Add(await ViewAsync(server, batch));
        var stranger = await server.As(server.Installation.OtherKey).GetAsync("/v3/mail/batch/" + batch);
        await server.Api.PostAsync("/v3/mail/send", Letter.To("late@peer.test").With("batch_id", batch).With("send_at", Now() + 3600));
        var reopened = await ViewAsync(server, batch);

        Assert.All(looks, look =>
        {
            var counts = look.GetProperty("status_counts").EnumerateObject().ToArray();
            Assert.Equal(["queued", "processing", "sent", "delivered", "bounced", "failed", "cancelled", "sandbox"], counts.Select(count => count.Name));
            Assert.Equal(look.GetProperty("total_messages").GetInt32(), counts.Sum(count => count.Value.GetInt32()));
            Assert.Equal(look.GetProperty("is_complete").GetBoolean(), look.GetProperty("completed_at").ValueKind == JsonValueKind.String);
        });
        var complete = looks.ConvertAll(look => look.GetProperty("is_complete").GetBoolean());
        Assert.Equal(complete.Order(), complete);
        Assert.Equal(
            (Messages - 1, 1, 1), (CountOf(looks[^1], "delivered"), CountOf(looks[^1], "bounced"), CountOf(looks[^1], "cancelled")));
        Assert.Equal(404, stranger.Status);
        Assert.Equal((false, JsonValueKind.Null), (reopened.GetProperty("is_complete").GetBoolean(), reopened.GetProperty("completed_at").ValueKind));

        async Task SendAndCancelAsync()
        {
            await SendAsync(server, batch, Messages, TimeSpan.Zero);
            Assert.Equal(200, (await server.Api.PostAsync($"/v3/messages/{later}/cancel", null)).Status);
        }
    }

    static async Task<string> BatchAsync(PostriderServer server) => (await server.Api.PostAsync("/v3/mail/batch", null)).Text("batch_id");

    static async Task SendAsync(PostriderServer server, string batch, int messages, TimeSpan ahead)
    {
        foreach (var part in Enumerable.Range(0, messages).Chunk(1_000))
        {
            var letter = Letter.ToEach([.. part.Select(i => $"r{i}@peer.test")]).With("batch_id", batch);
            if (ahead > TimeSpan.Zero)
                letter = letter.With("send_at", Now() + (long)ahead.TotalSeconds);
            var answer = await server.Api.PostAsync("/v3/mail/send", letter);
            Assert.True(answer.Status == 202, answer.ToString());
        }
    }

    static async Task<JsonElement> ViewAsync(PostriderServer server, string batch) => (await server.Api.GetAsync("/v3/mail/batch/" + batch)).Body;

    static int CountOf(JsonElement view, string status) => view.GetProperty("status_counts").GetProperty(status).GetInt32();

    static long Now() => TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
}
