using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;

namespace Postrider.Api.Tests.ScaiSend;

/// <summary>Whole batches: what an order does is the stores' suite; here are the answers, word for word.</summary>
public sealed class BatchOrderTests(ApiHost host) : IClassFixture<ApiHost>
{
    static readonly string[] All = [.. ApiKeyScopes.ScaiSend];

    [Theory]
    [InlineData("cancel", BatchAction.Cancel, "\"cancelled\":3,\"skipped\":26")]
    [InlineData("pause", BatchAction.Pause, "\"paused\":3")]
    [InlineData("resume", BatchAction.Resume, "\"resumed\":3")]
    public async Task An_order_answers_what_it_came_to(string path, BatchAction action, string counted)
    {
        var (caller, batch, id) = Batch([0, 0, 0, 4, 5, 6, 1, 7, 8, 3]);

        var answer = await caller.Post($"/v3/mail/batch/{batch}/{path}", null);

        Assert.Equal((200, $$"""{"batch_id":"{{batch}}",{{counted}}}"""), (answer.Status, answer.Text));
        Assert.Equal(new BatchOrder(new BatchKey(caller.Tenant, id), action, host.Time.GetUtcNow()), host.Store.Ordered[^1]);
    }

    [Fact]
    public async Task An_order_that_takes_long_is_202_and_its_progress_is_in_the_batch()
    {
        await using var slow = new ApiHost();
        await slow.InitializeAsync();
        var (caller, batch, _) = Batch(slow, new long[10], All);
        slow.Store.OrderAnswer = (1_000, false);

        var answer = await caller.Post($"/v3/mail/batch/{batch}/cancel", null);
        var view = await caller.Get("/v3/mail/batch/" + batch);

        Assert.Equal((202, $$"""{"batch_id":"{{batch}}","cancelled":1000,"skipped":0}"""), (answer.Status, answer.Text));
        Assert.Equal("cancelled", (string?)view.Body!["state"]);
        Assert.Equal(
            """{"action":"cancel","messages":1000,"started_at":"2026-03-02T08:15:00Z","completed_at":null}""",
            view.Body["operation"]!.ToJsonString());
    }

