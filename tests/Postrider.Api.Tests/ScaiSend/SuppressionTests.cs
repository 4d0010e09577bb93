using System.Net.Http.Headers;
using System.Text;
using Postrider.Engine.Messages;
using Postrider.Engine.Suppressions;
using Postrider.Mail.Addresses;

namespace Postrider.Api.Tests.ScaiSend;

/// <summary>contracts/scaisend.md §3.4.</summary>
public sealed class SuppressionTests(ApiHost host) : IClassFixture<ApiHost>
{
    const string Bounces = "/v3/suppression/bounces";
    const string Global = "/v3/asm/suppressions/global";

    readonly Caller _caller = host.NewCaller("suppressions.read", "suppressions.write");

    [Fact]
    public async Task A_bounce_shows_what_it_came_of()
    {
        Assert.True(Base32.TryParse("01JNW4Q2000000000000000001", out var message) & Base32.TryParse("01JNW4Q2000000000000000002", out var happened));
        Assert.True(Mailbox.TryParse("gone@example.net", out var address));
        await host.Suppressions.AddAsync(_caller.Tenant, [new Suppression
        {
            Id = happened,
            List = SuppressionList.Bounces,
            Address = address,
            CreatedAt = DateTimeOffset.FromUnixTimeSeconds(1772439300),
            Reason = "550 5.1.1 no such user",
            BounceType = BounceType.Hard,
            Status = "5.1.1",
            Message = new MessageId(message),
        }], CancellationToken.None);
        const string Row = """
            {"email":"gone@example.net","created":1772439300,"reason":"550 5.1.1 no such user","bounce_type":"hard","status":"5.1.1",
            "message_id":"msg_01JNW4Q2000000000000000001","event_id":"evt_01JNW4Q2000000000000000002"}
            """;
        var row = Row.ReplaceLineEndings("");

        Assert.Equal($$"""{"bounces":[{{row}}],"total":1}""", (await _caller.Get(Bounces)).Text);
        Assert.Equal($"[{row}]", (await _caller.Get(Bounces + "/GONE@example.net")).Text);
        Assert.Equal("[]", (await _caller.Get("/v3/suppression/blocks")).Text);
    }

    [Theory]
    [InlineData("""{"email":"Ada@example.net"}""", "hard", null)]
    [InlineData("""{"email":"Ada@example.net","bounce_type":"SOFT","reason":"mailbox full","other":1}""", "soft", "mailbox full")]
    [InlineData("""{"email":"Ada@example.net","bounce_type":"block"}""", "block", null)]
    public async Task A_bounce_is_added(string body, string type, string? reason)
    {
        var answer = await _caller.Ask("POST", Bounces, body);

        Assert.Equal(201, answer.Status);
        Assert.Equal($$"""
            {"email":"Ada@example.net","created":{{host.Time.GetUtcNow().ToUnixTimeSeconds()}},"reason":{{(reason is null ? "null" : $"\"{reason}\"")}},
            "bounce_type":"{{type}}","status":null,"message_id":null}
            """.ReplaceLineEndings(""), answer.Text);
        Assert.Equal(200, (await _caller.Get(Bounces + "/ada@example.net")).Status);
        Assert.Equal(type == "block" ? 200 : 404, (await _caller.Get("/v3/suppression/blocks/ada@example.net")).Status);
    }

    [Theory]
    [InlineData(Bounces, "{}", """[{"loc":["body","email"],"msg":"The field is required","type":"missing"}]""")]
    [InlineData(Bounces, """{"email":"nobody"}""", """[{"loc":["body","email"],"msg":"The value must be an e-mail address","type":"value_error"}]""")]
    [InlineData(Bounces, """{"email":"a@b.test","bounce_type":"firm"}""",
        """[{"loc":["body","bounce_type"],"msg":"The value must be hard, soft or block","type":"enum"}]""")]
    [InlineData(Bounces, """{"email":1}""", """[{"loc":["body","email"],"msg":"The value has the wrong JSON type","type":"type_error"}]""")]
    [InlineData(Bounces, """{"email":"a@b.test","reason":"\ud83d"}""",
        """[{"loc":["body","reason"],"msg":"The text is not valid Unicode","type":"value_error"}]""")]
    [InlineData(Bounces, "null", """[{"loc":["body"],"msg":"The body must be a JSON object","type":"model_type"}]""")]
    [InlineData(Global, """{"recipient_emails":[]}""",
        """[{"loc":["body","recipient_emails"],"msg":"At least one e-mail address is required","type":"missing"}]""")]
    [InlineData(Global, """{"recipient_emails":["a@b.test","b"]}""",
        """[{"loc":["body","recipient_emails",1],"msg":"The value must be an e-mail address","type":"value_error"}]""")]
    [InlineData("/v3/suppression/spam_reports", "{}", """[{"loc":["body","email"],"msg":"The field is required","type":"missing"}]""")]
    public async Task A_body_that_does_not_fit_is_422_and_names_the_field(string path, string body, string detail)
    {
        var answer = await _caller.Ask("POST", path, body);

        Assert.Equal((422, $$"""{"detail":{{detail}}}"""), (answer.Status, answer.Text));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("""{"email":"a@b.test"} x""")]
    public async Task A_body_that_is_no_json_is_422(string body)
    {
        var answer = await _caller.Ask("POST", Bounces, body);

        Assert.Equal((422, "json_invalid"), (answer.Status, (string?)answer.Body!["detail"]![0]!["type"]));
    }

