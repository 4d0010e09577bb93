using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Engine.Reports;
using Postrider.Store.Postgres;

namespace Postrider.Store.Conformance.Postgres;

/// <summary>Messages that change in the moment a claim takes them: it tells what they say then, or leaves them to the next claim.</summary>
public sealed class PostgresClaimRaceTests : StoreConformance<PostgresFixture>
{
    /// <summary>
    /// The queue as a view whose user stands at a gate, an advisory lock, when it is a writer's connection of the node that has the
    /// setting: after the snapshot of its statement was taken, before it has locked a row.
    /// </summary>
    const string GateSql = $"""
        alter table queue rename to queue_rows;
        create function pass() returns boolean language plpgsql as $$
        begin
            if current_setting('test.gated', true) = 'yes' and current_setting('plan_cache_mode') = 'force_generic_plan' then
                {Gate.PassSql}
            end if;
            return true;
        end $$;
        create view queue as select *, xmin from queue_rows where pass();
        """;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_retry_by_hand_reopened_is_open_to_the_claim_that_takes_it(bool expired)
    {
        var id = await DeferredAsync(RecipientState.Bounced);

        var claimed = await ClaimAcrossAsync(
            async () => Assert.IsType<ControlResult.Changed>(await Sample.ChangeAsync(id, ControlAction.Retry)), expired);

        Assert.Equal([RecipientState.Open, RecipientState.Open], StatesOf(claimed));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_accepted_in_an_attempt_just_settled_is_not_mailed_again(bool expired)
    {
        await DeferredAsync(RecipientState.Open);

        var claimed = await ClaimAcrossAsync(
            async () => await SettleAsync(await Sample.ClaimOneAsync(), RecipientState.Delivered, MessageStatus.Sent), expired);

        Assert.Equal([RecipientState.Delivered, RecipientState.Open], StatesOf(claimed));
    }

    [Fact]
    public async Task Who_was_reported_as_bounced_just_now_is_so_to_the_claim()
    {
        var id = await DeferredAsync(RecipientState.Delivered);

        var claimed = await ClaimAcrossAsync(
            async () =>
            {
                var data = new EventData { SmtpResponse = "550 5.1.1 no such user", BounceType = "hard", Status = "5.1.1", Source = "dsn" };
                var report = new RecipientReport(id, 0, EventType.Bounce, data, ReportCause.Of(EventType.Bounce, 0));
                Assert.Equal(
                    ReportResult.Recorded,
                    await Store.RecipientReports.RecordAsync(Sample.Tenant, report, Store.Now, CancellationToken.None));
            },
            expired: false);

        Assert.Equal([RecipientState.Bounced, RecipientState.Open], StatesOf(claimed));
    }

    static IEnumerable<RecipientState> StatesOf(LeasedMessage claimed) => claimed.Message.Recipients.Select(recipient => recipient.State);

    /// <summary>A message to two that waits for its second attempt, due now.</summary>
    async Task<MessageId> DeferredAsync(RecipientState first)
    {
        var message = await Sample.AcceptAsync(
            message => message with { Recipients = [Sample.To("a@example.net"), Sample.To("b@example.net")] });
        await SettleAsync(
            await Sample.ClaimOneAsync(), first, first == RecipientState.Delivered ? MessageStatus.Sent : MessageStatus.Queued);
        return message.Id;
    }

    async Task SettleAsync(LeaseKey lease, RecipientState first, MessageStatus status) =>
        Assert.True(await Sample.SettleAsync(Sample.Deferred(lease, Store.Now) with
        {
            Status = status,
            Recipients = [new RecipientOutcome(0, first, "reply"), new RecipientOutcome(1, RecipientState.Open, "450 4.2.0 Busy")],
        }));

    /// <summary>
    /// Another node claims; between its statement's snapshot and its look at the queue <paramref name="change"/> is committed.
    /// </summary>
    /// <returns>The message as that claim has it, or as the next one does when it was passed over.</returns>
    async Task<LeasedMessage> ClaimAcrossAsync(Func<Task> change, bool expired)
    {
        await Store.Cluster.QueryAsync(Store.Database, GateSql);
        await using var node = await PostgresStore.OpenAsync(
            new PostgresStoreOptions(Store.Cluster.ConnectionString(Store.Database) + ";Options=-c test.gated=yes"),
            Store.Time, Store.Ids, log: null, CancellationToken.None);
        var later = Store.Now + TimeSpan.FromSeconds(1);
        Task<IReadOnlyList<LeasedMessage>> claiming;
        await using (await Gate.CloseAsync(Store))
        {
            claiming = expired
                ? node.ClaimExpiredAsync(new ClaimExpired(later, 10, Sample.Node, Sample.Later), CancellationToken.None)
                : ClaimDueAsync();
            Assert.True(await Store.IsWaitedAsync(1, claiming));
            await change();
        }
        return Assert.Single(await claiming is { Count: > 0 } claimed ? claimed : await ClaimDueAsync());

        async Task<IReadOnlyList<LeasedMessage>> ClaimDueAsync() =>
            (await node.ClaimAsync(new Claim(Sample.Backlog(), Store.Now, 10, Sample.Node, Sample.Later), CancellationToken.None)).Messages;
    }
}
