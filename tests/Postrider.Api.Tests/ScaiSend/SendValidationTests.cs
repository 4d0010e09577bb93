using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Postrider.Api.Tests.ScaiSend;

/// <summary>Every rule of contracts/scaisend.md §3.1 and the limits of §9: which field is named, and that nothing is stored.</summary>
public sealed class SendValidationTests(ApiHost host) : IClassFixture<ApiHost>
{
    const string To = "personalizations.0.to";

    [Theory]
    [InlineData("subject", "3", "wrong JSON type: a string")]
    [InlineData("send_at", "\"soon\"", "wrong JSON type: an integer")]
    [InlineData("mail_settings", "{\"sandbox_mode\":{\"enable\":\"true\"}}", "wrong JSON type: a boolean")]
    [InlineData("subject", "\"\\ud800\"", "not valid Unicode")]
    public async Task Tells_a_value_of_the_wrong_type_from_text_that_is_not_Unicode(string field, string json, string told)
    {
        var caller = host.NewCaller("mail.send");
        var body = SendRequests.With(field, "\"HERE\"").ToJsonString().Replace("\"HERE\"", json, StringComparison.Ordinal);

        var answer = await caller.Send(body);

        Assert.Equal(400, answer.Status);
        Assert.Contains(told, (string?)answer.Body!["errors"]![0]!["message"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("personalizations", null, "personalizations")]
    [InlineData("personalizations", "[]", "personalizations")]
    [InlineData("personalizations", "null", "personalizations")]
    [InlineData("personalizations", "{}", "personalizations")]
    [InlineData("personalizations", "[null]", "personalizations.0")]
    [InlineData("personalizations", "[1]", "personalizations.0")]
    [InlineData(To, null, To)]
    [InlineData(To, "[]", To)]
    [InlineData(To, "\"bo@example.net\"", To)]
    [InlineData(To, "[{}]", To + ".0.email")]
    [InlineData(To, "[null]", To + ".0")]
    [InlineData(To, "[{\"email\":\"\"}]", To + ".0.email")]
    [InlineData(To, "[{\"email\":1}]", To + ".0.email")]
    [InlineData(To, "[{\"email\":\"not an address\"}]", To + ".0.email")]
    [InlineData(To, "[{\"email\":\"bo@example.net\"},{\"email\":\"nobody\"}]", To + ".1.email")]
    [InlineData(To, "[{\"email\":\"bo@example.net\"},{\"email\":\"BO@Example.NET\"}]", To + ".1.email")]
    [InlineData(To, "[{\"email\":\"bo@example.net\\r\\nBcc: x@example.net\"}]", To + ".0.email")]
    [InlineData(To, "[{\"email\":\"bo@example.net>\"}]", To + ".0.email")]
    [InlineData(To, "[{\"email\":\"bo@example.net\",\"name\":\"Bo\\r\\nBcc: x@example.net\"}]", To + ".0.name")]
    [InlineData(To, "[{\"email\":\"bo@example.net\",\"name\":\"Bo\\u0000\"}]", To + ".0.name")]
    [InlineData(To, "[{\"email\":\"bo@example.net\",\"name\":7}]", To + ".0.name")]
    [InlineData("personalizations.0.cc", "[{\"email\":\"x\"}]", "personalizations.0.cc.0.email")]
    [InlineData("personalizations.0.cc", "[{\"email\":\"Bo@example.net\"}]", "personalizations.0.cc.0.email")]
    [InlineData("personalizations.0.bcc", "[{\"email\":\"x\"}]", "personalizations.0.bcc.0.email")]
    [InlineData("personalizations.0.bcc", "[{\"email\":\"bo@EXAMPLE.net\"}]", "personalizations.0.bcc.0.email")]
    [InlineData("personalizations.0.from", "{\"email\":\"x\"}", "personalizations.0.from.email")]
    [InlineData("personalizations.0.from", "{}", "personalizations.0.from.email")]
    [InlineData("personalizations.0.subject", "\"\"", "personalizations.0.subject")]
    [InlineData("personalizations.0.subject", "\"a\\nb\"", "personalizations.0.subject")]
    [InlineData("personalizations.0.headers", "{\"X-A\":1}", "personalizations.0.headers.X-A")]
    [InlineData("personalizations.0.headers", "{\"Subject\":\"x\"}", "personalizations.0.headers.Subject")]
    [InlineData("personalizations.0.substitutions", "{\"-a-\":1}", "personalizations.0.substitutions.-a-")]
    [InlineData("personalizations.0.substitutions", "{\"\":\"x\"}", "personalizations.0.substitutions")]
    [InlineData("personalizations.0.dynamic_template_data", "[]", "personalizations.0.dynamic_template_data")]
    [InlineData("personalizations.0.dynamic_template_data", "{\"a\":\"LONE\"}", "personalizations.0.dynamic_template_data")]
    [InlineData("personalizations.0.custom_args", "\"x\"", "personalizations.0.custom_args")]
    [InlineData("personalizations.0.custom_args", "{\"a\":{}}", "personalizations.0.custom_args.a")]
    [InlineData("personalizations.0.send_at", "\"soon\"", "personalizations.0.send_at")]
    [InlineData("from", null, "from")]
    [InlineData("from", "\"billing@acme.test\"", "from")]
    [InlineData("from", "{}", "from.email")]
    [InlineData("from", "{\"email\":\"acme.test\"}", "from.email")]
    [InlineData("from", "{\"email\":\"a@acme.test\",\"name\":\"A\\nB\"}", "from.name")]
    [InlineData("reply_to", "{\"email\":\"x\"}", "reply_to.email")]
    [InlineData("reply_to", "[]", "reply_to")]
    [InlineData("reply_to_list", "[{\"email\":\"x\"}]", "reply_to_list.0.email")]
    [InlineData("reply_to_list", "[{\"email\":\"a@b.test\"},{\"email\":\"A@b.test\"}]", "reply_to_list.1.email")]
    [InlineData("subject", null, "subject")]
    [InlineData("subject", "\"\"", "subject")]
    [InlineData("subject", "5", "subject")]
    [InlineData("subject", "\"a\\r\\nBcc: x@example.net\"", "subject")]
    [InlineData("subject", "\"LOW\"", "subject")]
    [InlineData("content", null, "content")]
    [InlineData("content", "[]", "content")]
    [InlineData("content", "{}", "content")]
    [InlineData("content", "[null]", "content.0")]
    [InlineData("content", "[{\"type\":\"text/plain\",\"value\":\"\"}]", "content.0.value")]
    [InlineData("content", "[{\"type\":\"text/plain\"}]", "content.0.value")]
    [InlineData("content", "[{\"type\":\"text/plain\",\"value\":5}]", "content.0.value")]
    [InlineData("content", "[{\"type\":\"text/plain\",\"value\":\"LONE\"}]", "content.0.value")]
    [InlineData("content", "[{\"value\":\"x\"}]", "content.0.type")]
    [InlineData("content", "[{\"type\":\"text/calendar\",\"value\":\"x\"}]", "content.0.type")]
    [InlineData("content", "[{\"type\":\"text/html\",\"value\":\"x\"},{\"type\":\"text/html\",\"value\":\"y\"}]", "content.1.type")]
    [InlineData("attachments", "[{\"filename\":\"a.txt\"}]", "attachments.0.content")]
    [InlineData("attachments", "[{\"filename\":\"a.txt\",\"content\":\"\"}]", "attachments.0.content")]
    [InlineData("attachments", "[{\"filename\":\"a.txt\",\"content\":\"not base64!\"}]", "attachments.0.content")]
    [InlineData("attachments", "[{\"filename\":\"a.txt\",\"content\":\"YQ\"}]", "attachments.0.content")]
    [InlineData("attachments", "[{\"filename\":\"a.txt\",\"content\":1}]", "attachments.0.content")]
    [InlineData("attachments", "[{\"content\":\"YQ==\"}]", "attachments.0.filename")]
    [InlineData("attachments", "[{\"content\":\"YQ==\",\"filename\":\"\"}]", "attachments.0.filename")]
    [InlineData("attachments", "[{\"content\":\"YQ==\",\"filename\":\"../a\"}]", "attachments.0.filename")]
    [InlineData("attachments", "[{\"content\":\"YQ==\",\"filename\":\"a\\\\b\"}]", "attachments.0.filename")]
    [InlineData("attachments", "[{\"content\":\"YQ==\",\"filename\":\"a\\r\\nX: y\"}]", "attachments.0.filename")]
    [InlineData("attachments", "[{\"content\":\"YQ==\",\"filename\":\"a\",\"type\":\"pdf\"}]", "attachments.0.type")]
    [InlineData("attachments", "[{\"content\":\"YQ==\",\"filename\":\"a\",\"type\":\"a/b\\r\\nX: y\"}]", "attachments.0.type")]
    [InlineData("attachments", "[{\"content\":\"YQ==\",\"filename\":\"a\",\"type\":\"a/\"}]", "attachments.0.type")]
    [InlineData("attachments", "[{\"content\":\"YQ==\",\"filename\":\"a\",\"disposition\":\"elsewhere\"}]", "attachments.0.disposition")]
    [InlineData("attachments", "[{\"content\":\"YQ==\",\"filename\":\"a\",\"disposition\":\"inline\"}]", "attachments.0.content_id")]
    [InlineData("attachments", "[{\"content\":\"YQ==\",\"filename\":\"a\",\"disposition\":\"inline\",\"content_id\":\"a>\\r\\n\"}]", "attachments.0.content_id")]
    [InlineData("attachments", "[null]", "attachments.0")]
    [InlineData("headers", "{\"X A\":\"1\"}", "headers.X A")]
    [InlineData("headers", "{\"X-a\":\"1\",\"x-A\":\"2\"}", "headers.x-A")]
    [InlineData("headers", "{\"X-A:\":\"1\"}", "headers.X-A:")]
    [InlineData("headers", "{\"\":\"1\"}", "headers.")]
    [InlineData("headers", "{\"X-Ä\":\"1\"}", "headers.X-Ä")]
    [InlineData("headers", "{\"X-A\\r\\nBcc\":\"1\"}", "headers.X-A\r\nBcc")]
    [InlineData("headers", "{\"X-A\":\"1\\r\\nBcc: x@example.net\"}", "headers.X-A")]
    [InlineData("headers", "{\"X-A\":\"1\\n\"}", "headers.X-A")]
    [InlineData("headers", "{\"X-A\":null}", "headers.X-A")]
    [InlineData("headers", "{\"X-A\":true}", "headers.X-A")]
    [InlineData("headers", "[]", "headers")]
    [InlineData("headers", "{\"List-Unsubscribe\":\"<https://exämple.net>\"}", "headers.List-Unsubscribe")]
    [InlineData("categories", "[\"a\",\"a\"]", "categories.1")]
    [InlineData("categories", "[\"\"]", "categories.0")]
    [InlineData("categories", "[null]", "categories.0")]
    [InlineData("categories", "[1]", "categories.0")]
    [InlineData("categories", "[\"a\\nb\"]", "categories.0")]
    [InlineData("categories", "\"a\"", "categories")]
    [InlineData("custom_args", "[]", "custom_args")]
    [InlineData("custom_args", "{\"a\":[1]}", "custom_args.a")]
    [InlineData("custom_args", "{\"a\":{\"b\":1}}", "custom_args.a")]
    [InlineData("custom_args", "{\"a\":\"LONE\"}", "custom_args")]
    [InlineData("send_at", "\"1772439420\"", "send_at")]
    [InlineData("send_at", "1.5", "send_at")]
    [InlineData("send_at", "99999999999999999999", "send_at")]
    [InlineData("batch_id", "\"bat_1\"", "batch_id")]
    [InlineData("batch_id", "\"\"", "batch_id")]
    [InlineData("batch_id", "\"bat_01JNW4Q2000000000000000000\"", "batch_id")]
    [InlineData("batch_id", "1", "batch_id")]
    [InlineData("asm", "{}", "asm.group_id")]
    [InlineData("asm", "{\"group_id\":\"1\"}", "asm.group_id")]
    [InlineData("asm", "{\"group_id\":0}", "asm.group_id")]
    [InlineData("asm", "{\"group_id\":1,\"groups_to_display\":[\"1\"]}", "asm.groups_to_display.0")]
    [InlineData("asm", "1", "asm")]
    [InlineData("ip_pool_name", "\"a\"", "ip_pool_name")]
    [InlineData("ip_pool_name", "\"a\\nb\"", "ip_pool_name")]
    [InlineData("mail_settings", "[]", "mail_settings")]
    [InlineData("mail_settings", "{\"sandbox_mode\":{\"enable\":\"true\"}}", "mail_settings.sandbox_mode.enable")]
    [InlineData("mail_settings", "{\"sandbox_mode\":true}", "mail_settings.sandbox_mode")]
    [InlineData("mail_settings", "{\"footer\":{\"enable\":true,\"text\":1}}", "mail_settings.footer.text")]
    [InlineData("mail_settings", "{\"bypass_list_management\":{\"enable\":true},\"bypass_spam_management\":{\"enable\":true}}", "mail_settings.bypass_list_management")]
    [InlineData("mail_settings", "{\"bypass_bounce_management\":{\"enable\":1}}", "mail_settings.bypass_bounce_management.enable")]
    [InlineData("tracking_settings", "[]", "tracking_settings")]
    [InlineData("tracking_settings", "{\"click_tracking\":{\"enable\":\"yes\"}}", "tracking_settings.click_tracking.enable")]
    [InlineData("tracking_settings", "{\"open_tracking\":{\"substitution_tag\":5}}", "tracking_settings.open_tracking.substitution_tag")]
    [InlineData("tracking_settings", "{\"ganalytics\":{\"utm_source\":\"a\\r\\nb\"}}", "tracking_settings.ganalytics.utm_source")]
    public async Task Names_the_field_at_fault(string path, string? json, string field)
    {
        var caller = host.NewCaller(new CallerOptions());

        // Halves of surrogate pairs, which a JSON node would mend.
        var request = SendRequests.With(path, json).ToJsonString()
            .Replace("LONE", "\\ud83d", StringComparison.Ordinal).Replace("LOW", "\\udc00", StringComparison.Ordinal);

        var answer = await caller.Send(request);

        Assert.Equal(400, answer.Status);
        Assert.Equal([field], answer.Fields);
        Assert.All(answer.Body!["errors"]!.AsArray(), error => Assert.False(string.IsNullOrEmpty((string?)error!["message"])));
        Assert.Empty(caller.Stored);
    }

    [Theory]
    [InlineData("Received")]
    [InlineData("DKIM-Signature")]
    [InlineData("content-type")]
    [InlineData("Content-Transfer-Encoding")]
    [InlineData("TO")]
    [InlineData("From")]
    [InlineData("Subject")]
    [InlineData("Reply-To")]
    [InlineData("Cc")]
    [InlineData("bcc")]
    [InlineData("Message-ID")]
    [InlineData("Date")]
    [InlineData("MIME-Version")]
    [InlineData("Return-Path")]
    [InlineData("X-ScaiSend-Anything")]
    [InlineData("Sender")]
    [InlineData("Content-Disposition")]
    public async Task Refuses_headers_that_are_its_own(string name)
    {
        var caller = host.NewCaller(new CallerOptions());
        var request = SendRequests.New();
        request["headers"] = new JsonObject { [name] = "x" };

        var answer = await caller.Send(request);

        Assert.Equal((400, "headers." + name), (answer.Status, answer.Fields.Single()));
    }

    [Theory]
    [InlineData("d-0123", "template_id")]
    [InlineData("welcome", "template_id")]
    [InlineData("", "template_id")]
    public async Task Refuses_templates_that_are_not_known(string id, string field)
    {
        var caller = host.NewCaller(new CallerOptions());
        var request = SendRequests.With("content", null);
        request["template_id"] = id;
        request.Remove("subject");

        var answer = await caller.Send(request);

        Assert.Equal(400, answer.Status);
        Assert.Equal([field], answer.Fields);
    }

    [Fact]
    public async Task Refuses_content_and_substitutions_beside_a_template()
    {
        var caller = host.NewCaller(new CallerOptions());
        var request = SendRequests.With("personalizations.0.substitutions", "{\"-a-\":\"b\"}");
        request["template_id"] = "d-1";

        var answer = await caller.Send(request);

        Assert.Equal(["template_id", "content", "personalizations.0.substitutions"], answer.Fields);
    }

    [Fact]
    public async Task Refuses_reply_to_beside_reply_to_list()
    {
        var caller = host.NewCaller(new CallerOptions());
        var request = SendRequests.With("reply_to", "{\"email\":\"a@acme.test\"}");
        request["reply_to_list"] = JsonNode.Parse("[{\"email\":\"b@acme.test\"}]");

        var answer = await caller.Send(request);

        Assert.Equal((400, "reply_to"), (answer.Status, answer.Fields.Single()));
    }

    [Fact]
    public async Task Names_everything_at_fault_at_once_up_to_fifty()
    {
        var caller = host.NewCaller(new CallerOptions());
        var few = SendRequests.With("from", "{\"email\":\"x\"}");
        few["subject"] = "";
        few["categories"] = JsonNode.Parse("[\"a\",\"a\"]");
        var many = SendRequests.New();
        many["personalizations"]![0]!["to"] = new JsonArray([.. Enumerable.Range(0, 80).Select(_ => JsonNode.Parse("{\"email\":\"x\"}"))]);

        var first = await caller.Send(few);
        var second = await caller.Send(many);

        Assert.Equal(["from.email", "subject", "categories.1"], first.Fields);
        Assert.Equal(50, second.Fields.Count());
    }

    [Fact]
    public async Task Asks_for_a_subject_unless_every_personalization_has_one()
    {
        var caller = host.NewCaller(new CallerOptions());
        var one = SendRequests.With("subject", null);
        one["personalizations"] = JsonNode.Parse("""[{"to":[{"email":"a@example.net"}],"subject":"A"},{"to":[{"email":"b@example.net"}]}]""");
        var both = JsonNode.Parse(one.ToJsonString())!;
        both["personalizations"]![1]!["subject"] = "B";

        var refused = await caller.Send(one);
        var accepted = await caller.Send(both);

        Assert.Equal((400, "subject"), (refused.Status, refused.Fields.Single()));
        Assert.Equal(202, accepted.Status);
    }

    public static TheoryData<string, string, int, string> Limits => new()
    {
        // path, how the value is made from n, n, field named past it
        { "personalizations", "personalizations", 1000, "personalizations" },
        { To, "addresses", 1000, To },
        { "personalizations.0.cc", "addresses", 999, "personalizations" },
        { "personalizations.0.bcc", "addresses", 999, "personalizations" },
        { "reply_to_list", "addresses", 1000, "reply_to_list" },
        { "attachments", "attachments", 10, "attachments" },
        { "attachments.0.filename", "text", 255, "attachments.0.filename" },
        { "categories", "texts", 10, "categories" },
        { "categories.0", "text", 255, "categories.0" },
        { "custom_args", "arguments", 10_000, "custom_args" },
        { "personalizations.0.custom_args", "arguments", 10_000, "personalizations.0.custom_args" },
        { "personalizations.0.substitutions", "substitutions", 10_000, "personalizations.0.substitutions" },
        { "asm.groups_to_display", "numbers", 25, "asm.groups_to_display" },
        { "ip_pool_name", "text", 64, "ip_pool_name" },
        { "subject", "text", 998, "subject" },
        { "headers", "headers", 100, "headers" },
        { "headers.X-A", "text", 10_000 - 3, "headers" },
        { "mail_settings.footer.text", "text", 10_000, "mail_settings.footer.text" },
    };

    [Theory]
    [MemberData(nameof(Limits))]
    public async Task Accepts_up_to_a_limit_and_refuses_past_it(string path, string kind, int limit, string field)
    {
        var caller = host.NewCaller(new CallerOptions());
        await host.AddGroupsAsync(caller.Tenant, 1);

        var below = await caller.Send(Request(path, kind, limit - 1));
        var at = await caller.Send(Request(path, kind, limit));
        var past = await caller.Send(Request(path, kind, limit + 1));

        Assert.Equal((202, 202, 400), (below.Status, at.Status, past.Status));
        Assert.Equal(field, past.Fields.First());
    }

    static JsonObject Request(string path, string kind, int n)
    {
        var request = SendRequests.New();
        if (path.StartsWith("attachments.0", StringComparison.Ordinal))
            SendRequests.Change(request, "attachments", """[{"content":"YQ==","filename":"a"}]""");
        if (path.StartsWith("asm", StringComparison.Ordinal))
            SendRequests.Change(request, "asm", """{"group_id":1}""");
        return SendRequests.Change(request, path, Value(kind, n));
    }

    static string Value(string kind, int n) => kind switch
    {
        "personalizations" => Array(n, i => $$"""{"to":[{"email":"r{{i}}@example.net"}]}"""),
        "addresses" => Array(n, i => $$"""{"email":"r{{i}}@example.net"}"""),
        "attachments" => Array(n, i => $$"""{"content":"YQ==","filename":"{{i}}.txt"}"""),
        "texts" => Array(n, i => $"\"{i}\""),
        "numbers" => Array(n, i => i.ToString(CultureInfo.InvariantCulture)),
        "text" => "\"" + new string('x', n) + "\"",
        "arguments" => "{\"a\":\"" + new string('x', n - """{"a":""}""".Length) + "\"}",
        "substitutions" => "{\"-a-\":\"" + new string('x', n - "-a-".Length) + "\"}",
        "headers" => "{" + string.Join(',', Enumerable.Range(0, n).Select(i => $"\"X-{i}\":\"v\"")) + "}",
        _ => throw new ArgumentException(kind),
    };

    static string Array(int n, Func<int, string> item) => "[" + string.Join(',', Enumerable.Range(0, n).Select(item)) + "]";

    [Theory]
    [InlineData("", "empty")]
    [InlineData("   ", "JSON")]
    [InlineData("{", "JSON")]
    [InlineData("{} {}", "JSON")]
    [InlineData("{\"from\":}", "JSON")]
    [InlineData("{\"from\":{\"email\":\"a@acme.test\"},}", "JSON")]
    [InlineData("/* hi */ {}", "JSON")]
    [InlineData("[]", "object")]
    [InlineData("\"x\"", "object")]
    [InlineData("null", "object")]
    public async Task Says_what_is_wrong_with_a_body_that_is_no_object(string body, string word)
    {
        var caller = host.NewCaller(new CallerOptions());

        var answer = await caller.Send(body);

        Assert.Equal(400, answer.Status);
        var error = answer.Body!["errors"]!.AsArray().Single()!;
        Assert.Contains(word, (string?)error["message"], StringComparison.Ordinal);
        Assert.Null((string?)error["field"]);
    }

    [Fact]
    public async Task Refuses_json_nested_too_deeply()
    {
        var caller = host.NewCaller(new CallerOptions());
        var depth = new string('[', 5_000) + new string(']', 5_000);

        var answer = await caller.Send("{\"x\":" + depth + "}");

        Assert.Equal(400, answer.Status);
    }

    [Theory]
    [InlineData("subject")]
    [InlineData("content.0.value")]
    [InlineData("personalizations.0.to.0.name")]
    [InlineData("categories.0")]
    [InlineData("headers.X-A")]
    [InlineData("personalizations.0.substitutions.-a-")]
    [InlineData("custom_args.a")]
    [InlineData("personalizations.0.dynamic_template_data.a")]
    public async Task Refuses_octets_that_are_no_utf8(string path)
    {
        var caller = host.NewCaller(new CallerOptions());
        var json = Encoding.UTF8.GetBytes(SendRequests.With(path, "\"HERE\"").ToJsonString());
        json[json.AsSpan().IndexOf("HERE"u8)] = 0xFF;
        var content = new ByteArrayContent(json);
        content.Headers.ContentType = new("application/json");

        var answer = await caller.Post("/v3/mail/send", content);

        Assert.Equal(400, answer.Status);
        Assert.Empty(caller.Stored);
    }

    [Fact]
    public async Task The_last_of_equal_keys_wins_and_unknown_fields_are_ignored()
    {
        var caller = host.NewCaller(new CallerOptions());
        var json = SendRequests.Simple.Replace("\"subject\":\"Invoice 881\"", "\"subject\":\"First\",\"unknown\":{\"a\":[1]},\"subject\":\"Second\"", StringComparison.Ordinal);

        var answer = await caller.Send(json);

        Assert.Equal(202, answer.Status);
        Assert.Equal("Second", Assert.Single(caller.Stored).Message.Subject);
    }
}
