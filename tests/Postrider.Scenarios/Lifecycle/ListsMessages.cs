using System.Text.Json.Nodes;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Lifecycle;

/// <summary>GET /v3/messages: contract §3.3 and the seed's filters.</summary>
public sealed class ListsMessages
{
    [Fact]
    public async Task By_each_filter_and_by_all_of_them()
    {
        await using var mx = ScriptedMx.Start(new MxScript().AlwaysFor("gone", MxStep.Say("550 5.1.1 no such user")));
        await using var server = await PostriderServer.StartAsync(mx.Route);
        var batch = (await server.Api.PostAsync("/v3/mail/batch", null)).Text("batch_id");
        var first = await server.SendAndSettleAsync(
            Letter.To("Ada@peer.test").With("subject", "Invoice 100% paid").With("categories", new JsonArray("invoices")));
        var second = await server.SendAndSettleAsync(
            Letter.To("gone@peer.test").With("subject", "Invoice 881").With("batch_id", batch)
                .With("categories", new JsonArray("invoices", "late")));
        var copied = Letter.To("bob@peer.test").With("from", Letter.Person("billing@acme.test")).With("batch_id", batch);
        copied["personalizations"]![0]!["cc"] = new JsonArray(Letter.Person("ada@peer.test"));
        var third = await server.SendAndSettleAsync(copied);
        var inAnHour = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() + 3600;
        var later = await server.SendAsync(Letter.To("cy@peer.test").With("send_at", inAnHour));
        var day = first.Json.GetProperty("created_at").GetString()![..10];

        await FindsAsync("", later, third.Id, second.Id, first.Id);
        await FindsAsync("status=bounced", second.Id);
        await FindsAsync("status=BOUNCED,queued", later, second.Id);
        await FindsAsync("to_email=ada@PEER.test", third.Id, first.Id);
        await FindsAsync("from_email=Billing@acme.test", third.Id);
        await FindsAsync("subject=invoice", second.Id, first.Id);
        await FindsAsync("subject=100%25", first.Id);                   // what LIKE would take for anything is text
        await FindsAsync("subject=_", []);
        await FindsAsync($"batch_id={batch}", third.Id, second.Id);
        await FindsAsync("category=invoices", second.Id, first.Id);
        await FindsAsync("category=late", second.Id);
        await FindsAsync("template_id=d-none", []);
        await FindsAsync($"start_date={day}&end_date={day}", later, third.Id, second.Id, first.Id);
        await FindsAsync("end_date=2020-01-01", []);
        await FindsAsync("start_date=2999-01-01T00:00:00Z", []);
        await FindsAsync(
            "status=bounced&to_email=gone@peer.test&from_email=hello@acme.test&subject=881"
            + $"&batch_id={batch}&category=late&start_date={day}&end_date={day}",
            second.Id);
        await FindsAsync($"status=delivered&batch_id={batch}&subject=invoice", []);

        async Task FindsAsync(string query, params string[] ids)
        {
            var answer = await server.Api.GetAsync($"/v3/messages?{query}");
            Assert.Equal(200, answer.Status);
            var found = answer.Body.GetProperty("messages").EnumerateArray().Select(message => message.GetProperty("id").GetString()!);
            Assert.True(ids.SequenceEqual(found), $"{query}: {answer.Raw}");
            Assert.Equal(ids.Length, answer.Body.GetProperty("total").GetInt32());
        }
    }

    [Fact]
    public async Task Page_by_page()
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(mx.Route);
        var letter = Letter.ToEach([.. Enumerable.Range(0, 61).Select(i => $"r{i}@peer.test")]);
        var sent = (await server.Api.PostAsync("/v3/mail/send", letter)).Texts("message_ids");

        var (first, last, past) = (await PageAsync("page=1"), await PageAsync("page=3"), await PageAsync("page=4"));
        var walked = new List<string>();
        for (var query = "page_size=7"; query is not null;)
        {
            var page = await PageAsync(query);
            walked.AddRange(Ids(page));
            query = page.Body.GetProperty("next_cursor").GetString() is { } next ? $"page_size=7&cursor={next}" : null;
        }

        Assert.Equal((61, 1, 25, 3), Counts(first));
        Assert.Equal((61, 3, 25, 3), Counts(last));
        Assert.Equal((25, 11, 0), (Ids(first).Length, Ids(last).Length, Ids(past).Length));
        Assert.Equal(sent.Reverse(), walked);
        foreach (var wrong in (string[])["page_size=0", "page_size=101", "page=0", "page=x", "status=lost"])
        {
            var answer = await PageAsync(wrong);
            Assert.Equal(422, answer.Status);
            Assert.Equal(wrong.Split('=')[0], answer.Body.GetProperty("detail")[0].GetProperty("loc")[1].GetString());
        }

        Task<ApiAnswer> PageAsync(string query) => server.Api.GetAsync($"/v3/messages?{query}");
    }

    static string[] Ids(ApiAnswer page) =>
        [.. page.Body.GetProperty("messages").EnumerateArray().Select(message => message.GetProperty("id").GetString()!)];

    static (int, int, int, int) Counts(ApiAnswer page) =>
        (Number(page, "total"), Number(page, "page"), Number(page, "page_size"), Number(page, "total_pages"));

    static int Number(ApiAnswer page, string name) => page.Body.GetProperty(name).GetInt32();
}
