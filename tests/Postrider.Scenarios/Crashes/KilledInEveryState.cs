using System.Text.Json;
using System.Text.Json.Nodes;
using Postrider.Scenarios.Nodes;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Crashes;

/// <summary>kill -9 with a message in each state: what was settled stays, what was not goes on (contract §4.5.7).</summary>
public sealed class KilledInEveryState
{
    const int Connections = 4;

    [Fact]
    public async Task Everything_is_there_and_goes_on()
    {
        await using var mx = ScriptedMx.Start(Script());
        await using var waiting = Waiting();
        await using var server = await PostriderServer.StartAsync(Settings(mx, waiting));

        await KillAndGoOnAsync(server, mx, waiting);
    }

    [Fact]
    public async Task Everything_is_there_and_goes_on_with_PostgreSQL()
    {
        await using var mx = ScriptedMx.Start(Script());
        await using var waiting = Waiting();
        await using var group = await NodeGroup.StartAsync(1, Hasty.Settings(mx, Settings(mx, waiting)));

        await KillAndGoOnAsync(group[0], mx, waiting);

        await NodeGroup.AssertTotalsAsync(group.Cluster);
    }

    static MxScript Script() => new MxScript()
        .For("bounced", MxStep.Say("550 5.1.1 No such user"))
        .For("retried", MxStep.Say("552 5.2.2 Mailbox full"), MxStep.Stall)
        .For("deferred", MxStep.Say("450 4.2.0 Busy"))
        .For("sending", MxStep.Stall)
        .For("failed", MxStep.Stall)
        .For("sent-b", MxStep.Say("450 4.2.0 Busy"));

    /// <summary>An MX that is slow at RCPT: with all of its connections at that, what is composed next waits as <c>rendered</c>.</summary>
    static ScriptedMx Waiting() => ScriptedMx.StartForMuch(new MxScript().Always(MxStage.Rcpt, MxStep.Wait));

    static string[] Settings(ScriptedMx mx, ScriptedMx waiting) =>
    [
        $"Smtp:Routes=waiting.test=127.0.0.1:{waiting.Port},*=127.0.0.1:{mx.Port}", "Retry:Delays=2s", "Retry:Jitter=0",
        "ScaiSend:ScheduleSlack=0ms", $"Delivery:Concurrency={Connections}", $"Delivery:InitialConcurrency={Connections}",
    ];

