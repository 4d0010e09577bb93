using System.Text;
using Postrider.Api.ScaiSend;
using Postrider.Engine.Messages;

namespace Postrider.Api.Tests.ScaiSend;

/// <summary>Cancel, retry and fail: which action is allowed when is the engine's table; here are the answers, word for word.</summary>
public sealed class ControlTests(ApiHost host) : IClassFixture<ApiHost>
{
    static readonly string[] AllScopes = ["mail.send", "mail.cancel", "mail.schedule", "stats.read"];

    [Theory]
    [InlineData("queued", "cancelled")]
    [InlineData("processing", "cancelled")]
    [InlineData("rendered", "cancelled")]
    [InlineData("cancelled", "cancelled")]
    public async Task A_cancel_that_wins_says_so(string status, string after)
    {
        var (caller, id) = await MessageIn(status);

        var answer = await caller.Post($"/v3/messages/{id}/cancel", null);

        Assert.Equal((200, $$"""{"message_id":"{{id}}","status":"{{after}}","message":"Cancelled before delivery"}"""), (answer.Status, answer.Text));
    }

    [Theory]
    [InlineData("sending", "Already in flight; cancellation ignored")]
    [InlineData("sent", "Already in flight; cancellation ignored")]
    [InlineData("delivered", "Already delivered; cancellation ignored")]
    [InlineData("bounced", "Already bounced; cancellation ignored")]
    [InlineData("failed", "Already failed; cancellation ignored")]
    [InlineData("sandbox", "Already sandbox; cancellation ignored")]
    public async Task A_cancel_that_loses_tells_to_what(string status, string message)
    {
        var (caller, id) = await MessageIn(status);

        var answer = await caller.Post($"/v3/messages/{id}/cancel", null);

        Assert.Equal((409, $$"""{"message_id":"{{id}}","status":"{{status}}","message":"{{message}}"}"""), (answer.Status, answer.Text));
    }

    [Fact]
    public async Task A_setting_answers_refused_cancels_with_200()
    {
        await using var lenient = new ApiHost(new ApiOptions { ScaiSend = new ScaiSendOptions { CancelConflictStatus = 200 } });
        await lenient.InitializeAsync();
        var (caller, id) = await MessageIn("sending", lenient);

        var answer = await caller.Post($"/v3/messages/{id}/cancel", null);

        Assert.Equal(
            (200, $$"""{"message_id":"{{id}}","status":"sending","message":"Already in flight; cancellation ignored"}"""), (answer.Status, answer.Text));
        Assert.NotEmpty(new ApiOptions { ScaiSend = new ScaiSendOptions { CancelConflictStatus = 204 } }.FindFaults());
    }

    [Theory]
    [InlineData("processing")]
    [InlineData("bounced")]
    [InlineData("failed")]
    public async Task A_retry_puts_it_back_and_wakes_the_dispatcher(string status)
    {
        var (caller, id) = await MessageIn(status);

        var answer = await caller.Post($"/v3/messages/{id}/retry", null);

        Assert.Equal((200, $$"""{"message_id":"{{id}}","status":"queued","message":"Re-queued for delivery"}"""), (answer.Status, answer.Text));
        Assert.Contains(host.Store.Woken, backlog => backlog.Key.Tenant == caller.Tenant);
    }

    [Fact]
    public async Task A_retry_of_a_recipient_on_the_bounce_list_says_so()
    {
        var (caller, id) = await MessageIn("bounced");
        var keeper = host.NewCaller(new CallerOptions { Tenant = caller.Tenant, Scopes = ["suppressions.write"] });
        Assert.Equal(201, (await keeper.Ask("POST", "/v3/suppression/bounces", """{"email":"bo@example.net","bounce_type":"hard"}""")).Status);

        var answer = await caller.Post($"/v3/messages/{id}/retry", null);

        Assert.Equal(
            (200, $$"""{"message_id":"{{id}}","status":"queued","message":"Re-queued for delivery","warning":"Recipient is on the bounce list"}"""),
            (answer.Status, answer.Text));
    }

