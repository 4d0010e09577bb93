using System.Text.Json.Nodes;
using Postrider.Engine.Messages;

namespace Postrider.Api.Tests.ScaiSend;

public sealed class MessageDetailTests(ApiHost host) : IClassFixture<ApiHost>
{
    [Fact]
    public async Task Shows_a_message_just_accepted()
    {
        var caller = host.NewCaller(new CallerOptions());
        var request = JsonNode.Parse("""
            {"personalizations":[{"to":[{"email":"bo@example.net","name":"Bo"}],"cc":[{"email":"cc@example.net"}],"bcc":[{"email":"audit@acme.test"}]}],
             "from":{"email":"billing@acme.test","name":"Acme Billing"},"reply_to":{"email":"help@acme.test","name":"Help"},"subject":"Invoice 881",
             "content":[{"type":"text/plain","value":"Hé"},{"type":"text/html","value":"<p>\"Hé\"</p>"}],
             "headers":{"X-Run":"7"},"categories":["invoices"],"custom_args":{"invoice":"881","n":1.50},
             "tracking_settings":{"open_tracking":{"enable":false},"subscription_tracking":{"enable":true}}}
            """)!;
        var id = (string)(await caller.Send(request)).Body!["message_id"]!;

        var answer = await caller.Get("/v3/messages/" + id.ToLowerInvariant());

        Assert.Equal(200, answer.Status);
        var events = answer.Body!["events"]!.AsArray();
        Assert.Equal(["bo@example.net", "cc@example.net", "audit@acme.test"], events.Select(happened => (string)happened!["recipient_email"]!));
        Assert.StartsWith("evt_", (string?)events[0]!["event_id"], StringComparison.Ordinal);
        Assert.Equal(["event_type", "recipient_email", "timestamp", "event_id"], events[0]!.AsObject().Select(field => field.Key));
        answer.Body["events"] = new JsonArray();
        Assert.Equal($$$"""
            {"id":"{{{id}}}","status":"queued","from_email":"billing@acme.test","from_name":"Acme Billing","subject":"Invoice 881",
            "to_emails":["bo@example.net"],"cc_emails":["cc@example.net"],"bcc_emails":["audit@acme.test"],
            "reply_to":"help@acme.test","reply_to_list":["help@acme.test"],"categories":["invoices"],"template_id":null,"batch_id":null,
            "custom_args":{"invoice":"881","n":1.50},"custom_headers":{"X-Run":"7"},
            "tracking_settings":{"open_tracking":false,"click_tracking":true,"subscription_tracking":true},
            "ip_pool_name":null,"send_at":null,"retry_count":0,"next_retry_at":null,
            "html_content":"<p>\"Hé\"</p>","plain_content":"Hé",
            "created_at":"2026-03-02T08:15:00Z","queued_at":"2026-03-02T08:15:00Z","sent_at":null,"delivered_at":null,
            "bounced_at":null,"failed_at":null,"cancelled_at":null,"error_message":null,
            "recipients":[{"email":"bo@example.net","name":"Bo","type":"to","status":"open","smtp_response":null,"settled_at":null},
            {"email":"cc@example.net","name":null,"type":"cc","status":"open","smtp_response":null,"settled_at":null},
            {"email":"audit@acme.test","name":null,"type":"bcc","status":"open","smtp_response":null,"settled_at":null}],"events":[]}
            """.ReplaceLineEndings(""), answer.Body.ToJsonString(new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));
    }

