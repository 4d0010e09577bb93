using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Postrider.Engine.Messages;

namespace Postrider.Api.Tests.ScaiSend;

public sealed class SendTests(ApiHost host) : IClassFixture<ApiHost>
{
    [Fact]
    public async Task A_message_is_stored_and_its_id_given()
    {
        var caller = host.NewCaller("mail.send");

        var answer = await caller.Send(SendRequests.Simple);

        Assert.Equal(202, answer.Status);
        var stored = Assert.Single(caller.Stored);
        var id = "msg_" + stored.Message.Id;
        Assert.Equal($$"""{"message_id":"{{id}}"}""", answer.Text);
        Assert.Equal(id, answer.Header("X-Message-Id"));
        Assert.Equal(MessageStatus.Queued, stored.Status);
        Assert.Equal("Invoice 881", stored.Message.Subject);
        Assert.Equal("Hello"u8.ToArray(), stored.Body!.Text!.Value.ToArray());
    }

    [Fact]
    public async Task Each_personalization_makes_one_message_in_order()
    {
        var caller = host.NewCaller("mail.send");
        var request = SendRequests.New();
        request["personalizations"] = JsonNode.Parse("""
            [{"to":[{"email":"a@example.net"}],"subject":"One"},
             {"to":[{"email":"b@example.net"}],"from":{"email":"other@acme.test","name":"Other"}},
             {"to":[{"email":"c@example.net"}],"cc":[{"email":"d@example.net"}],"bcc":[{"email":"e@example.net"}]}]
            """);

        var answer = await caller.Send(request);

        Assert.Equal(202, answer.Status);
        var ids = answer.Body!["message_ids"]!.AsArray().Select(id => (string)id!).ToArray();
        Assert.Equal(caller.Stored.Select(view => "msg_" + view.Message.Id), ids);
        Assert.Equal(ids[0], (string?)answer.Body["message_id"]);
        Assert.Equal(["One", "Invoice 881", "Invoice 881"], caller.Stored.Select(view => view.Message.Subject));
        Assert.Equal("Other", caller.Stored[1].Message.From.DisplayName);
        Assert.Equal([RecipientKind.To, RecipientKind.Cc, RecipientKind.Bcc], caller.Stored[2].Message.Recipients.Select(recipient => recipient.Kind));
    }