    [Fact]
    public async Task A_retry_while_an_attempt_cannot_be_stopped_is_ignored()
    {
        var (caller, id) = await MessageIn("sending");

        var answer = await caller.Post($"/v3/messages/{id}/retry", null);

        Assert.Equal(
            (409, $$"""{"message_id":"{{id}}","status":"sending","message":"Delivery attempt in progress; retry ignored"}"""),
            (answer.Status, answer.Text));
    }

    /// <summary>Not "in progress", for that would be waited for. The answer came after the message was failed by hand.</summary>
    [Fact]
    public async Task A_retry_of_what_everybody_has_says_so()
    {
        var (caller, id) = await MessageIn("failed");
        host.Store.Change(caller.Tenant, Assert.Single(caller.Stored).Message.Id, view => view with
        {
            Message = view.Message with
            {
                Recipients = [.. view.Message.Recipients.Select(recipient => recipient with { State = RecipientState.Delivered })],
            },
        });

        var answer = await caller.Post($"/v3/messages/{id}/retry", null);

        Assert.Equal(
            (409, $$"""{"message_id":"{{id}}","status":"failed","message":"Already delivered; retry ignored"}"""),
            (answer.Status, answer.Text));
    }

    [Theory]
    [InlineData("retry", "queued")]
    [InlineData("retry", "rendered")]
    [InlineData("retry", "sent")]
    [InlineData("retry", "delivered")]
    [InlineData("retry", "cancelled")]
    [InlineData("retry", "sandbox")]
    [InlineData("fail", "delivered")]
    [InlineData("fail", "bounced")]
    [InlineData("fail", "cancelled")]
    [InlineData("fail", "sandbox")]
    public async Task What_the_status_does_not_allow_is_400(string action, string status)
    {
        var (caller, id) = await MessageIn(status);

        var answer = await caller.Post($"/v3/messages/{id}/{action}", null);

        Assert.Equal((400, $$"""{"detail":"Cannot {{action}} a message in status '{{status}}'"}"""), (answer.Status, answer.Text));
    }

    [Theory]
    [InlineData("queued")]
    [InlineData("processing")]
    [InlineData("rendered")]
    [InlineData("sending")]
    [InlineData("sent")]
    [InlineData("failed")]
    public async Task A_fail_that_wins_says_so(string status)
    {
        var (caller, id) = await MessageIn(status);

        var answer = await caller.Post($"/v3/messages/{id}/fail", null);

        Assert.Equal((200, $$"""{"message_id":"{{id}}","status":"failed","message":"Marked as failed"}"""), (answer.Status, answer.Text));
    }

    [Theory]
    [InlineData(null, "Marked as failed manually")]
    [InlineData("{}", "Marked as failed manually")]
    [InlineData("""{"reason":null}""", "Marked as failed manually")]
    [InlineData("""{"reason":"  "}""", "Marked as failed manually")]
    [InlineData("""{"other":[{"a":1}],"reason":"Stuck in processing for 2 hours; marking failed"}""", "Stuck in processing for 2 hours; marking failed")]
    public async Task The_reason_becomes_the_error(string? body, string error)
    {
        var (caller, id) = await MessageIn("processing");

        var answer = await caller.Post($"/v3/messages/{id}/fail", body is null ? null : new StringContent(body, Encoding.UTF8, "application/json"));

        Assert.Equal(200, answer.Status);
        Assert.Equal(error, (string?)(await caller.Get($"/v3/messages/{id}")).Body!["error_message"]);
    }

    [Theory]
    [InlineData("""{"reason":5}""", "reason")]
    [InlineData("""{"reason":["a"]}""", "reason")]
    [InlineData("""{"reason":"\ud800"}""", "reason")]
    [InlineData("[]", null)]
    [InlineData("null", null)]
    [InlineData("\"reason\"", null)]
    [InlineData("{", null)]
    [InlineData("{}{}", null)]
    [InlineData("reason=stuck", null)]
    public async Task A_body_that_does_not_fit_is_422_and_changes_nothing(string body, string? field)
    {
        var (caller, id) = await MessageIn("processing");

        var answer = await caller.Post($"/v3/messages/{id}/fail", new StringContent(body, Encoding.UTF8, "application/json"));

        Assert.Equal(422, answer.Status);
        Assert.Equal(field is null ? ["body"] : ["body", field], answer.Body!["detail"]![0]!["loc"]!.AsArray().Select(part => (string)part!));
        Assert.Equal(MessageStatus.Processing, Assert.Single(caller.Stored).Status);
    }

