using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Engine.Reports;
using Postrider.Engine.Suppressions;

namespace Postrider.Store.Conformance;

/// <summary>What delivery reports and complaints change: contracts/scaisend.md §4.2, §5.2.</summary>
public abstract class ReportConformance<TFixture> : StoreConformance<TFixture> where TFixture : StoreFixture, new()
{
    const string Reply = "550 5.1.1 no such user";

    [Fact]
    public async Task A_failure_bounces_a_delivered_message_with_its_counters_and_a_row_as_evidence()
    {
        var batch = await Sample.AddBatchAsync();
        var message = await DeliveredAsync(batch);
        Store.Time.Advance(TimeSpan.FromHours(1));

        var result = await RecordAsync(Bounce(message));

        var view = await Sample.ViewAsync(message);
        var happened = view.Events[^1];
        Assert.Equal(ReportResult.Recorded, result);
        Assert.Equal((MessageStatus.Bounced, Reply, Store.Now), (view.Status, view.ErrorMessage, view.SettledAt));
        Assert.Equal((RecipientState.Bounced, Reply, Store.Now), StateOf(view, 0));
        Assert.Equal(
            (EventType.Bounce, 0, Store.Now, "dsn", "hard"),
            (happened.Type, happened.Recipient, happened.At, happened.Data!.Source, happened.Data.BounceType));
        Assert.Equal([MessageStatus.Bounced], await TotalsAsync(batch));
        var row = Assert.Single(await BlockingAsync());
        Assert.Equal(
            (SuppressionList.Bounces, happened.Id.Value, Reply, "5.1.1", BounceType.Hard, message),
            (row.List, row.Id, row.Reason, row.Status, row.BounceType, row.Message));
    }

    [Fact]
    public async Task The_same_report_again_adds_nothing_however_late_and_though_the_address_was_taken_off_its_list()
    {
        var batch = await Sample.AddBatchAsync();
        var message = await DeliveredAsync(batch);
        RecipientReport[] reports = [Delay(message), Complaint(message), Bounce(message)];
        foreach (var report in reports)
        {
            Store.Time.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(ReportResult.Recorded, await RecordAsync(report));
        }
        await Store.Suppressions.RemoveAsync(
            Sample.Tenant, new SuppressionScope(SuppressionList.Bounces), ["bo@example.net"], CancellationToken.None);
        var before = await Sample.ViewAsync(message);
        Store.Time.Advance(TimeSpan.FromDays(3));

        foreach (var report in reports)
            Assert.Equal(ReportResult.Repeated, await RecordAsync(report));

        var after = await Sample.ViewAsync(message);
        Assert.Equal(before.Events, after.Events);
        Assert.Equal(
            [EventType.Processed, EventType.Delivered, EventType.Deferred, EventType.SpamReport, EventType.Bounce], after.Events.Select(
                one => one.Type));
        Assert.Equal((before.Status, before.SettledAt), (after.Status, after.SettledAt));
        Assert.Equal([SuppressionList.SpamReports], (await BlockingAsync()).Select(row => row.List));
    }

