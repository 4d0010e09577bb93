using System.Text;
using System.Text.Json;
using Postrider.Engine.Intake;
using Postrider.Engine.Messages;

namespace Postrider.Store.Conformance;

public abstract class IntakeConformance<TFixture> : StoreConformance<TFixture> where TFixture : StoreFixture, new()
{
    [Fact]
    public async Task What_was_accepted_reads_back_as_it_was()
    {
        var batch = await Sample.AddBatchAsync();
        var body = new MessageBody(Encoding.UTF8.GetBytes("Grüße"), Encoding.UTF8.GetBytes("<p>Grüße</p>"));
        var content = Sample.Content(body.ToContent());
        var message = Sample.Message(message => message with
        {
            Subject = "Rechnung für Zoë 🧾",
            Recipients =
            [
                Sample.To("Bo@example.net"),
                new StoredRecipient(RecipientKind.Cc, Sample.Address("cy@example.net", "Cy")),
                new StoredRecipient(RecipientKind.Bcc, Sample.Address("audit@acme.test"))
                {
                    State = RecipientState.Dropped, SettledAt = Store.Now,
                },
            ],
            Settings = new MessageSettings
            {
                Headers = [new("X-Run", "7")],
                CustomArgs = JsonDocument.Parse("""{"invoice":"881"}""").RootElement,
                Bypass = Bypass.Bounces,
            },
            Stream = "broadcast",
            Batch = batch,
            TemplateId = "d-1",
            Categories = ["invoices", "eu"],
            Body = content.Hash,
            DueAt = Store.Now + TimeSpan.FromHours(1),
        });

        var outcome = await Sample.AcceptAsync(Sample.Acceptance(message) with { Contents = [content] });

        Assert.IsType<AcceptOutcome.Stored>(outcome);
        var view = await Sample.ViewAsync(message.Message.Id);
        Assert.Equivalent(message.Message with { Settings = MessageSettings.None }, view.Message with { Settings = MessageSettings.None });
        Assert.Equal(message.Message.Settings.ToJson(), view.Message.Settings.ToJson());
        Assert.Equal(MessageStatus.Queued, view.Status);
        Assert.Equal((message.Message.Id.CreatedAt, message.Message.Id.CreatedAt), (message.QueuedAt, view.QueuedAt));
        Assert.Equal(message.Events, view.Events);
        Assert.Equal(body.ToContent(), view.Body!.ToContent());
        Assert.Equal((null, null, 0, null, null), (view.SentAt, view.SettledAt, view.RetryCount, view.NextRetryAt, view.ErrorMessage));
    }

    [Fact]
    public async Task A_request_whose_last_message_cannot_be_stored_leaves_nothing_behind()
    {
        var content = Sample.Content("a body of the first");
        var first = Sample.Message(message => message with { Body = content.Hash });
        var twice = first with { };    // the same id again: the database refuses it

        var request = Sample.Acceptance(first, twice) with
        {
            Contents = [content],
            Idempotency = new IdempotencyClaim("key", content.Hash, Sample.Later),
        };
        await Assert.ThrowsAnyAsync<Exception>(() => Sample.AcceptAsync(request));

        Assert.Null(await Sample.FindAsync(first.Message.Id));
        Assert.Null(await Store.Contents.ReadAsync(Sample.Tenant, content.Hash, CancellationToken.None));
        Assert.Equal(0, (await Sample.ListAsync()).Total);
        Assert.Empty(await Sample.ClaimAsync());
        var retried = await Sample.AcceptAsync(request with { Messages = [first] });
        Assert.IsType<AcceptOutcome.Stored>(retried);
    }

    [Fact]
    public async Task The_same_key_and_body_give_the_messages_of_the_first_request()
    {
        var fingerprint = ContentHash.Of("body"u8);
        var first = Sample.Acceptance(Sample.Message(), Sample.Message());
        first = first with { Idempotency = new IdempotencyClaim("key", fingerprint, Sample.Later) };
        await Sample.AcceptAsync(first);

        var again = await Sample.AcceptAsync(Sample.Acceptance(Sample.Message()) with { Idempotency = first.Idempotency });

        var replayed = Assert.IsType<AcceptOutcome.Replayed>(again);
        Assert.Equal(first.Messages.Select(message => message.Message.Id), replayed.Messages);
        Assert.Equal(2, (await Sample.ListAsync()).Total);
    }