    /// <summary>Only sends insist on a type: contracts/scaisend.md §0.</summary>
    [Theory]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("text/plain")]
    public async Task A_body_is_read_as_json_whatever_it_was_declared(string contentType)
    {
        var (caller, id) = await MessageIn("processing");

        var answer = await caller.Post($"/v3/messages/{id}/fail", new StringContent("""{"reason":"stuck"}""", Encoding.UTF8, contentType));

        Assert.Equal((200, "stuck"), (answer.Status, (string?)(await caller.Get($"/v3/messages/{id}")).Body!["error_message"]));
    }

    [Theory]
    [InlineData(1000, 200)]
    [InlineData(1001, 422)]
    [InlineData(2_000_000, 413)]
    public async Task A_reason_has_a_limit(int characters, int status)
    {
        var (caller, id) = await MessageIn("processing");

        var answer = await caller.Post(
            $"/v3/messages/{id}/fail", new StringContent($$"""{"reason":"{{new string('x', characters)}}"}""", Encoding.UTF8, "application/json"));

        Assert.Equal(status, answer.Status);
    }

    [Theory]
    [InlineData("cancel")]
    [InlineData("retry")]
    [InlineData("fail")]
    public async Task A_message_that_is_not_there_or_another_tenants_is_404(string action)
    {
        var (owner, id) = await MessageIn("queued");
        var stranger = host.NewCaller(AllScopes);

        var foreign = await stranger.Post($"/v3/messages/{id}/{action}", null);
        var nonsense = await owner.Post($"/v3/messages/bat_x/{action}", null);

        Assert.Equal((404, $$"""{"detail":"Message not found: {{id}}"}"""), (foreign.Status, foreign.Text));
        Assert.Equal((404, """{"detail":"Message not found: bat_x"}"""), (nonsense.Status, nonsense.Text));
        Assert.Equal(MessageStatus.Queued, Assert.Single(owner.Stored).Status);
    }

    [Theory]
    [InlineData("cancel", 409)]
    [InlineData("retry", 400)]
    [InlineData("fail", 400)]
    public async Task A_test_key_changes_nothing_of_a_live_message(string action, int onSandbox)
    {
        var (live, id) = await MessageIn("queued");
        var test = host.NewCaller(new CallerOptions { Tenant = live.Tenant, Test = true, Scopes = AllScopes });
        var sandboxed = (string)(await test.Send(SendRequests.Simple)).Body!["message_id"]!;

        var refused = await test.Post($"/v3/messages/{id}/{action}", null);
        var own = await test.Post($"/v3/messages/{sandboxed}/{action}", null);
        var unknown = await test.Post($"/v3/messages/msg_01JNW4Q2000000000000000000/{action}", null);

        Assert.Equal((403, """{"detail":"A test key may not change a live message"}"""), (refused.Status, refused.Text));
        Assert.Equal((onSandbox, 404), (own.Status, unknown.Status));
        Assert.Equal(MessageStatus.Queued, live.Stored.Single(view => !view.Message.Sandbox).Status);
    }

    async Task<(Caller Caller, string Id)> MessageIn(string status, ApiHost? other = null)
    {
        var at = other ?? host;
        var caller = at.NewCaller(AllScopes);
        var id = (string)(await caller.Send(SendRequests.Simple)).Body!["message_id"]!;
        Assert.True(ScaiSendWords.TryParse(status, out var parsed));
        at.Store.Change(caller.Tenant, Assert.Single(caller.Stored).Message.Id, view => view with { Status = parsed });
        return (caller, id);
    }
}