    [Fact]
    public async Task The_same_report_many_times_at_once_is_recorded_once()
    {
        var batch = await Sample.AddBatchAsync();
        var message = await DeliveredAsync(batch);

        var results = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => RecordAsync(Bounce(message))));

        Assert.Single(results, ReportResult.Recorded);
        Assert.Single((await Sample.ViewAsync(message)).Events, one => one.Type == EventType.Bounce);
        Assert.Equal([MessageStatus.Bounced], await TotalsAsync(batch));
    }

    [Fact]
    public async Task A_second_failure_of_who_has_bounced_is_no_second_bounce()
    {
        var message = await DeliveredAsync();
        await RecordAsync(Bounce(message));

        Assert.Equal(ReportResult.WithoutEffect, await RecordAsync(Bounce(message, cause: "another")));
        Assert.Equal(ReportResult.WithoutEffect, await RecordAsync(Delay(message)));
        Assert.Equal(3, (await Sample.ViewAsync(message)).Events.Count);
    }

    [Fact]
    public async Task A_delay_is_an_event_and_nothing_else()
    {
        var message = await DeliveredAsync();

        Assert.Equal(ReportResult.Recorded, await RecordAsync(Delay(message)));

        var view = await Sample.ViewAsync(message);
        Assert.Equal(
            (MessageStatus.Delivered, RecipientState.Delivered, null), (view.Status, view.Message.Recipients[0].State, view.ErrorMessage));
        Assert.Equal((EventType.Deferred, "dsn"), (view.Events[^1].Type, view.Events[^1].Data!.Source));
        Assert.Empty(await BlockingAsync());
    }

    [Fact]
    public async Task A_complaint_lists_the_address_and_leaves_the_status()
    {
        var message = await DeliveredAsync();

        Assert.Equal(ReportResult.Recorded, await RecordAsync(Complaint(message)));

        var view = await Sample.ViewAsync(message);
        Assert.Equal(
            (MessageStatus.Delivered, EventType.SpamReport, "abuse"),
            (view.Status, view.Events[^1].Type, view.Events[^1].Data!.FeedbackType));
        var row = Assert.Single(await BlockingAsync());
        Assert.Equal((SuppressionList.SpamReports, "Feedback report (abuse)", message), (row.List, row.Reason, row.Message));
    }

    [Fact]
    public async Task A_message_is_bounced_when_the_last_of_those_who_had_it_bounces()
    {
        var batch = await Sample.AddBatchAsync();
        var lease = await Sample.SendingAsync(message => message with { Recipients = Two, Batch = batch });
        await Sample.SettleAsync(Sample.Delivered(lease) with { Recipients = [Accepted(0), Accepted(1)] });

        await RecordAsync(Bounce(lease.Message));
        var first = await Sample.ViewAsync(lease.Message);
        var ofFirst = await TotalsAsync(batch);
        await RecordAsync(Bounce(lease.Message, recipient: 1));
        var second = await Sample.ViewAsync(lease.Message);

        Assert.Equal((MessageStatus.Delivered, "1 of 2 recipients bounced"), (first.Status, first.ErrorMessage));
        Assert.Equal([MessageStatus.Delivered], ofFirst);
        Assert.Equal((MessageStatus.Bounced, "2 of 2 recipients bounced"), (second.Status, second.ErrorMessage));
        Assert.Equal([MessageStatus.Bounced], await TotalsAsync(batch));
    }

    [Fact]
    public async Task While_another_recipient_waits_only_the_recipient_changes_and_while_one_is_tried_nothing()
    {
        var batch = await Sample.AddBatchAsync();
        var lease = await Sample.SendingAsync(message => message with { Recipients = Two, Batch = batch });
        await Sample.SettleAsync(Sample.Deferred(lease, Store.Now) with
        {
            Recipients = [Accepted(0), new RecipientOutcome(1, RecipientState.Open, "450 4.2.0 Busy")], Status = MessageStatus.Sent,
            SentAt = Store.Now,
        });
        var leased = Assert.Single(await Sample.ClaimAsync());

        Assert.Equal(ReportResult.Busy, await RecordAsync(Bounce(lease.Message)));
        Assert.True(await Store.Queue.ReturnAsync(leased.Key, Store.Now, CancellationToken.None));
        Assert.Equal(ReportResult.Recorded, await RecordAsync(Bounce(lease.Message)));

        var view = await Sample.ViewAsync(lease.Message);
        Assert.Equal(
            (MessageStatus.Sent, RecipientState.Bounced, RecipientState.Open),
            (view.Status, view.Message.Recipients[0].State, view.Message.Recipients[1].State));
        Assert.Equal([MessageStatus.Sent], await TotalsAsync(batch));
        var again = Assert.Single(await Sample.ClaimAsync());
        Assert.Equal(RecipientState.Bounced, again.Message.Recipients[0].State);
    }

    [Fact]
    public async Task A_failure_told_before_the_acceptance_is_written_breaks_no_lease_and_counts_when_it_is_told_again()
    {
        var lease = await Sample.SendingAsync();

        Assert.Equal(ReportResult.Busy, await RecordAsync(Bounce(lease.Message)));
        Assert.True(await Sample.SettleAsync(Sample.Delivered(lease)));
        Assert.Equal(ReportResult.Recorded, await RecordAsync(Bounce(lease.Message)));

        Assert.Equal(MessageStatus.Bounced, (await Sample.ViewAsync(lease.Message)).Status);
    }

    [Fact]
    public async Task A_failure_of_who_waits_to_be_tried_again_is_evidence_that_the_next_attempt_meets()
    {
        var lease = await Sample.SendingAsync();
        await Sample.SettleAsync(Sample.Deferred(lease, Store.Now));

        Assert.Equal(ReportResult.Recorded, await RecordAsync(Bounce(lease.Message)));

        var view = await Sample.ViewAsync(lease.Message);
        Assert.Equal(
            (MessageStatus.Queued, RecipientState.Open, EventType.Bounce),
            (view.Status, view.Message.Recipients[0].State, view.Events[^1].Type));
        Assert.Single(await BlockingAsync());
        Assert.Single(await Sample.ClaimAsync());
    }

    [Theory]
    [InlineData(ControlAction.Cancel, MessageStatus.Cancelled)]
    [InlineData(ControlAction.Fail, MessageStatus.Failed)]
    public async Task What_was_stopped_by_hand_stays_so(ControlAction action, MessageStatus status)
    {
        var message = (await Sample.AcceptAsync()).Id;
        await Sample.ChangeAsync(message, action);

        Assert.Equal(ReportResult.Recorded, await RecordAsync(Bounce(message)));

        var view = await Sample.ViewAsync(message);
        Assert.Equal((status, true), (view.Status, view.Events[^1].Data!.Late));
        Assert.NotEqual(RecipientState.Bounced, view.Message.Recipients[0].State);
    }

    [Fact]
    public async Task A_bounce_after_a_retry_by_hand_counts_again()
    {
        var message = await DeliveredAsync();
        await RecordAsync(Bounce(message, cause: "first"));
        await Sample.ChangeAsync(message, ControlAction.Retry);
        await Sample.SettleAsync(Sample.Delivered(await Sample.ClaimOneAsync()));

        Assert.Equal(ReportResult.Repeated, await RecordAsync(Bounce(message, cause: "first")));
        Assert.Equal(ReportResult.Recorded, await RecordAsync(Bounce(message, cause: "second")));
        Assert.Equal(MessageStatus.Bounced, (await Sample.ViewAsync(message)).Status);
    }

    [Fact]
    public async Task Of_messages_and_recipients_that_are_not_there_nothing_is_recorded()
    {
        var message = await DeliveredAsync();
        var other = await Sample.AddTenantAsync("other");

        Assert.Equal(ReportResult.NotFound, await RecordAsync(Bounce(new MessageId(Store.Ids.Next()))));
        Assert.Equal(ReportResult.NotFound, await Reports.RecordAsync(other, Bounce(message), Store.Now, CancellationToken.None));
        Assert.Equal(ReportResult.WithoutEffect, await RecordAsync(Bounce(message, recipient: 7)));
        Assert.Equal(MessageStatus.Delivered, (await Sample.ViewAsync(message)).Status);
    }

    static StoredRecipient[] Two => [Sample.To("bo@example.net"), Sample.To("ada@example.net")];

    IReportStore Reports => Store.RecipientReports;

    static RecipientOutcome Accepted(int ordinal) => new(ordinal, RecipientState.Delivered, "250 2.0.0 OK");

    static RecipientReport Bounce(MessageId message, int recipient = 0, string cause = "report") => new(
        message, recipient, EventType.Bounce,
        new EventData { SmtpResponse = Reply, BounceReason = Reply, BounceType = "hard", Status = "5.1.1", Source = "dsn" },
        ReportCause.Of(EventType.Bounce, recipient, cause));

    static RecipientReport Delay(MessageId message) => new(
        message, 0, EventType.Deferred, new EventData { SmtpResponse = "451 4.7.1 later", Source = "dsn" }, ReportCause.Of(
            EventType.Deferred, 0, "mta"));

    static RecipientReport Complaint(MessageId message) => new(
        message, 0, EventType.SpamReport, new EventData { FeedbackType = "abuse", Reason = "Feedback report (abuse)" },
        ReportCause.Of(EventType.SpamReport, 0));

    Task<ReportResult> RecordAsync(RecipientReport report) => Reports.RecordAsync(Sample.Tenant, report, Store.Now, CancellationToken.None);

    async Task<MessageId> DeliveredAsync(BatchId? batch = null)
    {
        var lease = await Sample.SendingAsync(message => message with { Batch = batch });
        Assert.True(await Sample.SettleAsync(Sample.Delivered(lease)));
        return lease.Message;
    }

    static (RecipientState, string?, DateTimeOffset?) StateOf(MessageView view, int ordinal) =>
        (view.Message.Recipients[ordinal].State, view.Message.Recipients[ordinal].LastReply, view.Message.Recipients[ordinal].SettledAt);

    async Task<IReadOnlyList<Suppression>> BlockingAsync() =>
        await Store.Suppressions.FindBlockingAsync(Sample.Tenant, ["bo@example.net"], CancellationToken.None);

    /// <summary>The statuses that the batch counts messages in.</summary>
    async Task<IEnumerable<MessageStatus>> TotalsAsync(BatchId batch)
    {
        var view = await Store.Batches.FindAsync(Sample.Tenant, batch, CancellationToken.None);
        return Enum.GetValues<MessageStatus>().Where(status => view!.Counts[(int)status] != 0);
    }
}
