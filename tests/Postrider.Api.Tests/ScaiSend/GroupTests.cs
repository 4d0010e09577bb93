namespace Postrider.Api.Tests.ScaiSend;

/// <summary>Unsubscribe groups: contracts/scaisend.md §3.5.</summary>
public sealed class GroupTests(ApiHost host) : IClassFixture<ApiHost>
{
    const string Groups = "/v3/asm/groups";

    readonly Caller _caller = host.NewCaller("suppressions.read", "suppressions.write", "mail.send");

    [Fact]
    public async Task A_group_is_made_shown_changed_and_removed()
    {
        Assert.Equal(
            (201, """{"id":1,"name":"Digest","description":"Weekly digest","is_default":false}"""),
            await AskAsync("POST", Groups, """{"name":"Digest","description":"Weekly digest"}"""));
        Assert.Equal(201, (await AskAsync("POST", Groups, """{"name":"News","description":"All news","is_default":true}""")).Item1);
        Assert.Equal(
            (201, """{"id":1,"name":"Weekly","description":"Weekly digest","is_default":false}"""),
            await AskAsync("PATCH", Groups + "/1", """{"name":"Weekly"}"""));
        var shown = """{"id":1,"name":"Weekly","description":"Weekly digest","is_default":false,"unsubscribes":0}""";
        Assert.Equal((200, shown), await AskAsync("GET", Groups + "/1"));
        Assert.Equal((200, $"[{shown}]"), await AskAsync("GET", Groups + "?id=1&id=9"));
        Assert.Equal(
            (200, $$"""[{{shown}},{"id":2,"name":"News","description":"All news","is_default":true,"unsubscribes":0}]"""),
            await AskAsync("GET", Groups));

        Assert.Equal((204, ""), await AskAsync("DELETE", Groups + "/1"));
        var unknown = (404, """{"detail":"Group not found"}""");
        foreach (var method in (string[])["GET", "DELETE"])
            Assert.Equal(unknown, await AskAsync(method, Groups + "/1"));
        Assert.Equal(unknown, await AskAsync("PATCH", Groups + "/1", """{"name":"Again"}"""));
        Assert.Equal(unknown, await AskAsync("GET", Groups + "/one"));
        Assert.Equal(unknown, await AskAsync("GET", Groups + "/1/suppressions"));
    }

    [Theory]
    [InlineData("{}", "name", "description")]
    [InlineData("""{"name":"1234567890123456789012345678901","description":"x"}""", "name")]
    [InlineData("""{"name":"","description":"x"}""", "name")]
    [InlineData("""{"name":"a\nb","description":"x"}""", "name")]
    [InlineData("""{"name":"x","description":5}""", "description")]
    public async Task A_group_that_does_not_fit_is_422_and_names_the_fields(string body, params string[] fields)
    {
        var answer = await _caller.Ask("POST", Groups, body);

        Assert.Equal(422, answer.Status);
        Assert.Equal(fields, answer.Body!["detail"]!.AsArray().Select(fault => (string)fault!["loc"]![1]!));
    }

    [Fact]
    public async Task A_name_is_given_once()
    {
        await AskAsync("POST", Groups, """{"name":"Digest","description":"x"}""");
        await AskAsync("POST", Groups, """{"name":"News","description":"x"}""");
        var taken = (400, """{"detail":"A group of this name exists"}""");

        Assert.Equal(taken, await AskAsync("POST", Groups, """{"name":"News","description":"x"}"""));
        Assert.Equal(taken, await AskAsync("PATCH", Groups + "/1", """{"name":"News"}"""));
    }

    [Fact]
    public async Task Addresses_are_unsubscribed_from_a_group_found_and_removed()
    {
        await AskAsync("POST", Groups, """{"name":"Digest","description":"Weekly digest"}""");
        await AskAsync("POST", Groups, """{"name":"News","description":"All news"}""");
        const string Members = Groups + "/1/suppressions";
        var now = host.Time.GetUtcNow().ToUnixTimeSeconds();

        Assert.Equal(
            (201, """{"recipient_emails":["Ada@example.net","bob@example.net"]}"""),
            await AskAsync("POST", Members, """{"recipient_emails":["Ada@example.net","bob@example.net"]}"""));
        Assert.Equal((200, """["bob@example.net","Ada@example.net"]"""), await AskAsync("GET", Members));
        var limited = await _caller.Get(Members + "?limit=1&offset=1");
        Assert.Equal(("""["Ada@example.net"]""", "2"), (limited.Text, limited.Header("X-Total-Count")));
        Assert.Equal(
            (200, """["ada@example.net"]"""),
            await AskAsync("POST", Members + "/search", """{"recipient_emails":["ada@example.net","cy@example.net"]}"""));
        Assert.Equal((200, "[]"), await AskAsync("POST", Groups + "/2/suppressions/search", """{"recipient_emails":["ada@example.net"]}"""));
        Assert.Equal(
            (200, $$"""
                [{"email":"bob@example.net","group_id":1,"group_name":"Digest","created_at":{{now}}},
                {"email":"Ada@example.net","group_id":1,"group_name":"Digest","created_at":{{now}}}]
                """.ReplaceLineEndings("")),
            await AskAsync("GET", "/v3/asm/suppressions"));
        Assert.Equal(
            (200, """
                {"suppressions":[{"id":1,"name":"Digest","description":"Weekly digest","is_default":false,"suppressed":true},
                {"id":2,"name":"News","description":"All news","is_default":false,"suppressed":false}]}
                """.ReplaceLineEndings("")),
            await AskAsync("GET", "/v3/asm/suppressions/ada@example.net"));
        Assert.Equal(2, (int)(await _caller.Get(Groups + "/1")).Body!["unsubscribes"]!);
        Assert.Equal((204, ""), await AskAsync("DELETE", Members + "/ADA@example.net"));
        Assert.Equal(404, (await AskAsync("DELETE", Members + "/ada@example.net")).Item1);
        Assert.Equal((404, """{"detail":"Group not found"}"""), await AskAsync("POST", Groups + "/9/suppressions", """{"recipient_emails":["a@b.test"]}"""));
    }

    [Fact]
    public async Task A_send_names_a_group_of_its_tenant_or_is_400()
    {
        await AskAsync("POST", Groups, """{"name":"Digest","description":"x"}""");

        var known = await _caller.Send(SendRequests.With("asm", """{"group_id":1}"""));
        var unknown = await _caller.Send(SendRequests.With("asm", """{"group_id":2}"""));
        var strangers = await host.NewCaller("mail.send").Send(SendRequests.With("asm", """{"group_id":1}"""));

        Assert.Equal((202, 400, 400), (known.Status, unknown.Status, strangers.Status));
        Assert.Equal("""{"errors":[{"message":"The unsubscribe group is not known.","field":"asm.group_id","help":null}]}""", unknown.Text);
        Assert.Equal(1, Assert.Single(_caller.Stored).Message.Settings.UnsubscribeGroup);
    }

    async Task<(int, string)> AskAsync(string method, string path, string? body = null)
    {
        var answer = await _caller.Ask(method, path, body);
        return (answer.Status, answer.Text);
    }
}
