using System.Text.Json.Nodes;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Lifecycle;

/// <summary>Cancel, retry and fail against the real process and an MX that stands still: contract §4.3 to §4.5.</summary>
public sealed class ControlsMessages
{
    const string NoSlack = "ScaiSend:ScheduleSlack=0ms";
    const string Impatient = "Control:AnswerPatience=200ms";

    [Fact]
    public async Task What_is_cancelled_while_scheduled_is_never_mailed()
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(mx.Route, NoSlack);
        var due = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() + 2;
        var id = await server.SendAsync(Letter.To("ada@peer.test").With("send_at", due));
        var witness = await server.SendAsync(Letter.To("bob@peer.test").With("send_at", due));

        var first = await server.Api.PostAsync($"/v3/messages/{id}/cancel", null);
        var second = await server.Api.PostAsync($"/v3/messages/{id}/cancel", null);
        await server.SettledAsync(witness);

        var won = $$"""{"message_id":"{{id}}","status":"cancelled","message":"Cancelled before delivery"}""";
        Assert.Equal([(200, won), (200, won)], [(first.Status, first.Raw), (second.Status, second.Raw)]);
        Assert.Equal(["bob@peer.test"], mx.Mail.Select(mail => mail.To.Single()));
        Assert.Equal("cancelled", (await server.Api.MessageAsync(id)).Status);
    }

    [Fact]
    public async Task Behind_the_final_dot_nothing_is_cancelled_or_retried()
    {
        await using var mx = ScriptedMx.Start(new MxScript().At(MxStage.EndOfData, MxStep.StallUnread));
        await using var server = await PostriderServer.StartAsync(mx.Route, Impatient);
        var id = await server.SendAsync(Letter.To("ada@peer.test"));
        await Eventually.IsTrueAsync(() => mx.Mail.Count == 1, "the final dot has come");

        var cancel = await server.Api.PostAsync($"/v3/messages/{id}/cancel", null);
        var retry = await server.Api.PostAsync($"/v3/messages/{id}/retry", null);

        Assert.Equal(
            (409, $$"""{"message_id":"{{id}}","status":"sending","message":"Already in flight; cancellation ignored"}"""), (cancel.Status, cancel.Raw));
        Assert.Equal(
            (409, $$"""{"message_id":"{{id}}","status":"sending","message":"Delivery attempt in progress; retry ignored"}"""),
            (retry.Status, retry.Raw));
        Assert.Equal("sending", (await server.Api.MessageAsync(id)).Status);
    }

    [Fact]
    public async Task Stalled_at_DATA_it_is_not_cancelled_and_a_retry_stops_it_and_delivers_once() => await RetryStopsAsync(MxStage.Data);

    [Fact]
    public async Task Stalled_at_MAIL_a_retry_stops_it_and_delivers_once() => await RetryStopsAsync(MxStage.Mail);

    [Fact]
    public async Task Stalled_at_the_greeting_a_retry_stops_it_and_delivers_once() => await RetryStopsAsync(MxStage.Greeting);

    [Fact]
    public async Task What_is_failed_while_it_is_sent_is_sent_no_more()
    {
        await using var mx = ScriptedMx.Start(new MxScript().At(MxStage.Data, MxStep.Stall));
        await using var server = await PostriderServer.StartAsync(mx.Route);
        var id = await server.SendAsync(Letter.To("ada@peer.test"));
        await Eventually.IsTrueAsync(() => mx.Script.IsUsedUp(MxStage.Data), "it stalls");

        var fail = await server.Api.PostAsync(
            $"/v3/messages/{id}/fail", new JsonObject { ["reason"] = "Stuck in processing for 2 hours; marking failed" });
        var again = await server.Api.PostAsync($"/v3/messages/{id}/fail", null);
        await server.SendAndSettleAsync(Letter.To("bob@peer.test"));
        var message = await server.Api.MessageAsync(id);

        Assert.Equal((200, $$"""{"message_id":"{{id}}","status":"failed","message":"Marked as failed"}"""), (fail.Status, fail.Raw));
        Assert.Equal(200, again.Status);
        Assert.Equal("failed", message.Status);
        Assert.Equal("Stuck in processing for 2 hours; marking failed", message.Json.GetProperty("error_message").GetString());
        Assert.Equal(["processed"], message.EventTypes);
        Assert.Equal(["bob@peer.test"], mx.Mail.Select(mail => mail.To.Single()));
    }

    [Fact]
    public async Task What_bounced_is_delivered_after_a_retry()
    {
        await using var mx = ScriptedMx.Start(new MxScript().At(MxStage.Rcpt, MxStep.Say("552 5.2.2 Mailbox full")));
        await using var server = await PostriderServer.StartAsync(mx.Route);
        var id = await server.SendAsync(Letter.To("ada@peer.test"));
        Assert.Equal("bounced", (await server.SettledAsync(id)).Status);

        var retry = await server.Api.PostAsync($"/v3/messages/{id}/retry", null);
        var message = await server.SeesAsync(id, message => message.Status == "delivered", "it is delivered");

        Assert.Equal((200, $$"""{"message_id":"{{id}}","status":"queued","message":"Re-queued for delivery"}"""), (retry.Status, retry.Raw));
        Assert.Equal(["processed", "bounce", "delivered"], message.EventTypes);
        Assert.Equal(1, message.RetryCount);
    }

    static async Task RetryStopsAsync(MxStage stage)
    {
        await using var mx = ScriptedMx.Start(new MxScript().At(stage, MxStep.Stall));
        await using var server = await PostriderServer.StartAsync(mx.Route);
        var id = await server.SendAsync(Letter.To("ada@peer.test"));
        await Eventually.IsTrueAsync(() => mx.Script.IsUsedUp(stage), "it stalls");

        var cancel = await server.Api.PostAsync($"/v3/messages/{id}/cancel", null);
        var retry = await server.Api.PostAsync($"/v3/messages/{id}/retry", null);
        var message = await server.SettledAsync(id);

        Assert.Equal((409, "sending"), (cancel.Status, cancel.Text("status")));
        Assert.Equal((200, "queued"), (retry.Status, retry.Text("status")));
        Assert.Equal(["processed", "delivered"], message.EventTypes);
        Assert.Equal(("delivered", 1), (message.Status, message.RetryCount));
        Assert.Single(mx.Mail);
        Assert.Equal(2, mx.Connections);
    }
}