    static async Task KillAndGoOnAsync(PostriderServer server, ScriptedMx mx, ScriptedMx waiting)
    {
        var script = mx.Script;
        var due = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() + 3;
        var batch = (await server.Api.PostAsync("/v3/mail/batch", null)).Text("batch_id");
        var ids = new Dictionary<string, string>();
        foreach (var name in (string[])["delivered", "bounced", "retried", "deferred", "sending", "failed"])
            ids[name] = await server.SendAsync(Letter.To($"{name}@peer.test").With("batch_id", batch));
        ids["sent"] = await server.SendAsync(Letter.To("sent-a@peer.test", "sent-b@peer.test").With("batch_id", batch));
        ids["scheduled"] = await server.SendAsync(Letter.To("scheduled@peer.test").With("batch_id", batch).With("send_at", due));
        ids["cancelled"] = await server.SendAsync(Letter.To("cancelled@peer.test").With("batch_id", batch).With("send_at", due));
        (string, string)[] before =
            [("delivered", "delivered"), ("bounced", "bounced"), ("retried", "bounced"), ("sending", "sending"), ("failed", "sending"), ("sent", "sent")];
        foreach (var (name, status) in before)
            await server.SeesAsync(ids[name], message => message.Status == status, $"{name} is {status}");
        await server.SeesAsync(ids["deferred"], message => message.RetryCount == 1, "one is deferred");
        Assert.Equal(200, (await server.Api.PostAsync($"/v3/messages/{ids["cancelled"]}/cancel", null)).Status);
        await Eventually.IsTrueAsync(() => script.IsUsedUp(MxStage.Rcpt, "failed"), "one stalls and can be failed");
        Assert.Equal(200, (await server.Api.PostAsync($"/v3/messages/{ids["failed"]}/fail", new JsonObject { ["reason"] = "by hand" })).Status);
        Assert.Equal(200, (await server.Api.PostAsync($"/v3/messages/{ids["retried"]}/retry", null)).Status);
        foreach (var name in (string[])["sending", "retried"])
            await Eventually.IsTrueAsync(() => script.IsUsedUp(MxStage.Rcpt, name), $"{name} stalls");
        var rendered = await FillAsync(server);
        var (processing, large) = await StandStillWhileProcessingAsync(server);

        await server.KillAsync();
        waiting.Release();
        await server.StartAgainAsync();
        var ends = new Dictionary<string, string>();
        foreach (var (name, id) in ids)
            ends[name] = (await server.SettledAsync(id)).Status;
        var counts = await server.Api.GetAsync($"/v3/mail/batch/{batch}");
        foreach (var id in large)
            Assert.Equal("delivered", (await server.SettledAsync(id)).Status);

        foreach (var (name, status) in ends)
            Assert.Equal(name is "bounced" or "failed" or "cancelled" ? name : "delivered", status);
        string[] arrived = ["deferred", "delivered", "retried", "scheduled", "sending", "sent-a", "sent-b"];
        Assert.Equal(arrived.Select(name => $"{name}@peer.test"), mx.Taken.SelectMany(mail => mail.To).Order(StringComparer.Ordinal));
        Assert.Equal((6, 1, 1, 1), (Count("delivered"), Count("bounced"), Count("failed"), Count("cancelled")));
        Assert.Equal((9, true), (counts.Body.GetProperty("total_messages").GetInt32(), counts.Body.GetProperty("is_complete").GetBoolean()));

        foreach (var id in (string[])[rendered, processing])     // nobody had begun to send them
        {
            var message = await server.SettledAsync(id);
            Assert.Equal(["processed", "delivered"], message.EventTypes);
            Assert.Equal(0, message.RetryCount);
        }
        var taken = waiting.Taken.Select(mail => mail.To.Single()).ToArray();
        Assert.Equal((Connections + 1 + large.Count, taken.Length), (taken.Length, taken.Distinct().Count()));

        int Count(string status) => counts.Body.GetProperty("status_counts").GetProperty(status).GetInt32();
    }

    /// <returns>The one message that is <c>rendered</c>, and for which there is no connection left.</returns>
    static async Task<string> FillAsync(PostriderServer server)
    {
        var letter = Letter.ToEach([.. Enumerable.Range(0, Connections + 1).Select(i => $"r{i}@waiting.test")]);
        var ids = (await server.Api.PostAsync("/v3/mail/send", letter)).Texts("message_ids");
        var all = await Eventually.SeesAsync(
            () => Task.WhenAll(ids.Select(server.Api.MessageAsync)),
            all => all.Count(message => message.Status == "sending") == Connections && all.Any(message => message.Status == "rendered"),
            "one is rendered, the others are being sent");
        return all.Single(message => message.Status == "rendered").Id;
    }

    /// <summary>
    /// Composing reads attachments from the store, so a few large ones keep the last message <c>processing</c> until the process has been
    /// stopped; and when they do not, a few more.
    /// </summary>
    /// <returns>The message that the store has as <c>processing</c>, and all that were sent for it.</returns>
    static async Task<(string Processing, List<string> All)> StandStillWhileProcessingAsync(PostriderServer server)
    {
        const int each = 12;
        var attachment = new JsonObject { ["content"] = Convert.ToBase64String(new byte[3 * 1024 * 1024]), ["filename"] = "large.bin" };
        var all = new List<string>();
        for (var round = 0; round < 20; round++)
        {
            var letter = Letter.ToEach([.. Enumerable.Range(0, each).Select(i => $"l{round}.{i}@waiting.test")])
                .With("attachments", new JsonArray(attachment.DeepClone()));
            var ids = (await server.Api.PostAsync("/v3/mail/send", letter)).Texts("message_ids");
            all.AddRange(ids);
            await server.SeesAsync(ids[^1], message => message.Status != "queued", "the last one is claimed");
            await server.StandStillAsync();
            var shown = await server.Installation.CommandAsync("message", "show", ids[^1], "--json");
            if (shown.ExitCode == 0 && JsonDocument.Parse(shown.Output).RootElement.GetProperty("status").GetString() == "processing")
                return (ids[^1], all);
            await server.GoOnAsync();
        }
        throw new TimeoutException("No message was seen processing.");
    }
}
