using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Lifecycle;

/// <summary>GET /v3/messages/{id} in the seed's exact shape.</summary>
public sealed class ShowsOneMessage
{
    [Fact]
    public async Task In_the_seeds_shape()
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(mx.Route);
        var letter = Letter.To("bo@example.net")
            .With("reply_to", Letter.Person("help@acme.test", "Help"))
            .With("subject", "Invoice 881")
            .With("categories", new JsonArray("invoices"))
            .With("headers", new JsonObject { ["X-Run"] = "7" })
            .With("custom_args", new JsonObject { ["invoice"] = "881" })
            .With("content", new JsonArray(Content("text/html", "<p>Paid</p>"), Content("text/plain", "Paid")))
            .With("tracking_settings", new JsonObject { ["click_tracking"] = new JsonObject { ["enable"] = false } });
        letter["personalizations"]![0]!["bcc"] = new JsonArray(Letter.Person("audit@acme.test"));

        var message = await server.SendAndSettleAsync(letter);

        var json = message.Json;
        Assert.Matches("^msg_[0-9A-HJKMNP-TV-Z]{26}$", message.Id);
        Shows("status", "\"delivered\"");
        Shows("from_email", "\"hello@acme.test\"");
        Shows("from_name", "\"Acme\"");
        Shows("subject", "\"Invoice 881\"");
        Shows("to_emails", """["bo@example.net"]""");
        Shows("cc_emails", "[]");
        Shows("bcc_emails", """["audit@acme.test"]""");
        Shows("reply_to", "\"help@acme.test\"");
        Shows("categories", """["invoices"]""");
        Shows("template_id", "null");
        Shows("batch_id", "null");
        Shows("custom_args", """{"invoice":"881"}""");
        Shows("custom_headers", """{"X-Run":"7"}""");
        Shows("tracking_settings", """{"open_tracking":true,"click_tracking":false,"subscription_tracking":false}""");
        Shows("retry_count", "0");
        Shows("next_retry_at", "null");
        Assert.Equal("<p>Paid</p>", json.GetProperty("html_content").GetString());
        Shows("plain_content", "\"Paid\"");
        Shows("error_message", "null");
        foreach (var time in (string[])["created_at", "queued_at", "sent_at", "delivered_at"])
            IsTime(json.GetProperty(time));
        Assert.Equal(["processed", "processed", "delivered", "delivered"], message.EventTypes);
        Assert.All(message.Events, one => IsTime(one.GetProperty("timestamp")));
        Assert.All(message.Events.Take(2), one => Assert.Equal(
            json.GetProperty("queued_at").GetString(), one.GetProperty("timestamp").GetString()));

        void Shows(string name, string expected) => Assert.Equal(expected, json.GetProperty(name).GetRawText());
    }

    [Theory]
    [InlineData(null, "delivered")]
    [InlineData("550 5.1.1 no such user", "bounced")]
    public async Task As_its_recipient_was_to_read_it(string? refusal, string status)
    {
        await using var mx = ScriptedMx.Start(refusal is null ? new MxScript() : new MxScript().At(MxStage.Rcpt, MxStep.Say(refusal)));
        await using var server = await PostriderServer.StartAsync(mx.Route);
        var letter = Letter.To("ada@peer.test")
            .With("subject", "Dear -name-")
            .With("content", new JsonArray(Content("text/plain", "It works, -name-."), Content("text/html", "<body>It works, -name-.</body>")))
            .With("mail_settings", new JsonObject
            {
                ["footer"] = new JsonObject { ["enable"] = true, ["text"] = "Acme", ["html"] = "<i>Acme</i>" },
            });
        letter["personalizations"]![0]!["substitutions"] = new JsonObject { ["-name-"] = "Ada" };

        var message = await server.SendAndSettleAsync(letter);
        var found = await server.Api.GetAsync("/v3/messages?subject=dear%20ada");

        Assert.Equal(
            (status, "Dear Ada", "It works, Ada.\nAcme", "<body>It works, Ada.<i>Acme</i></body>"),
            (message.Status, Text("subject"), Text("plain_content"), Text("html_content")));
        Assert.Equal(message.Id, found.Body.GetProperty("messages")[0].GetProperty("id").GetString());

        string? Text(string name) => message.Json.GetProperty(name).GetString();
    }

    [Fact]
    public async Task Not_to_another_tenant()
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(mx.Route);
        var message = await server.SendAndSettleAsync(Letter.To("ada@peer.test"));
        var other = server.As(server.Installation.OtherKey);

        var shown = await other.GetAsync($"/v3/messages/{message.Id}");
        var listed = await other.GetAsync("/v3/messages");

        Assert.Equal((404, $"Message not found: {message.Id}"), (shown.Status, shown.Text("detail")));
        Assert.Equal(0, listed.Body.GetProperty("total").GetInt32());
        Assert.Equal(404, (await other.GetAsync("/v3/messages/msg_01JNW3M8")).Status);
    }

    static JsonObject Content(string type, string value) => new() { ["type"] = type, ["value"] = value };

    static void IsTime(JsonElement value) => Assert.True(
        DateTimeOffset.TryParseExact(
            value.GetString(), "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _),
        value.GetRawText());
}
