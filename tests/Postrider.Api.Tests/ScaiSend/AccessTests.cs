using System.Net.Http.Headers;
using Postrider.Api.ScaiSend;
using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;

namespace Postrider.Api.Tests.ScaiSend;

/// <summary>Who may ask what, and in which shape they are told so; where the dialect is mounted.</summary>
public sealed class AccessTests(ApiHost host) : IClassFixture<ApiHost>
{
    [Theory]
    [InlineData(null, "Missing Authorization header")]
    [InlineData("", "Missing Authorization header")]
    [InlineData("Bearer", "Invalid API key")]
    [InlineData("Bearer ", "Invalid API key")]
    [InlineData("Basic c2c6eA==", "Invalid API key")]
    [InlineData("Bearer sg_live_00000000000000000000000000000000", "Invalid API key")]
    [InlineData("Bearer a.b.c", "Invalid API key")]
    [InlineData("Bearer eyJhbGciOiJSUzI1NiJ9.eyJ0ZW5hbnRfaWQiOiJ0bnRfYWNtZSJ9.c2ln", "JWT signature invalid")]
    [InlineData("Bearer eyJhbGciOiJub25lIn0.eyJ0ZW5hbnRfaWQiOiJ0bnRfYWNtZSJ9.", "JWT signature invalid")]
    public async Task A_credential_that_is_no_good_gives_401_in_the_shape_of_the_path(string? authorization, string detail)
    {
        using var http = new HttpClient { BaseAddress = host.Address };
        if (authorization is not null)
            http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", authorization);

        var messages = await Answer.Of(await http.GetAsync(new Uri("/v3/messages", UriKind.Relative)));
        var send = await Answer.Of(await http.PostAsync(new Uri("/v3/mail/send", UriKind.Relative), new StringContent(SendRequests.Simple)));

        Assert.Equal((401, 401), (messages.Status, send.Status));
        Assert.Equal($$"""{"detail":"{{detail}}"}""", messages.Text);
        Assert.Equal($$"""{"errors":[{"message":"{{detail}}","field":null,"help":null}],"detail":"{{detail}}"}""", send.Text);
        Assert.NotNull(send.Header("X-RateLimit-Limit"));
    }

    [Fact]
    public async Task A_key_of_another_dialect_is_no_key_here()
    {
        var caller = host.NewCaller(new CallerOptions { Dialect = Dialect.Postject });

        var answer = await caller.Get("/v3/scopes");

        Assert.Equal((401, "Invalid API key"), (answer.Status, (string?)answer.Body!["detail"]));
    }

    [Fact]
    public async Task A_suspended_tenant_may_do_nothing()
    {
        var caller = host.NewCaller(new CallerOptions { Suspended = true });

        var send = await caller.Send(SendRequests.Simple);
        var scopes = await caller.Get("/v3/scopes");

        Assert.Equal((403, 403), (send.Status, scopes.Status));
        Assert.Equal("Tenant suspended", (string?)send.Body!["detail"]);
    }

