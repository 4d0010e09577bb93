using System.Text;
using Postrider.Engine.Messages;

namespace Postrider.Api.Tests.ScaiSend;

public sealed class BatchTests(ApiHost host) : IClassFixture<ApiHost>
{
    [Theory]
    [InlineData(null, null)]
    [InlineData("", "application/json")]
    [InlineData("not json", "text/plain")]
    public async Task A_batch_is_made_whatever_the_body(string? body, string? contentType)
    {
        var caller = host.NewCaller("mail.schedule");

        var answer = await caller.Post("/v3/mail/batch", body is null ? null : new StringContent(body, Encoding.UTF8, contentType!));

        Assert.Equal(201, answer.Status);
        Assert.Matches("^\\{\"batch_id\":\"bat_[0-9A-Z]{26}\"\\}$", answer.Text);
    }

    [Fact]
    public async Task A_new_batch_is_empty_and_not_complete()
    {
        var caller = host.NewCaller("mail.schedule");
        var id = (string)(await caller.Post("/v3/mail/batch", null)).Body!["batch_id"]!;

        var answer = await caller.Get("/v3/mail/batch/" + id);

        Assert.Equal($$"""
            {"batch_id":"{{id}}","total_messages":0,
            "status_counts":{"queued":0,"processing":0,"sent":0,"delivered":0,"bounced":0,"failed":0,"cancelled":0,"sandbox":0},
            "status_detail":{"queued":0,"processing":0,"rendered":0,"sending":0,"sent":0,"delivered":0,"bounced":0,"failed":0,"cancelled":0,"sandbox":0},
            "created_at":"2026-03-02T08:15:00Z","completed_at":null,"is_complete":false,"state":"open","operation":null}
            """.ReplaceLineEndings(""), answer.Text);
    }

    [Theory]
    [InlineData(new long[] { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, 9, 55, false)]
    [InlineData(new long[] { 0, 0, 0, 0, 1, 6, 0, 0, 0, 0 }, 0, 7, false)]
    [InlineData(new long[] { 0, 0, 0, 0, 0, 6, 1, 1, 1, 1 }, 0, 10, true)]
    public async Task Its_counters_add_up_and_it_is_complete_when_all_settled(long[] counts, int processing, int total, bool complete)
    {
        var caller = host.NewCaller("stats.read");
        Assert.True(Base32.TryParse("01JNW4Q2000000000000000000", out var value));
        host.Store.Put(new BatchView(new BatchId(value), counts, host.Time.GetUtcNow()), caller.Tenant);

        var answer = await caller.Get("/v3/mail/batch/bat_01jnw4q2000000000000000000");

        Assert.Equal((total, processing), ((int)answer.Body!["total_messages"]!, (int)answer.Body["status_counts"]!["processing"]!));
        Assert.Equal(total, answer.Body["status_counts"]!.AsObject().Sum(counter => (int)counter.Value!));
        Assert.Equal((complete, complete), ((bool)answer.Body["is_complete"]!, answer.Body["completed_at"] is not null));
    }

    [Theory]
    [InlineData("bat_01JNW4Q2000000000000000009")]
    [InlineData("bat_x")]
    [InlineData("msg_01JNW4Q2000000000000000009")]
    public async Task A_batch_that_is_not_there_is_404_in_the_shape_of_sends(string id)
    {
        var answer = await host.NewCaller("mail.schedule").Get("/v3/mail/batch/" + id);

        Assert.Equal((404, "Batch not found: " + id), (answer.Status, (string?)answer.Body!["errors"]![0]!["message"]));
    }
}
