using System.Text.Json.Nodes;
using Postrider.Engine.Messages;

namespace Postrider.Api.Tests.ScaiSend;

public sealed class MessageListTests(ApiHost host) : IClassFixture<ApiHost>
{
    [Fact]
    public async Task A_row_shows_the_summary_newest_first()
    {
        var caller = host.NewCaller(new CallerOptions());
        await caller.Send(SendRequests.Simple);
        var request = SendRequests.With("categories", "[\"invoices\"]");
        request["from"]!["name"] = "Acme Billing";
        var id = (string)(await caller.Send(request)).Body!["message_id"]!;

        var answer = await caller.Get("/v3/messages?page_size=1");

        Assert.Equal($$"""
            {"messages":[{"id":"{{id}}","status":"queued","from_email":"billing@acme.test","from_name":"Acme Billing","subject":"Invoice 881",
            "to_emails":["bo@example.net"],"template_id":null,"batch_id":null,"categories":["invoices"],
            "created_at":"2026-03-02T08:15:00Z","delivered_at":null}],
            "total":2,"page":1,"page_size":1,"total_pages":2,"next_cursor":"{{id[4..]}}"}
            """.ReplaceLineEndings(""), answer.Text);
    }

    [Theory]
    [InlineData("", 3)]
    [InlineData("status=queued", 2)]
    [InlineData("status=QUEUED,Sandbox", 3)]
    [InlineData("status=sandbox&status=delivered", 1)]
    [InlineData("status=", 3)]
    [InlineData("to_email=BO@example.NET", 1)]
    [InlineData("to_email=cc@example.net", 1)]
    [InlineData("to_email=bcc@example.net", 1)]
    [InlineData("to_email=bo@example", 0)]
    [InlineData("from_email=Billing@acme.test", 2)]
    [InlineData("subject=INVOICE", 2)]
    [InlineData("subject=invoice&from_email=other@acme.test", 1)]
    [InlineData("category=b", 1)]
    [InlineData("template_id=d-1", 0)]
    [InlineData("batch_id=nonsense", 0)]
    [InlineData("start_date=2026-03-02", 3)]
    [InlineData("start_date=2026-03-03", 0)]
    [InlineData("end_date=2026-03-01", 0)]
    [InlineData("end_date=2026-03-02", 3)]
    [InlineData("start_date=2026-03-02T08:15:00Z&end_date=2026-03-02T08:15:00Z", 3)]
    [InlineData("start_date=2026-03-02T08:15:01Z", 0)]
    [InlineData("start_date=2026-03-02T09:15:00+01:00", 3)]
    [InlineData("start_date=2026-03-02T09:15:00.5%2B01:00", 0)]
    [InlineData("end_date=2026-03-02T08:14", 0)]
    [InlineData("end_date=9999-12-31", 3)]
    public async Task Filters_combine(string query, int expected)
    {
        var caller = host.NewCaller(new CallerOptions());
        await caller.Send(SendRequests.Simple);
        var second = SendRequests.With("from", """{"email":"other@acme.test"}""");
        second["personalizations"] = JsonNode.Parse("""[{"to":[{"email":"x@example.net"}],"cc":[{"email":"cc@example.net"}],"bcc":[{"email":"bcc@example.net"}]}]""");
        await caller.Send(second);
        var third = SendRequests.With("mail_settings", "{\"sandbox_mode\":{\"enable\":true}}");
        third["subject"] = "Receipt";
        third["categories"] = JsonNode.Parse("[\"a\",\"b\"]");
        third["personalizations"]![0]!["to"]![0]!["email"] = "y@example.net";
        await caller.Send(third);

        var answer = await caller.Get("/v3/messages?" + query);

        Assert.Equal(200, answer.Status);
        Assert.Equal((expected, expected), ((int)answer.Body!["total"]!, answer.Body["messages"]!.AsArray().Count));
        Assert.Equal(expected == 0 ? 0 : 1, (int)answer.Body["total_pages"]!);
    }

    [Theory]
    [InlineData("page_size=0", "page_size", "greater_than_equal")]
    [InlineData("subject=%00", "subject", "value_error")]
    [InlineData("page_size=101", "page_size", "less_than_equal")]
    [InlineData("page_size=x", "page_size", "int_parsing")]
    [InlineData("page_size=", "page_size", "int_parsing")]
    [InlineData("page_size=99999999999999999999", "page_size", "int_parsing")]
    [InlineData("page=0", "page", "greater_than_equal")]
    [InlineData("page=-1", "page", "greater_than_equal")]
    [InlineData("page=1.5", "page", "int_parsing")]
    [InlineData("status=lost", "status", "enum")]
    [InlineData("status=queued,,sent", "status", "enum")]
    [InlineData("start_date=yesterday", "start_date", "datetime_parsing")]
    [InlineData("end_date=2026-02-30", "end_date", "datetime_parsing")]
    [InlineData("cursor=x", "cursor", "value_error")]
    [InlineData("cursor=01JNW4Q2000000000000000000&page=2", "cursor", "value_error")]
    public async Task A_query_that_cannot_be_is_422_with_an_array(string query, string parameter, string type)
    {
        var answer = await host.NewCaller("stats.read").Get("/v3/messages?" + query);

        Assert.Equal(422, answer.Status);
        var fault = Assert.Single(answer.Body!["detail"]!.AsArray())!;
        Assert.Equal(["query", parameter], fault["loc"]!.AsArray().Select(part => (string)part!));
        Assert.Equal(type, (string?)fault["type"]);
        Assert.False(string.IsNullOrEmpty((string?)fault["msg"]));
    }