    [Fact]
    public async Task A_body_that_is_too_long_is_413() =>
        Assert.Equal(413, (await _caller.Ask("POST", Bounces, $$"""{"email":"{{new string('a', 1024 * 1024)}}"}""")).Status);

    [Theory]
    [InlineData("limit=0", "limit", "greater_than_equal")]
    [InlineData("limit=501", "limit", "less_than_equal")]
    [InlineData("limit=x", "limit", "int_parsing")]
    [InlineData("offset=-1", "offset", "greater_than_equal")]
    [InlineData("start_time=2026-01-01", "start_time", "int_parsing")]
    [InlineData("end_time=999999999999999", "end_time", "less_than_equal")]
    [InlineData("email=nobody", "email", "value_error")]
    public async Task A_query_that_does_not_fit_is_422_and_names_the_parameter(string query, string parameter, string type)
    {
        foreach (var path in (string[])[Bounces, Global, "/v3/suppression/spam_reports", "/v3/suppression/unsubscribes", "/v3/suppression/blocks"])
        {
            var answer = await _caller.Get($"{path}?{query}");

            Assert.Equal((422, "query", parameter, type), (
                answer.Status, (string?)answer.Body!["detail"]![0]!["loc"]![0], (string?)answer.Body["detail"]![0]!["loc"]![1],
                (string?)answer.Body["detail"]![0]!["type"]));
        }
    }

    [Fact]
    public async Task A_list_is_paged_and_its_times_are_inclusive()
    {
        var first = host.Time.GetUtcNow().ToUnixTimeSeconds();
        for (var i = 0; i < 4; i++)
        {
            await _caller.Ask("POST", Bounces, $$"""{"email":"u{{i}}@example.net"}""");
            host.Time.Advance(TimeSpan.FromSeconds(10));
        }

        Assert.Equal("u3 u2 u1 u0 of 4", await ShownAsync(""));
        Assert.Equal("u2 u1 of 4", await ShownAsync("limit=2&offset=1"));
        Assert.Equal("u2 u1 of 2", await ShownAsync($"start_time={first + 10}&end_time={first + 20}"));
        Assert.Equal("u1 of 1", await ShownAsync("email=U1@example.net&limit=&offset="));

        async Task<string> ShownAsync(string query)
        {
            var body = (await _caller.Get($"{Bounces}?{query}")).Body!;
            return $"{string.Join(' ', body["bounces"]!.AsArray().Select(row => ((string)row!["email"]!).Split('@')[0]))} of {body["total"]}";
        }
    }

    [Fact]
    public async Task Removing_one_is_204_and_of_what_is_not_there_404()
    {
        await _caller.Ask("POST", Bounces, """{"email":"ada@example.net"}""");

        Assert.Equal((204, ""), Of(await _caller.Ask("DELETE", Bounces + "/ADA@example.net")));
        var detail = """{"detail":"The address is not on this list"}""";
        Assert.Equal((404, detail), Of(await _caller.Ask("DELETE", Bounces + "/ada@example.net")));
        Assert.Equal((404, detail), Of(await _caller.Get(Bounces + "/ada@example.net")));
        Assert.Equal((404, detail), Of(await _caller.Get(Bounces + "/nobody")));
        Assert.Equal((404, detail), Of(await _caller.Ask("DELETE", "/v3/suppression/spam_reports/a@b.test")));
    }

    [Theory]
    [InlineData("", null, 400, 3)]
    [InlineData("?delete_all=false", null, 400, 3)]
    [InlineData("", "{}", 400, 3)]
    [InlineData("", """{"delete_all":false}""", 400, 3)]
    [InlineData("", """{"emails":["nobody"]}""", 422, 3)]
    [InlineData("", """{"emails":["u1@example.net","u9@example.net"]}""", 204, 2)]
    [InlineData("", """{"delete_all":true}""", 204, 0)]
    [InlineData("?delete_all=true", null, 204, 0)]
    public async Task All_are_removed_only_when_it_is_said(string query, string? body, int status, int left)
    {
        foreach (var path in (string[])[Bounces, "/v3/suppression/spam_reports"])
        {
            for (var i = 0; i < 3; i++)
                await _caller.Ask("POST", path, $$"""{"email":"u{{i}}@example.net"}""");

            var answer = await _caller.Ask("DELETE", path + query, body);

            Assert.Equal(status, answer.Status);
            if (status == 400)
                Assert.Equal("""{"detail":"delete_all=true or a list of emails is required"}""", answer.Text);
            Assert.Equal(left, (int)(await _caller.Get(path)).Body!["total"]!);
        }
    }