    [Fact]
    public async Task The_same_key_with_another_body_is_a_conflict_and_stores_nothing()
    {
        var claim = new IdempotencyClaim("key", ContentHash.Of("body"u8), Sample.Later);
        await Sample.AcceptAsync(Sample.Acceptance(Sample.Message()) with { Idempotency = claim });

        var other = await Sample.AcceptAsync(
            Sample.Acceptance(Sample.Message()) with { Idempotency = claim with { Fingerprint = ContentHash.Of("other"u8) } });

        Assert.IsType<AcceptOutcome.KeyReused>(other);
        Assert.Equal(1, (await Sample.ListAsync()).Total);
    }

    [Fact]
    public async Task A_key_may_be_used_again_once_it_has_expired_and_by_another_tenant_at_once()
    {
        var claim = new IdempotencyClaim("key", ContentHash.Of("body"u8), Sample.Later);
        await Sample.AcceptAsync(Sample.Acceptance(Sample.Message()) with { Idempotency = claim });

        var other = await Sample.AddTenantAsync("other");
        var others = await Sample.AcceptAsync(
            Sample.Acceptance(Sample.Message(message => message with { Tenant = other })) with { Idempotency = claim });
        Store.Time.Advance(TimeSpan.FromMinutes(1));
        var expired = await Sample.AcceptAsync(
            Sample.Acceptance(Sample.Message()) with { Idempotency = claim with { ExpiresAt = Sample.Later } });

        Assert.IsType<AcceptOutcome.Stored>(others);
        Assert.IsType<AcceptOutcome.Stored>(expired);
    }

    [Fact]
    public async Task A_hundred_concurrent_requests_with_one_key_make_one_message()
    {
        var claim = new IdempotencyClaim("key", ContentHash.Of("body"u8), Sample.Later);
        var requests = Enumerable.Range(0, 100).Select(_ => Sample.Acceptance(Sample.Message()) with { Idempotency = claim }).ToArray();

        var outcomes = await Task.WhenAll(requests.Select(request => Task.Run(() => Sample.AcceptAsync(request))));

        Assert.Single(outcomes.OfType<AcceptOutcome.Stored>());
        var stored = Assert.Single((await Sample.ListAsync()).Items).Id;
        Assert.Equal(99, outcomes.OfType<AcceptOutcome.Replayed>().Count(replayed => replayed.Messages is [var id] && id == stored));
    }

    [Fact]
    public async Task A_batch_that_the_tenant_does_not_have_is_named_and_nothing_is_stored()
    {
        var mine = await Sample.AddBatchAsync();
        var unknown = new BatchId(Store.Ids.Next());
        var other = await Sample.AddTenantAsync("other");

        var outcome = await Sample.AcceptAsync(Sample.Acceptance(
            Sample.Message(message => message with { Batch = mine }), Sample.Message(message => message with { Batch = unknown })));
        var foreign = await Sample.AcceptAsync(Sample.Acceptance(Sample.Message(message => message with { Tenant = other, Batch = mine })));

        Assert.Equal(new AcceptOutcome.UnknownBatch(unknown), outcome);
        Assert.Equal(new AcceptOutcome.UnknownBatch(mine), foreign);
        Assert.Equal(0, (await Sample.ListAsync()).Total);
    }

    [Fact]
    public async Task A_sandbox_message_is_settled_at_once_and_never_queued()
    {
        var message = await Sample.AcceptAsync(message => message with { Sandbox = true });

        var view = await Sample.ViewAsync(message.Id);
        Assert.Equal((MessageStatus.Sandbox, Store.Now), (view.Status, view.SettledAt));
        Assert.Empty(view.Events);
        Assert.Empty(await Sample.ClaimAsync());
        Assert.Equal(0, (await Store.Queue.SummaryAsync(Store.Now, CancellationToken.None)).Live);
    }

    [Fact]
    public async Task A_request_given_up_before_it_ran_stores_nothing()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Store.Intake.AcceptAsync(Sample.Acceptance(Sample.Message()), cancelled.Token));

        Assert.Equal(0, (await Sample.ListAsync()).Total);
    }
}
