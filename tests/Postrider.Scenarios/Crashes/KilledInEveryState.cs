using System.Text.Json.Nodes;
using Postrider.Scenarios.Nodes;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Crashes;

/// <summary>kill -9 with a message in each state: what was settled stays, what was not goes on (contract §4.5.7).</summary>
public sealed class KilledInEveryState
{
    static readonly string[] Settings = ["Retry:Delays=2s", "Retry:Jitter=0", "ScaiSend:ScheduleSlack=0ms"];

    [Fact]
    public async Task Everything_is_there_and_goes_on()
    {
        await using var mx = ScriptedMx.Start(Script());
        await using var server = await PostriderServer.StartAsync([mx.Route, .. Settings]);

        await KillAndGoOnAsync(server, mx);
    }

    [Fact]
    public async Task Everything_is_there_and_goes_on_with_PostgreSQL()
    {
        await using var mx = ScriptedMx.Start(Script());
        await using var group = await NodeGroup.StartAsync(1, Hasty.Settings(mx, Settings));

        await KillAndGoOnAsync(group[0], mx);

        await NodeGroup.AssertTotalsAsync(group.Cluster);
    }

    static MxScript Script() => new MxScript()
        .For("bounced", MxStep.Say("550 5.1.1 No such user"))
        .For("retried", MxStep.Say("552 5.2.2 Mailbox full"), MxStep.Stall)
        .For("deferred", MxStep.Say("450 4.2.0 Busy"))
        .For("sending", MxStep.Stall)
        .For("failed", MxStep.Stall)
        .For("sent-b", MxStep.Say("450 4.2.0 Busy"));

    static async Task KillAndGoOnAsync(PostriderServer server, ScriptedMx mx)
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

        await server.KillAsync();
        await server.StartAgainAsync();
        var ends = new Dictionary<string, string>();
        foreach (var (name, id) in ids)
            ends[name] = (await server.SettledAsync(id)).Status;
        var counts = await server.Api.GetAsync($"/v3/mail/batch/{batch}");

        foreach (var (name, status) in ends)
            Assert.Equal(name is "bounced" or "failed" or "cancelled" ? name : "delivered", status);
        string[] arrived = ["deferred", "delivered", "retried", "scheduled", "sending", "sent-a", "sent-b"];
        Assert.Equal(arrived.Select(name => $"{name}@peer.test"), mx.Taken.SelectMany(mail => mail.To).Order(StringComparer.Ordinal));
        Assert.Equal((6, 1, 1, 1), (Count("delivered"), Count("bounced"), Count("failed"), Count("cancelled")));
        Assert.Equal((9, true), (counts.Body.GetProperty("total_messages").GetInt32(), counts.Body.GetProperty("is_complete").GetBoolean()));

        int Count(string status) => counts.Body.GetProperty("status_counts").GetProperty(status).GetInt32();
    }
}
