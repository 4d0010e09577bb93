using System.Text;
using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Engine.Tenants;
using Postrider.Engine.Tests.Rig;
using Postrider.Testing;

namespace Postrider.Engine.Tests.Intake;

public sealed class MessageIntakeTests : IQueueWakeup
{
    readonly ManualTime _time = new();
    readonly MemoryStore _store = new(new Watch());
    readonly MemoryTenants _tenants = Sender.Tenants();
    readonly List<Backlog> _woken = [];
    readonly MessageIntake _intake;

    public MessageIntakeTests() => _intake = new MessageIntake(
        _store, new SenderDomains(_tenants, _time), _store, this, new IdGenerator(_time), _time, new IntakeOptions());

    void IQueueWakeup.Due(Backlog backlog) => _woken.Add(backlog);

    static MessageDraft Draft(string to = "ada@a.example") => new()
    {
        From = Sender.From,
        Recipients = [new RecipientDraft(RecipientKind.To, Sender.Named(to))],
        Subject = "Hello",
    };

    Task<SubmitOutcome> SubmitAsync(params MessageDraft[] messages) => SubmitAsync(null, messages);

    Task<SubmitOutcome> SubmitAsync(string? key, params MessageDraft[] messages) =>
        _intake.SubmitAsync(new Draft { Tenant = Sender.Tenant, Messages = messages, IdempotencyKey = key }, CancellationToken.None);

    [Fact]
    public async Task What_is_stored_is_announced_with_an_event_for_each_recipient()
    {
        var draft =
            Draft() with { Recipients = [.. Draft().Recipients, new RecipientDraft(RecipientKind.Bcc, Sender.Named("bob@a.example"))] };

        var accepted = Assert.IsType<SubmitOutcome.Accepted>(await SubmitAsync(draft));

        var stored = Assert.Single(Assert.Single(_store.Accepted).Messages);
        Assert.Equal([stored.Message.Id], accepted.Messages);
        Assert.False(accepted.Replayed);
        Assert.Equal("a.example", stored.QueueDomain);
        Assert.Equal([(EventType.Processed, 0, _time.GetUtcNow()), (EventType.Processed, 1, _time.GetUtcNow())],
            stored.Events.Select(one => (one.Type, one.Recipient, one.At)));
        Assert.Equal([new Backlog(new BacklogKey(Sender.Tenant, "a.example"), _time.GetUtcNow())], _woken);
    }

    [Fact]
    public async Task Made_queued_and_processed_name_one_moment_though_the_clock_goes_on()
    {
        var ids = new IdGenerator(_time);
        _time.Advance(TimeSpan.FromMilliseconds(999.9));
        ids.Next();
        _time.Advance(TimeSpan.FromMilliseconds(-500));       // ids run ahead of a clock that stepped back
        var intake = new MessageIntake(_store, new SenderDomains(_tenants, _time), _store, this, ids, _time, new IntakeOptions());

        await intake.SubmitAsync(new Draft { Tenant = Sender.Tenant, Messages = [Draft(), Draft()] }, CancellationToken.None);

        Assert.All(Assert.Single(_store.Accepted).Messages, stored =>
            Assert.Equal((stored.Message.Id.CreatedAt, stored.Message.Id.CreatedAt), (stored.QueuedAt, Assert.Single(stored.Events).At)));
        Assert.NotEqual(_time.GetUtcNow(), _store.Accepted[0].Messages[0].QueuedAt);
    }

    [Fact]
    public async Task Content_shared_by_messages_is_stored_once()
    {
        var body = Sender.Body("Hello", "<p>Hello</p>");
        var file = new AttachmentDraft("a.txt", "text/plain", null, false, Encoding.UTF8.GetBytes("file"));
        var same = new AttachmentDraft("b.txt", "text/plain", null, false, Encoding.UTF8.GetBytes("file"));

        await SubmitAsync(
            [.. Enumerable.Range(0, 100).Select(i => Draft($"u{i}@a.example") with { Body = body, Attachments = [file, same] })]);

        var acceptance = Assert.Single(_store.Accepted);
        Assert.Equal(2, acceptance.Contents.Count);
        var hash = ContentHash.Of(body.ToContent());
        Assert.All(acceptance.Messages, message => Assert.Equal(hash, message.Message.Body));
        Assert.All(
            acceptance.Messages,
            message => Assert.Equal(["a.txt", "b.txt"], message.Message.Settings.Attachments!.Select(one => one.FileName)));
        Assert.Equal(ContentHash.Of("file"u8).ToString(), acceptance.Messages[0].Message.Settings.Attachments![0].Hash);
        Assert.Equal(4, acceptance.Messages[0].Message.Settings.Attachments![0].Octets);
    }