    [Fact]
    public async Task Accepts_what_the_stock_SendGrid_client_sends()
    {
        var caller = host.NewCaller("mail.send");
        var json = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "Golden", "sendgrid-mail-8.json"));

        var answer = await caller.Send(json, ("User-Agent", "sendgrid/8.1.4;nodejs"), ("Accept", "application/json"));

        Assert.Equal(202, answer.Status);
        var message = Assert.Single(caller.Stored).Message;
        Assert.Equal("Zoë Müller", message.From.DisplayName);
        Assert.Equal(["bo@example.net", "ada@example.net", "audit@acme.test"], message.Recipients.Select(recipient => recipient.Address.Mailbox.ToString()));
        Assert.Equal("invoice.pdf", Assert.Single(message.Settings.Attachments!).FileName);
        Assert.Equal(["invoices", "2026"], message.Categories);
    }

    [Fact]
    public async Task Content_arrives_octet_for_octet_whatever_its_escapes()
    {
        var caller = host.NewCaller("mail.send");
        var request = SendRequests.With("content", """[{"type":"TEXT/HTML","value":"H"},{"type":"text/plain","value":"T"}]""");
        const string Html = "<p title=\"a\">Žluťoučký kůň \ud83d\udc0e\r\n\ttab \\ slash / \u0001</p>";
        request["content"]![0]!["value"] = Html;
        request["content"]![1]!["value"] = "plain\n";

        var answer = await caller.Send(request);

        Assert.Equal(202, answer.Status);
        var body = Assert.Single(caller.Stored).Body!;
        Assert.Equal(Html, Encoding.UTF8.GetString(body.Html!.Value.Span));
        Assert.Equal("plain\n", Encoding.UTF8.GetString(body.Text!.Value.Span));
    }

    [Fact]
    public async Task Everything_a_request_carries_is_passed_on()
    {
        var caller = host.NewCaller(new CallerOptions());
        await host.AddGroupsAsync(caller.Tenant, 5);
        var request = JsonNode.Parse("""
            {"personalizations":[{"to":[{"email":"bo@example.net","name":"Bo"}],
               "headers":{"x-run":"8","X-Own":"1"},"custom_args":{"b":2,"c":null},"substitutions":{"-name-":"Bo"},"dynamic_template_data":{"a":[1]}}],
             "from":{"email":"billing@acme.test","name":"Acme"},"reply_to_list":[{"email":"help@acme.test","name":"Help"},{"email":"desk@acme.test"}],
             "subject":"Hi -name-","content":[{"type":"text/html","value":"<p>-name-</p>"}],
             "attachments":[{"content":"AAEC","filename":"logo.png","type":"image/png","disposition":"inline","content_id":"logo"},{"content":"aGk=","filename":"ü.txt"}],
             "headers":{"X-Run":"7","X-Top":"t"},"categories":["a","b"],"custom_args":{"a":"x","b":1},
             "asm":{"group_id":5,"groups_to_display":[5,6]},"ip_pool_name":"fast",
             "mail_settings":{"footer":{"enable":true,"text":"ft","html":"fh"},"bypass_bounce_management":{"enable":true},"bypass_spam_management":{"enable":false}},
             "tracking_settings":{"open_tracking":{"enable":false,"unknown":1},"click_tracking":{"enable":true,"enable_text":true}}}
            """)!;

        var answer = await caller.Send(request);

        Assert.Equal(202, answer.Status);
        var message = Assert.Single(caller.Stored).Message;
        var settings = message.Settings;
        Assert.Equal([new("x-run", "8"), new("X-Top", "t"), new("X-Own", "1")], settings.Headers!);
        Assert.Equal("""{"a":"x","b":2,"c":null}""", settings.CustomArgs!.Value.GetRawText());
        Assert.Equal(("Hi Bo", "Bo"), (message.Subject, settings.Substitutions!["-name-"]));
        Assert.Equal("""{"a":[1]}""", settings.TemplateData!.Value.GetRawText());
        Assert.Equal([new("help@acme.test", "Help"), new("desk@acme.test", null)], settings.ReplyTo!);
        Assert.Equal((5, "fast", "ft", "fh"), (settings.UnsubscribeGroup, settings.IpPool, settings.FooterText, settings.FooterHtml));
        Assert.Equal([5, 6], settings.GroupsToDisplay!);
        Assert.Equal(Bypass.Bounces, settings.Bypass);
        Assert.Equal("""{"click_tracking":{"enable":true,"enable_text":true},"open_tracking":{"enable":false}}""", settings.Tracking!.Value.GetRawText());
        Assert.Equal(
            [("logo.png", "image/png", "logo", true, 3L), ("ü.txt", "application/octet-stream", null, false, 2L)],
            settings.Attachments!.Select(attachment => (attachment.FileName, attachment.ContentType, attachment.ContentId, attachment.Inline, attachment.Octets)));
        Assert.Equal(["a", "b"], message.Categories);
    }

    [Theory]
    [InlineData(false, "false", MessageStatus.Queued)]
    [InlineData(false, "true", MessageStatus.Sandbox)]
    [InlineData(true, "false", MessageStatus.Sandbox)]
    [InlineData(true, "true", MessageStatus.Sandbox)]
    public async Task Sandbox_is_for_test_keys_and_for_those_who_ask(bool testKey, string asked, MessageStatus status)
    {
        var caller = host.NewCaller(new CallerOptions { Test = testKey });
        var request = SendRequests.With("mail_settings", "{\"sandbox_mode\":{\"enable\":" + asked + "}}");

        var answer = await caller.Send(request);

        Assert.Equal(202, answer.Status);
        Assert.Equal(status, Assert.Single(caller.Stored).Status);
    }

    [Fact]
    public async Task A_sender_domain_must_be_verified_unless_in_the_sandbox()
    {
        var live = host.NewCaller("mail.send");
        var test = host.NewCaller(new CallerOptions { Test = true });
        var request = SendRequests.With("personalizations.0.from", """{"email":"x@elsewhere.test"}""");

        var refused = await live.Send(request);
        var accepted = await test.Send(request);

        Assert.Equal((403, "Sender domain not verified"), (refused.Status, (string?)refused.Body!["detail"]));
        Assert.Equal("Sender domain not verified", (string?)refused.Body["errors"]![0]!["message"]);
        Assert.Empty(live.Stored);
        Assert.Equal(202, accepted.Status);
    }

    [Theory]
    [InlineData(-3600, false)]
    [InlineData(0, false)]
    [InlineData(5, false)]
    [InlineData(6, true)]
    [InlineData(366 * 86_400, true)]
    public async Task A_time_to_come_needs_the_schedule_scope(int seconds, bool needed)
    {
        var without = host.NewCaller("mail.send");
        var with = host.NewCaller("mail.send", "mail.schedule");
        var at = host.Time.GetUtcNow().AddSeconds(seconds);
        var request = SendRequests.With("send_at", at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));

        var refused = await without.Send(request);
        var accepted = await with.Send(request);

        Assert.Equal(needed ? 403 : 202, refused.Status);
        Assert.Equal(needed ? "Missing required scope: mail.schedule" : null, (string?)refused.Body!["detail"]);
        Assert.Equal(needed ? 0 : 1, without.Stored.Count);
        Assert.Equal(202, accepted.Status);
        Assert.Equal(needed ? at : host.Time.GetUtcNow(), Assert.Single(with.Stored).Message.DueAt);
    }

    [Fact]
    public async Task Times_too_far_ahead_are_refused()
    {
        var caller = host.NewCaller(new CallerOptions());
        var milliseconds = host.Time.GetUtcNow().AddMinutes(1).ToUnixTimeMilliseconds();
        var past = host.Time.GetUtcNow().AddDays(366).AddSeconds(1).ToUnixTimeSeconds();

        var first = await caller.Send(SendRequests.With("send_at", milliseconds.ToString(CultureInfo.InvariantCulture)));
        var second = await caller.Send(SendRequests.With("personalizations.0.send_at", past.ToString(CultureInfo.InvariantCulture)));
        var longAgo = await caller.Send(SendRequests.With("send_at", long.MinValue.ToString(CultureInfo.InvariantCulture)));

        Assert.Equal((400, "send_at"), (first.Status, first.Fields.Single()));
        Assert.Equal((400, "personalizations.0.send_at"), (second.Status, second.Fields.Single()));
        Assert.Equal(202, longAgo.Status);
    }

    [Fact]
    public async Task A_personalizations_time_goes_over_the_requests()
    {
        var caller = host.NewCaller(new CallerOptions());
        var now = host.Time.GetUtcNow();
        var request = SendRequests.With("send_at", now.AddHours(1).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));
        request["personalizations"] = JsonNode.Parse($$"""
            [{"to":[{"email":"a@example.net"}],"send_at":{{now.AddHours(2).ToUnixTimeSeconds()}} },
             {"to":[{"email":"b@example.net"}],"send_at":{{now.AddHours(-2).ToUnixTimeSeconds()}} },
             {"to":[{"email":"c@example.net"}]}]
            """);

        await caller.Send(request);

        Assert.Equal([now.AddHours(2), now, now.AddHours(1)], caller.Stored.Select(view => view.Message.DueAt));
    }

    [Fact]
    public async Task A_sandboxed_message_keeps_its_time_and_is_not_held_for_it()
    {
        var caller = host.NewCaller(new CallerOptions { Test = true });
        var at = host.Time.GetUtcNow().AddHours(1);

        await caller.Send(SendRequests.With("send_at", at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)));

        var message = Assert.Single(caller.Stored).Message;
        Assert.Equal((at, host.Time.GetUtcNow()), (message.Settings.SendAt!.Value, message.DueAt));
    }

    [Fact]
    public async Task A_batch_must_be_the_tenants_own_and_needs_the_schedule_scope()
    {
        var caller = host.NewCaller(new CallerOptions());
        var unscoped = host.NewCaller(new CallerOptions { Tenant = caller.Tenant, Scopes = ["mail.send"] });
        var stranger = host.NewCaller(new CallerOptions());
        var batch = (string)(await caller.Post("/v3/mail/batch", null)).Body!["batch_id"]!;
        var request = SendRequests.With("batch_id", $"\"{batch.ToLowerInvariant()}\"");

        var refused = await unscoped.Send(request);
        var unknown = await stranger.Send(request);
        var accepted = await caller.Send(request);

        Assert.Equal((403, "Missing required scope: mail.schedule"), (refused.Status, (string?)refused.Body!["detail"]));
        Assert.Equal((400, "batch_id"), (unknown.Status, unknown.Fields.Single()));
        Assert.Empty(stranger.Stored);
        Assert.Equal(202, accepted.Status);
        Assert.Equal(batch, "bat_" + Assert.Single(caller.Stored).Message.Batch);
    }

    [Fact]
    public async Task The_same_key_and_body_give_the_same_answer_once_stored()
    {
        var caller = host.NewCaller("mail.send");
        var key = ("Idempotency-Key", "order 881");

        var first = await caller.Send(SendRequests.Simple, key);
        var again = await caller.Send(SendRequests.Simple, key);
        var other = await caller.Send(SendRequests.With("subject", "\"Other\"").ToJsonString(), key);

        Assert.Equal((202, 202, 409), (first.Status, again.Status, other.Status));
        Assert.Equal(first.Text, again.Text);
        Assert.Equal((null, "true"), (first.Header("Idempotent-Replayed"), again.Header("Idempotent-Replayed")));
        Assert.NotNull(other.Body!["errors"]![0]!["message"]);
        Assert.Single(caller.Stored);
    }

    [Theory]
    [InlineData(1, 202)]
    [InlineData(255, 202)]
    [InlineData(256, 400)]
    public async Task An_idempotency_key_has_at_most_255_characters(int length, int status)
    {
        var caller = host.NewCaller("mail.send");

        var answer = await caller.Send(SendRequests.Simple, ("Idempotency-Key", new string('k', length)));

        Assert.Equal(status, answer.Status);
        Assert.Equal(status == 202 ? 1 : 0, caller.Stored.Count);
    }

    [Theory]
    [InlineData("application/json", 202)]
    [InlineData("application/json; charset=utf-8", 202)]
    [InlineData("Application/JSON; charset=\"UTF-8\"", 202)]
    [InlineData("application/json; charset=utf-16", 415)]
    [InlineData("text/plain", 415)]
    [InlineData("application/x-www-form-urlencoded", 415)]
    [InlineData("multipart/form-data; boundary=x", 415)]
    [InlineData(null, 415)]
    public async Task Only_json_is_taken(string? contentType, int status)
    {
        var caller = host.NewCaller("mail.send");
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(SendRequests.Simple));
        content.Headers.ContentType = contentType is null ? null : MediaTypeHeaderValue.Parse(contentType);

        var answer = await caller.Post("/v3/mail/send", content);

        Assert.Equal(status, answer.Status);
    }

    [Fact]
    public async Task Compressed_bodies_are_not_taken()
    {
        var caller = host.NewCaller("mail.send");
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(SendRequests.Simple));
        content.Headers.ContentType = new("application/json");
        content.Headers.ContentEncoding.Add("gzip");

        var answer = await caller.Post("/v3/mail/send", content);

        Assert.Equal(415, answer.Status);
    }

    [Fact]
    public async Task A_store_that_is_away_gives_503_and_takes_nothing()
    {
        await using var other = new ApiHost();
        await other.InitializeAsync();
        var caller = other.NewCaller(new CallerOptions());
        var warm = await caller.Send(SendRequests.Simple);
        other.Store.Fault = new StoreUnavailableException("disk full at /var/lib/secret");

        var away = await caller.Send(SendRequests.Simple);
        other.Store.Fault = new InvalidOperationException("secret");
        var broken = await caller.Send(SendRequests.Simple);

        Assert.Equal((202, 503, 500), (warm.Status, away.Status, broken.Status));
        Assert.Equal("1", away.Header("Retry-After"));
        Assert.NotNull(away.Body!["errors"]);
        Assert.DoesNotContain("secret", away.Text + broken.Text, StringComparison.Ordinal);
        Assert.Single(caller.Stored);
    }
}