    [Fact]
    public async Task Spam_reports_and_global_unsubscribes_hold_an_address_once()
    {
        var now = host.Time.GetUtcNow().ToUnixTimeSeconds();
        foreach (var _ in Enumerable.Range(0, 2))
        {
            Assert.Equal(
                (201, $$"""{"email":"ada@example.net","created":{{now}},"message_id":null}"""),
                Of(await _caller.Ask("POST", "/v3/suppression/spam_reports", """{"email":"ada@example.net"}""")));
            Assert.Equal(
                (201, """{"recipient_emails":["Ada@example.net","bob@example.net"]}"""),
                Of(await _caller.Ask("POST", Global, """{"recipient_emails":["Ada@example.net","bob@example.net"]}""")));
        }

        Assert.Equal(1, (int)(await _caller.Get("/v3/suppression/spam_reports")).Body!["total"]!);
        Assert.Equal(
            $$"""{"unsubscribes":[{"email":"bob@example.net","created":{{now}}},{"email":"Ada@example.net","created":{{now}}}],"total":2}""",
            (await _caller.Get(Global)).Text);
        Assert.Equal($$"""[{"email":"bob@example.net","created":{{now}}}]""", (await _caller.Get("/v3/suppression/unsubscribes?limit=1")).Text);
        Assert.Equal((200, """{"recipient_email":"Ada@example.net"}"""), Of(await _caller.Get(Global + "/ada@example.net")));
        Assert.Equal((204, ""), Of(await _caller.Ask("DELETE", Global + "/ada@example.net")));
        Assert.Equal((200, "{}"), Of(await _caller.Get(Global + "/ada@example.net")));
    }

    [Fact]
    public async Task An_import_takes_what_is_good_and_says_what_is_not()
    {
        await _caller.Ask("POST", Bounces, """{"email":"listed@example.net"}""");

        var answer = await ImportAsync($""""
            {'\uFEFF'}reason,Email
            "no such user, ""really""",ada@example.net
            ,Bob@example.net

            gone,nobody
            "open,cy@example.net
            gone,listed@example.net
            again,ADA@example.net
            {new string('x', 5_000)},dan@example.net
            last,eve@example.net
            """");

        Assert.Equal(200, answer.Status);
        Assert.Equal("""
            {"imported":3,"skipped":5,"errors":[{"row":5,"error":"There is no e-mail address"},{"row":6,"error":"A quote is not closed"},
            {"row":9,"error":"The row is longer than 4096 bytes"}]}
            """.ReplaceLineEndings(""), answer.Text);
        Assert.Equal("no such user, \"really\"", (string?)(await _caller.Get(Bounces + "/ada@example.net")).Body![0]!["reason"]);
        Assert.Equal(4, (int)(await _caller.Get(Bounces)).Body!["total"]!);
    }

    [Fact]
    public async Task An_import_without_a_header_has_the_address_first()
    {
        var answer = await ImportAsync("ada@example.net\r\nbob@example.net,gone\r\n");

        Assert.Equal("""{"imported":2,"skipped":0,"errors":[]}""", answer.Text);
        Assert.Equal("gone", (string?)(await _caller.Get(Bounces + "/bob@example.net")).Body![0]!["reason"]);
    }

    [Fact]
    public async Task An_import_of_any_length_is_read_in_pieces_up_to_a_limit()
    {
        var answer = await ImportAsync(string.Concat(Enumerable.Range(0, 1_300).Select(i => $"u{i}@example.net,gone\n")) + new string('\n', 100_000));

        Assert.Equal("""
            {"imported":1300,"skipped":1,"errors":[{"row":100001,"error":"At most 100000 rows are read; this one and those after it were not"}]}
            """, answer.Text);
        Assert.Equal(1_300, (int)(await _caller.Get(Bounces)).Body!["total"]!);
    }

    [Fact]
    public async Task An_import_that_is_not_csv_is_415() =>
        Assert.Equal((415, """{"detail":"The Content-Type must be text/csv"}"""), Of(await _caller.Ask("POST", Bounces + "/import", "{}")));

    Task<Answer> ImportAsync(string csv) =>
        _caller.Post(Bounces + "/import", new StringContent(csv.ReplaceLineEndings("\n"), Encoding.UTF8, new MediaTypeHeaderValue("text/csv")));

    static (int, string) Of(Answer answer) => (answer.Status, answer.Text);
}