    [Fact]
    public async Task Shows_each_event_with_its_own_fields_and_no_others()
    {
        var caller = host.NewCaller(new CallerOptions());
        var id = (string)(await caller.Send(SendRequests.Simple)).Body!["message_id"]!;
        var at = host.Time.GetUtcNow().AddMilliseconds(999);
        var everything = new EventData
        {
            SmtpResponse = "250 2.0.0 OK",
            BounceType = "hard",
            Category = "no-such-mailbox",
            BounceReason = "no such user",
            Status = "5.1.1",
            Source = "smtp",
            Reason = "invalid",
            MxHost = "mx1.example.net",
            TlsVersion = "TLSv1.3",
            Attempt = 2,
            NextRetryAt = at.AddMinutes(5),
            SendAt = at.AddHours(1),
            AttemptRecord = new AttemptRecord { RemoteAddress = "192.0.2.1" },
        };
        var messages = host.Store.MessagesOf(caller.Tenant);
        messages[0] = messages[0] with
        {
            Status = MessageStatus.Delivered,
            SentAt = at,
            SettledAt = at,
            Events = [.. Enum.GetValues<EventType>().Select(type => new MessageEvent(new EventId(default), type, 0, at, everything)),
                new MessageEvent(new EventId(default), EventType.Deferred, 0, at, new EventData { Uncertain = true })],
        };

        var answer = await caller.Get("/v3/messages/" + id);

        Assert.Equal("2026-03-02T08:15:00Z", (string?)answer.Body!["delivered_at"]);
        const string Common = ""","recipient_email":"bo@example.net","timestamp":"2026-03-02T08:15:00Z","event_id":"evt_00000000000000000000000000" """;
        const string Reply = ""","smtp_response":"250 2.0.0 OK" """;
        string[] expected =
        [
            """processed"| |"metadata":{"send_at":"2026-03-02T09:15:00Z"}""",
            """dropped"| |"metadata":{"reason":"invalid"}""",
            """deferred"|R|"metadata":{"attempt":2,"next_retry_at":"2026-03-02T08:20:00Z","mx_host":"mx1.example.net"}""",
            """delivered"|R|"metadata":{"mx_host":"mx1.example.net","tls_version":"TLSv1.3"}""",
            """bounce"|R|"bounce_type":"hard","bounce_reason":"no such user","metadata":{"status":"5.1.1","source":"smtp","category":"no-such-mailbox"}""",
            """blocked"|R|"metadata":{"status":"5.1.1","bounce_type":"block","category":"no-such-mailbox"}""",
            """open"| |""", """click"| |""", """spam_report"| |""", """unsubscribe"| |""", """group_unsubscribe"| |""", """group_resubscribe"| |""",
            """deferred"| |"metadata":{"uncertain":true}""",
        ];
        Assert.Equal(
            expected.Select(row => row.Split('|')).Select(row =>
                $"{{\"event_type\":\"{row[0]}{Common.TrimEnd()}{(row[1] == "R" ? Reply.TrimEnd() : "")}{(row[2].Length > 0 ? "," : "")}{row[2]}}}"),
            answer.Body["events"]!.AsArray().Select(happened => happened!.ToJsonString()));
    }

    [Theory]
    [InlineData(MessageStatus.Bounced, "bounced_at")]
    [InlineData(MessageStatus.Failed, "failed_at")]
    [InlineData(MessageStatus.Cancelled, "cancelled_at")]
    [InlineData(MessageStatus.Delivered, "delivered_at")]
    public async Task The_time_it_settled_is_shown_by_its_status(MessageStatus status, string field)
    {
        var caller = host.NewCaller(new CallerOptions());
        var id = (string)(await caller.Send(SendRequests.Simple)).Body!["message_id"]!;
        var messages = host.Store.MessagesOf(caller.Tenant);
        messages[0] = messages[0] with { Status = status, SettledAt = host.Time.GetUtcNow() };

        var answer = await caller.Get("/v3/messages/" + id);

        string[] fields = ["delivered_at", "bounced_at", "failed_at", "cancelled_at"];
        Assert.Equal([field], fields.Where(name => answer.Body![name] is not null));
    }

    [Theory]
    [InlineData("msg_01JNW4Q2000000000000000000")]
    [InlineData("msg_1")]
    [InlineData("msg_ZZZZZZZZZZZZZZZZZZZZZZZZZZ")]
    [InlineData("bat_01JNW4Q2000000000000000000")]
    [InlineData("x")]
    [InlineData("%22%0d%0a")]
    public async Task A_message_that_is_not_there_is_404(string id)
    {
        var answer = await host.NewCaller("stats.read").Get("/v3/messages/" + id);

        Assert.Equal((404, "Message not found: " + Uri.UnescapeDataString(id)), (answer.Status, (string?)answer.Body!["detail"]));
    }

    [Fact]
    public async Task A_sandboxed_message_has_no_events()
    {
        var caller = host.NewCaller(new CallerOptions { Test = true });
        var id = (string)(await caller.Send(SendRequests.Simple)).Body!["message_id"]!;

        var answer = await caller.Get("/v3/messages/" + id);

        Assert.Equal("sandbox", (string?)answer.Body!["status"]);
        Assert.Empty(answer.Body["events"]!.AsArray());
        Assert.Equal("Hello", (string?)answer.Body["plain_content"]);
    }
}