    [Fact]
    public async Task Messages_to_several_domains_wait_together()
    {
        await SubmitAsync(
            Draft() with { Recipients = [.. Draft().Recipients, new RecipientDraft(RecipientKind.Cc, Sender.Named("bob@b.example"))] });

        Assert.Equal(QueueDomain.Several, Assert.Single(_woken).Key.Domain);
    }

    [Fact]
    public async Task A_message_for_later_is_announced_for_later_and_one_for_the_past_for_now()
    {
        var later = _time.GetUtcNow().AddHours(1);

        await SubmitAsync(Draft() with { SendAt = later, Settings = new MessageSettings { SendAt = later } });
        await SubmitAsync(Draft() with { SendAt = _time.GetUtcNow().AddHours(-1) });

        Assert.Equal([later, _time.GetUtcNow()], _woken.Select(backlog => backlog.NextDueAt));
        Assert.Equal([later, _time.GetUtcNow()], _store.Accepted.Select(one => one.Messages[0].Message.DueAt));
        Assert.Equal(later, _store.Accepted[0].Messages[0].Events[0].Data!.SendAt);
    }

    [Fact]
    public async Task A_sandboxed_message_is_stored_and_nothing_else()
    {
        _tenants.Domains.Clear();

        Assert.IsType<SubmitOutcome.Accepted>(await SubmitAsync(Draft() with { Sandbox = true }));

        var stored = Assert.Single(Assert.Single(_store.Accepted).Messages);
        Assert.True(stored.Message.Sandbox);
        Assert.Empty(stored.Events);
        Assert.Empty(_woken);
    }

    [Fact]
    public async Task A_sender_that_is_not_verified_stops_the_whole_request()
    {
        var other = Draft() with { From = Sender.Named("x@other.example") };

        var outcome = Assert.IsType<SubmitOutcome.SenderNotVerified>(await SubmitAsync(Draft(), other));

        Assert.Equal((1, "other.example"), (outcome.Message, outcome.Domain.Ascii));
        Assert.Empty(_store.Accepted);
    }

    [Fact]
    public async Task What_the_store_says_of_a_key_or_a_batch_is_passed_on_and_announces_nothing()
    {
        var (message, batch) = (new MessageId(Guid.AllBitsSet), new BatchId(Guid.AllBitsSet));

        _store.AnswerAccept = _ => new AcceptOutcome.Replayed([message]);
        var replayed = Assert.IsType<SubmitOutcome.Accepted>(await SubmitAsync("key", Draft()));
        _store.AnswerAccept = _ => AcceptOutcome.KeyReused.Instance;
        Assert.IsType<SubmitOutcome.KeyReused>(await SubmitAsync("key", Draft()));
        _store.AnswerAccept = _ => new AcceptOutcome.UnknownBatch(batch);
        Assert.Equal(batch, Assert.IsType<SubmitOutcome.UnknownBatch>(await SubmitAsync(Draft())).Batch);

        Assert.True(replayed.Replayed);
        Assert.Equal([message], replayed.Messages);
        Assert.Empty(_woken);
        Assert.Equal(_time.GetUtcNow().AddHours(24), _store.Accepted[0].Idempotency!.ExpiresAt);
        Assert.Null(_store.Accepted[2].Idempotency);
    }

    [Fact]
    public async Task A_store_that_fails_is_a_fault_and_announces_nothing()
    {
        _store.FaultAt = _ => Fault.Before;

        await Assert.ThrowsAsync<StoreUnavailableException>(() => SubmitAsync(Draft()));

        Assert.Empty(_woken);
    }
}