    [Fact]
    public async Task A_reschedule_takes_a_time_in_seconds_and_the_past_means_now()
    {
        var (caller, batch, _) = Batch();
        var now = host.Time.GetUtcNow();

        var answer = await caller.Ask("POST", $"/v3/mail/batch/{batch}/reschedule", $$"""{"send_at":{{now.ToUnixTimeSeconds() + 3600}}}""");
        var future = host.Store.Ordered[^1];
        var past = await caller.Ask("POST", $"/v3/mail/batch/{batch}/reschedule", """{"send_at":-5}""");

        Assert.Equal((200, $$"""{"batch_id":"{{batch}}","rescheduled":3}"""), (answer.Status, answer.Text));
        Assert.Equal((BatchAction.Reschedule, DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds() + 3600)), (future.Action, future.DueAt));
        Assert.Equal((200, now), (past.Status, host.Store.Ordered[^1].DueAt));
    }

    [Theory]
    [InlineData("{}", "send_at")]
    [InlineData("""{"send_at":"tomorrow"}""", "send_at")]
    [InlineData("""{"send_at":1772443000000}""", "send_at")]
    [InlineData("""{"send_at":9223372036854775807}""", "send_at")]
    [InlineData("""{"send_at":1.5}""", "send_at")]
    [InlineData("[]", null)]
    public async Task A_reschedule_without_a_time_is_400_in_the_errors_shape_and_names_the_field(string body, string? field)
    {
        var (caller, batch, _) = Batch();

        var answer = await caller.Ask("POST", $"/v3/mail/batch/{batch}/reschedule", body);

        Assert.Equal(400, answer.Status);
        Assert.Equal([field], answer.Fields);
        Assert.NotEqual("", (string?)answer.Body!["errors"]![0]!["message"]);
    }

    [Fact]
    public async Task A_cancelled_batch_is_not_rescheduled()
    {
        var (caller, batch, _) = Batch();
        await caller.Post($"/v3/mail/batch/{batch}/cancel", null);

        var answer = await caller.Ask("POST", $"/v3/mail/batch/{batch}/reschedule", """{"send_at":0}""");

        Assert.Equal((409, "The batch is cancelled"), (answer.Status, (string?)answer.Body!["errors"]![0]!["message"]));
    }

    [Fact]
    public async Task Scheduled_sends_are_made_listed_changed_and_removed()
    {
        var (caller, batch, _) = Batch();
        var made = await caller.Ask("POST", "/v3/user/scheduled_sends", $$"""{"batch_id":"{{batch}}","status":"pause"}""");
        var again = await caller.Ask("POST", "/v3/user/scheduled_sends", $$"""{"batch_id":"{{batch}}","status":"cancel"}""");
        var list = await caller.Get("/v3/user/scheduled_sends");
        var one = await caller.Get("/v3/user/scheduled_sends/" + batch);
        var changed = await caller.Ask("PATCH", "/v3/user/scheduled_sends/" + batch, """{"status":"Cancel"}""");
        var afterwards = await caller.Get("/v3/user/scheduled_sends/" + batch);
        var removed = await caller.Ask("DELETE", "/v3/user/scheduled_sends/" + batch);
        var gone = await caller.Get("/v3/user/scheduled_sends/" + batch);

        Assert.Equal((201, $$"""{"batch_id":"{{batch}}","status":"pause"}"""), (made.Status, made.Text));
        Assert.Equal(400, again.Status);
        Assert.Equal((200, $$"""[{"batch_id":"{{batch}}","status":"pause"}]"""), (list.Status, list.Text));
        Assert.Equal(list.Text, one.Text);
        Assert.Equal((204, ""), (changed.Status, changed.Text));
        Assert.Equal($$"""[{"batch_id":"{{batch}}","status":"cancel"}]""", afterwards.Text);
        Assert.Equal((204, 404), (removed.Status, gone.Status));
        Assert.Equal(BatchAction.Resume, host.Store.Ordered[^1].Action);
    }

    [Theory]
    [InlineData("""{"status":"pause"}""", "batch_id")]
    [InlineData("""{"batch_id":"bat_01JNW4Q2000000000000000009","status":"pause"}""", "batch_id")]
    [InlineData("""{"batch_id":7,"status":"pause"}""", "batch_id")]
    [InlineData("""{"batch_id":"BATCH"}""", "status")]
    [InlineData("""{"batch_id":"BATCH","status":"stop"}""", "status")]
    public async Task A_scheduled_send_that_is_wrong_is_422_and_names_the_field(string body, string field)
    {
        var (caller, batch, _) = Batch();

        var answer = await caller.Ask("POST", "/v3/user/scheduled_sends", body.Replace("BATCH", batch, StringComparison.Ordinal));

        Assert.Equal((422, field), (answer.Status, (string?)answer.Body!["detail"]![0]!["loc"]![1]));
    }

    [Theory]
    [InlineData("cancel", "mail.schedule", "mail.cancel")]
    [InlineData("pause", "mail.cancel", "mail.schedule")]
    public async Task Each_status_needs_its_scope(string status, string has, string needs)
    {
        var (caller, batch, _) = Batch(host, new long[10], [has]);

        var answer = await caller.Ask("POST", "/v3/user/scheduled_sends", $$"""{"batch_id":"{{batch}}","status":"{{status}}"}""");

        Assert.Equal((403, "Missing required scope: " + needs), (answer.Status, (string?)answer.Body!["detail"]));
    }

    [Fact]
    public async Task A_test_key_orders_nothing()
    {
        var tenant = new TenantId(Guid.CreateVersion7());
        var caller = host.NewCaller(new CallerOptions { Tenant = tenant, Scopes = All, Test = true });
        var batch = (string)(await caller.Post("/v3/mail/batch", null)).Body!["batch_id"]!;

        var cancel = await caller.Post($"/v3/mail/batch/{batch}/cancel", null);
        var pause = await caller.Ask("POST", "/v3/user/scheduled_sends", $$"""{"batch_id":"{{batch}}","status":"pause"}""");

        Assert.Equal((403, 403), (cancel.Status, pause.Status));
        Assert.DoesNotContain(host.Store.Ordered, order => order.Batch.Tenant == tenant);
    }

    (Caller Caller, string Text, BatchId Id) Batch(long[]? counts = null) => Batch(host, counts ?? new long[10], All);

    static (Caller Caller, string Text, BatchId Id) Batch(ApiHost on, long[] counts, string[] scopes)
    {
        var caller = on.NewCaller(scopes);
        var id = new BatchId(Guid.CreateVersion7());
        on.Store.Put(new BatchView(id, counts, null), caller.Tenant);
        return (caller, $"bat_{id}", id);
    }
}