    [Theory]
    [InlineData("page_size=1")]
    [InlineData("page_size=100")]
    [InlineData("page=2147483647&page_size=100")]
    public async Task A_page_past_the_end_is_empty_and_no_fault(string query)
    {
        var answer = await host.NewCaller("stats.read").Get("/v3/messages?" + query);

        Assert.Equal(200, answer.Status);
        Assert.Empty(answer.Body!["messages"]!.AsArray());
        Assert.Equal((0, 0), ((int)answer.Body["total"]!, (int)answer.Body["total_pages"]!));
        Assert.Null(answer.Body["next_cursor"]);
    }

    [Fact]
    public async Task The_published_cancel_loop_ends_with_nothing_left()
    {
        var caller = host.NewCaller(new CallerOptions());
        await Fill(caller, 250);
        var cancelled = 0;

        for (var page = 1; ; page++)
        {
            var answer = await caller.Get($"/v3/messages?status=queued&page={page}&page_size=100");
            var messages = answer.Body!["messages"]!.AsArray();
            if (messages.Count == 0)
                break;
            foreach (var message in messages)
            {
                Cancel(caller, (string)message!["id"]!);
                cancelled++;
            }
        }

        Assert.Equal(250, cancelled);
        Assert.DoesNotContain(caller.Stored, view => view.Status == MessageStatus.Queued);
    }

    [Fact]
    public async Task Page_memory_is_a_walks_own_and_ends_after_ten_minutes()
    {
        await using var own = new ApiHost();
        await own.InitializeAsync();
        var caller = own.NewCaller(new CallerOptions());
        var other = own.NewCaller(new CallerOptions { Tenant = caller.Tenant });
        await Fill(caller, 6);

        await caller.Get("/v3/messages?page_size=2");
        await caller.Get("/v3/messages?page_size=2&page=2");
        await other.Get("/v3/messages?page_size=2&page=2");
        await caller.Get("/v3/messages?page_size=2&page=2&subject=invoice");
        await caller.Get("/v3/messages?page_size=3&page=2");
        own.Time.Advance(TimeSpan.FromMinutes(10));
        await caller.Get("/v3/messages?page_size=2&page=3");
        own.Time.Advance(TimeSpan.FromMinutes(10.1));
        await caller.Get("/v3/messages?page_size=2&page=4");
        await caller.Get("/v3/messages?page_size=2&page=1");
        await caller.Get("/v3/messages?page_size=2&page=3");

        Assert.Equal(
            [(false, 0), (true, 0), (false, 2), (false, 2), (false, 3), (true, 0), (false, 6), (false, 0), (false, 4)],
            own.Store.PagesAsked.Select(page => (page.After is not null, page.Skip)));
    }

    [Fact]
    public async Task A_cursor_walks_exactly()
    {
        var caller = host.NewCaller(new CallerOptions());
        await Fill(caller, 7);
        var seen = new List<string>();

        var cursor = (string?)"";
        while (cursor is not null)
        {
            var answer = await caller.Get($"/v3/messages?page_size=3&cursor={cursor}");
            seen.AddRange(answer.Body!["messages"]!.AsArray().Select(message => (string)message!["id"]!));
            cursor = (string?)answer.Body["next_cursor"];
        }

        Assert.Equal(caller.Stored.Select(view => "msg_" + view.Message.Id).OrderDescending(StringComparer.Ordinal), seen);
    }

    static async Task Fill(Caller caller, int count)
    {
        var request = SendRequests.New();
        request["personalizations"] = new JsonArray([.. Enumerable.Range(0, count).Select(i => JsonNode.Parse($$"""{"to":[{"email":"r{{i}}@example.net"}]}"""))]);
        var answer = await caller.Send(request);
        Assert.Equal(202, answer.Status);
    }

    void Cancel(Caller caller, string id)
    {
        var messages = host.Store.MessagesOf(caller.Tenant);
        var at = messages.FindIndex(view => "msg_" + view.Message.Id == id);
        messages[at] = messages[at] with { Status = MessageStatus.Cancelled };
    }
}