    [Theory]
    [InlineData("POST", "/v3/mail/send", "mail.send")]
    [InlineData("POST", "/v3/mail/batch", "mail.schedule")]
    [InlineData("GET", "/v3/mail/batch/bat_01JNW4Q2000000000000000000", "mail.schedule", "stats.read")]
    [InlineData("GET", "/v3/messages", "stats.read", "mail.send")]
    [InlineData("GET", "/v3/messages/msg_01JNW4Q2000000000000000000", "stats.read", "mail.send")]
    [InlineData("POST", "/v3/mail/batch/bat_01JNW4Q2000000000000000000/cancel", "mail.cancel")]
    [InlineData("POST", "/v3/mail/batch/bat_01JNW4Q2000000000000000000/pause", "mail.schedule")]
    [InlineData("POST", "/v3/mail/batch/bat_01JNW4Q2000000000000000000/resume", "mail.schedule")]
    [InlineData("POST", "/v3/mail/batch/bat_01JNW4Q2000000000000000000/reschedule", "mail.schedule")]
    [InlineData("GET", "/v3/user/scheduled_sends", "mail.schedule", "mail.cancel")]
    [InlineData("POST", "/v3/user/scheduled_sends", "mail.schedule", "mail.cancel")]
    [InlineData("GET", "/v3/user/scheduled_sends/bat_01JNW4Q2000000000000000000", "mail.schedule", "mail.cancel")]
    [InlineData("PATCH", "/v3/user/scheduled_sends/bat_01JNW4Q2000000000000000000", "mail.schedule", "mail.cancel")]
    [InlineData("DELETE", "/v3/user/scheduled_sends/bat_01JNW4Q2000000000000000000", "mail.schedule")]
    [InlineData("POST", "/v3/messages/msg_01JNW4Q2000000000000000000/cancel", "mail.cancel")]
    [InlineData("POST", "/v3/messages/msg_01JNW4Q2000000000000000000/retry", "mail.send")]
    [InlineData("POST", "/v3/messages/msg_01JNW4Q2000000000000000000/fail", "mail.send")]
    [InlineData("GET", "/v3/scopes")]
    [InlineData("GET", "/v3/suppression/bounces", "suppressions.read")]
    [InlineData("GET", "/v3/suppression/bounces/bo@example.net", "suppressions.read")]
    [InlineData("POST", "/v3/suppression/bounces", "suppressions.write")]
    [InlineData("POST", "/v3/suppression/bounces/import", "suppressions.write")]
    [InlineData("DELETE", "/v3/suppression/bounces", "suppressions.write")]
    [InlineData("DELETE", "/v3/suppression/bounces/bo@example.net", "suppressions.write")]
    [InlineData("GET", "/v3/suppression/blocks", "suppressions.read")]
    [InlineData("GET", "/v3/suppression/blocks/bo@example.net", "suppressions.read")]
    [InlineData("DELETE", "/v3/suppression/blocks", "suppressions.write")]
    [InlineData("DELETE", "/v3/suppression/blocks/bo@example.net", "suppressions.write")]
    [InlineData("GET", "/v3/suppression/spam_reports", "suppressions.read")]
    [InlineData("GET", "/v3/suppression/spam_reports/bo@example.net", "suppressions.read")]
    [InlineData("POST", "/v3/suppression/spam_reports", "suppressions.write")]
    [InlineData("DELETE", "/v3/suppression/spam_reports", "suppressions.write")]
    [InlineData("DELETE", "/v3/suppression/spam_reports/bo@example.net", "suppressions.write")]
    [InlineData("GET", "/v3/suppression/unsubscribes", "suppressions.read")]
    [InlineData("GET", "/v3/asm/suppressions/global", "suppressions.read")]
    [InlineData("POST", "/v3/asm/suppressions/global", "suppressions.write")]
    [InlineData("GET", "/v3/asm/suppressions/global/bo@example.net", "suppressions.read")]
    [InlineData("DELETE", "/v3/asm/suppressions/global/bo@example.net", "suppressions.write")]
    [InlineData("GET", "/v3/asm/groups", "suppressions.read")]
    [InlineData("POST", "/v3/asm/groups", "suppressions.write")]
    [InlineData("GET", "/v3/asm/groups/1", "suppressions.read")]
    [InlineData("PATCH", "/v3/asm/groups/1", "suppressions.write")]
    [InlineData("DELETE", "/v3/asm/groups/1", "suppressions.write")]
    [InlineData("GET", "/v3/asm/groups/1/suppressions", "suppressions.read")]
    [InlineData("POST", "/v3/asm/groups/1/suppressions", "suppressions.write")]
    [InlineData("POST", "/v3/asm/groups/1/suppressions/search", "suppressions.read", "suppressions.write")]
    [InlineData("DELETE", "/v3/asm/groups/1/suppressions/bo@example.net", "suppressions.write")]
    [InlineData("GET", "/v3/asm/suppressions", "suppressions.read")]
    [InlineData("GET", "/v3/asm/suppressions/bo@example.net", "suppressions.read")]
    public async Task Each_route_needs_one_of_its_scopes(string method, string path, params string[] scopes)
    {
        var others = ApiKeyScopes.ScaiSend.Except(scopes).ToArray();
        var nothing = host.NewCaller(new CallerOptions { Scopes = [] });
        var wrong = host.NewCaller(new CallerOptions { Scopes = others });

        Assert.Equal(scopes.Length > 0, await AskAsync(nothing) == 403);
        Assert.Equal(scopes.Length > 0, await AskAsync(wrong) == 403);
        foreach (var scope in scopes)
            Assert.NotEqual(403, await AskAsync(host.NewCaller(new CallerOptions { Scopes = [scope] })));

        async Task<int> AskAsync(Caller caller)
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path);
            var answer = await Answer.Of(await caller.Http.SendAsync(request));
            if (answer.Status == 403)
                Assert.Equal("Missing required scope: " + scopes[0], (string?)answer.Body!["detail"]);
            return answer.Status;
        }
    }

    [Fact]
    public async Task Scopes_lists_what_the_key_may_do()
    {
        var answer = await host.NewCaller("mail.send", "stats.read").Get("/v3/scopes");

        Assert.Equal("""{"scopes":["mail.send","stats.read"]}""", answer.Text);
    }

    [Fact]
    public async Task A_setting_opens_reads_to_every_credential()
    {
        await using var open = new ApiHost(new ApiOptions { ScaiSend = new ScaiSendOptions { OpenReads = true } });
        await open.InitializeAsync();
        var caller = open.NewCaller(new CallerOptions { Scopes = [] });

        var answer = await caller.Get("/v3/messages");

        Assert.Equal(200, answer.Status);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/scaisend")]
    public async Task Is_mounted_twice_and_takes_a_trailing_slash(string mount)
    {
        var caller = host.NewCaller(new CallerOptions());

        var batch = await caller.Post(mount + "/v3/mail/batch/", null);
        var send = await caller.Post(mount + "/v3/mail/send/", new StringContent(SendRequests.Simple, new MediaTypeHeaderValue("application/json")));
        var list = await caller.Get(mount + "/v3/messages/");
        var one = await caller.Get($"{mount}/v3/messages/{send.Body!["message_id"]}/");

        Assert.Equal((201, 202, 200, 200), (batch.Status, send.Status, list.Status, one.Status));
    }

    [Theory]
    [InlineData("/v3")]
    [InlineData("/v3/")]
    [InlineData("/v3/nothing/here")]
    [InlineData("/scaisend/v3/messages/a/b/c")]
    public async Task An_unknown_path_is_404_in_the_dialects_shape(string path)
    {
        var answer = await host.NewCaller("mail.send").Get(path);

        Assert.Equal((404, """{"detail":"Not Found"}"""), (answer.Status, answer.Text));
    }

    [Theory]
    [InlineData("GET", "/v3/mail/send", "POST")]
    [InlineData("DELETE", "/v3/messages", "GET")]
    [InlineData("PUT", "/scaisend/v3/mail/batch", "POST")]
    public async Task A_wrong_method_is_405_in_the_dialects_shape(string method, string path, string allow)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);

        var response = await host.NewCaller("mail.send").Http.SendAsync(request);

        Assert.Equal([allow], response.Content.Headers.Allow);
        var answer = await Answer.Of(response);
        Assert.Equal(405, answer.Status);
        Assert.Contains("\"detail\":\"Method Not Allowed\"", answer.Text, StringComparison.Ordinal);
        Assert.Equal(path.Contains("/mail/", StringComparison.Ordinal), answer.Text.StartsWith("{\"errors\":[", StringComparison.Ordinal));
    }

    [Fact]
    public async Task No_route_shows_one_tenant_anything_of_another()
    {
        var owner = host.NewCaller(new CallerOptions { Scopes = [.. ApiKeyScopes.ScaiSend] });
        var stranger = host.NewCaller(new CallerOptions { Scopes = [.. ApiKeyScopes.ScaiSend] });
        var batch = (string)(await owner.Post("/v3/mail/batch", null)).Body!["batch_id"]!;
        await owner.Post($"/v3/mail/batch/{batch}/pause", null);
        var message = (string)(await owner.Send(SendRequests.With("batch_id", $"\"{batch}\""))).Body!["message_id"]!;
        var group = (int)(await owner.Ask("POST", "/v3/asm/groups", """{"name":"Invoices","description":"Invoice copies"}""")).Body!["id"]!;
        foreach (var list in (string[])["suppression/bounces", "suppression/spam_reports"])
            await owner.Ask("POST", $"/v3/{list}", """{"email":"bo@example.net","bounce_type":"block"}""");
        foreach (var list in (string[])["suppressions/global", $"groups/{group}/suppressions"])
            await owner.Ask("POST", $"/v3/asm/{list}", """{"recipient_emails":["bo@example.net"]}""");
        var walked = 0;

        foreach (var endpoint in host.Endpoints.Where(endpoint => endpoint.Metadata.GetMetadata<ScaiSendRoute>()?.Method == "GET"))
        {
            foreach (var id in new[] { message, batch, message.ToLowerInvariant() })
            {
                var path = "/" + endpoint.RoutePattern.RawText!.TrimStart('/').Replace("{id}", id, StringComparison.Ordinal)
                    .Replace("{email}", "bo@example.net", StringComparison.Ordinal)
                    .Replace("{group}", $"{group}", StringComparison.Ordinal);
                var answer = await stranger.Get(path + (path.EndsWith("messages", StringComparison.Ordinal) ? $"?batch_id={batch}" : ""));

                Assert.True(answer.Status is 200 or 404, path);
                Assert.DoesNotContain("Invoice", answer.Text, StringComparison.Ordinal);
                Assert.DoesNotContain("bo@example.net", answer.Text, StringComparison.Ordinal);
                if (path.Contains(id, StringComparison.Ordinal) || endpoint.RoutePattern.RawText.Contains("{group}", StringComparison.Ordinal))
                    Assert.Equal(404, answer.Status);
                walked++;
            }
        }

        foreach (var endpoint in host.Endpoints.Where(endpoint =>
            endpoint.Metadata.GetMetadata<ScaiSendRoute>() is { Method: "POST" or "PATCH" or "DELETE" } route
            && route.Pattern.Contains("{id}", StringComparison.Ordinal)))
        {
            var path = "/" + endpoint.RoutePattern.RawText!.TrimStart('/').Replace(
                "{id}", endpoint.RoutePattern.RawText.Contains("/messages/", StringComparison.Ordinal) ? message : batch, StringComparison.Ordinal);
            Assert.Equal(404, (await stranger.Ask(endpoint.Metadata.GetMetadata<ScaiSendRoute>()!.Method, path)).Status);
            walked++;
        }

        // Two mounts: twenty GET routes, three ids; three POST routes on a message, four on a batch, two that change a scheduled send.
        Assert.Equal(2 * 20 * 3 + 2 * 9, walked);
        Assert.Equal(MessageStatus.Queued, Assert.Single(owner.Stored).Status);
    }
}
