using Microsoft.Extensions.Logging.Abstractions;
using Postrider.Engine.Control;
using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Store.Postgres;

namespace Postrider.Store.Conformance.Postgres;

public sealed class PostgresRetentionTests : StoreConformance<PostgresFixture>
{
    [Fact]
    public async Task A_month_beyond_the_prepared_ones_is_made_when_it_is_needed_and_dropped_with_its_mail()
    {
        await using var node = await OpenAsync(messages: 100, bodies: 30);
        var old = await SettledAsync();
        Store.Time.Sleep(TimeSpan.FromDays(200));
        var young = await SettledAsync();

        await node.PurgeAsync(Store.Now, CancellationToken.None);

        Assert.Null(await Sample.FindAsync(old));
        Assert.NotNull((await Sample.ViewAsync(young)).Body);
        var page = await Sample.ListAsync();
        Assert.Equal((1, 1L), (page.Items.Count, page.Total));
        Assert.Equal("0", await CountAsync("event", old));
        Assert.Equal(0, await Store.Postgres.PreparePartitionsAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Bodies_go_first()
    {
        await using var node = await OpenAsync(messages: 100, bodies: 30);
        var id = await SettledAsync();
        Store.Time.Sleep(TimeSpan.FromDays(70));

        await node.PurgeAsync(Store.Now, CancellationToken.None);

        var view = await Sample.ViewAsync(id);
        Assert.Equal((MessageStatus.Delivered, null), (view.Status, view.Body));
        Assert.Equal(1, (await Sample.ListAsync()).Total);
    }

    [Fact]
    public async Task A_month_stays_while_a_message_of_it_is_live()
    {
        await using var node = await OpenAsync(messages: 100, bodies: 30);
        var settled = await SettledAsync();
        var (live, content) = Letter();
        await Sample.AcceptAsync(Sample.Acceptance(live) with { Contents = [content] });
        Store.Time.Sleep(TimeSpan.FromDays(200));

        await node.PurgeAsync(Store.Now, CancellationToken.None);

        Assert.NotNull((await Sample.ViewAsync(live.Message.Id)).Body);
        Assert.NotNull(await Sample.FindAsync(settled));

        await SettleAsync(live.Message.Id);
        Store.Time.Advance(TimeSpan.FromHours(1));
        await node.PurgeAsync(Store.Now, CancellationToken.None);

        Assert.Null(await Sample.FindAsync(live.Message.Id));
        Assert.Equal(0, (await Sample.ListAsync()).Total);
    }

    [Fact]
    public async Task Totals_that_a_process_left_behind_when_it_ended_after_a_drop_go_after_the_next_start()
    {
        await SettledAsync();
        await Store.ExecuteAsync("update counter set day = day - 200");
        Assert.Equal(1, (await Sample.ListAsync()).Total);
        await using var node = await OpenAsync(messages: 100, bodies: 30);

        await node.PurgeAsync(Store.Now, CancellationToken.None);

        Assert.Equal(0, (await Sample.ListAsync()).Total);
    }

    const string GateSql = $"""
        create function wait_for_gate() returns event_trigger language plpgsql as $$
        begin
            {Gate.PassSql}
        end $$;
        create event trigger gate on ddl_command_start when tag in ('DROP TABLE') execute function wait_for_gate();
        """;

    /// <summary>Bodies stay, so that the table <c>message</c> is the first one to go.</summary>
    [Fact]
    public async Task A_retry_while_its_month_is_dropped_waits_for_that_and_finds_no_message()
    {
        await using var node = await OpenAsync(messages: 100, bodies: 400);
        var lease = await FailedAsync();
        await Store.Cluster.QueryAsync(Store.Database, GateSql);
        await using var gate = await Gate.CloseAsync(Store);
        var purging = node.PurgeAsync(Store.Now, CancellationToken.None);
        Assert.True(await Store.IsWaitedAsync(1, purging));
        var retrying = Sample.ChangeAsync(lease.Message, ControlAction.Retry);
        Assert.True(await Store.IsWaitedAsync(2, retrying));
        await gate.OpenAsync();
        await purging;

        Assert.IsType<ControlResult.NotFound>(await retrying);
        Assert.Null(await Sample.FindAsync(lease.Message));
        Assert.Equal("0", await CountAsync("queue", lease.Message));
        Assert.Equal("0", await CountAsync("recipient", lease.Message));
    }

    [Fact]
    public async Task A_retry_just_before_its_month_would_be_dropped_keeps_the_month()
    {
        var lease = await FailedAsync();
        var partitions = new Partitions(Store.Postgres.Database, NullLogger.Instance);
        var options = new PostgresStoreOptions("") { KeepMessages = TimeSpan.FromDays(100), KeepBodies = TimeSpan.FromDays(400) };
        var retention = new Retention(Store.Postgres.Database, partitions, options, NullLogger.Instance);
        Task<int> dropping;
        await using (await Gate.CloseAsync(Store, Partitions.Lock))
        {
            // It has seen that nothing of the month is live, and waits for its turn.
            dropping = retention.RunAsync(Store.Now, CancellationToken.None);
            Assert.True(await Store.IsWaitedAsync(1, dropping));
            Assert.IsType<ControlResult.Changed>(await Sample.ChangeAsync(lease.Message, ControlAction.Retry));
        }

        Assert.Equal(0, await dropping);
        Assert.NotNull(await Sample.FindAsync(lease.Message));
        Assert.Equal("1", await CountAsync("queue", lease.Message));
        Assert.Equal("1", await CountAsync("recipient", lease.Message));
    }

    /// <summary>A message past its retention.</summary>
    async Task<LeaseKey> FailedAsync()
    {
        var lease = await Sample.SendingAsync();
        Assert.IsType<ControlResult.Changed>(await Sample.ChangeAsync(lease.Message, ControlAction.Fail));
        Store.Time.Sleep(TimeSpan.FromDays(200));
        return lease;
    }

    Task<PostgresStore> OpenAsync(int messages, int bodies) => PostgresStore.OpenAsync(
        new PostgresStoreOptions(Store.Cluster.ConnectionString(Store.Database))
        {
            KeepMessages = TimeSpan.FromDays(messages),
            KeepBodies = TimeSpan.FromDays(bodies),
        },
        Store.Time, Store.Ids, log: null, CancellationToken.None);

    async Task<MessageId> SettledAsync()
    {
        var (message, content) = Letter();
        Assert.IsType<AcceptOutcome.Stored>(await Sample.AcceptAsync(Sample.Acceptance(message) with { Contents = [content] }));
        await SettleAsync(message.Message.Id);
        return message.Message.Id;
    }

    (NewMessage Message, NewContent Content) Letter()
    {
        var body = Sample.Content(new MessageBody("a body"u8.ToArray(), Html: null).ToContent());
        return (Sample.Message(message => message with { Body = body.Hash, Categories = ["x"] }), body);
    }

    async Task SettleAsync(MessageId id)
    {
        var claimed = await Store.Postgres.ClaimAsync(
            new Claim(Sample.Backlog(), Store.Now, 10, Sample.Node, Store.Now.AddMinutes(1)), CancellationToken.None);
        var lease = claimed.Messages.Single(leased => leased.Message.Id == id).Key;
        Assert.True(await Store.Postgres.MarkSendingAsync(lease, CancellationToken.None));
        Assert.True(await Store.Postgres.SettleAsync(Sample.Delivered(lease), CancellationToken.None));
    }

    async Task<string> CountAsync(string table, MessageId id) =>
        (await Store.Cluster.QueryAsync(Store.Database, $"select count(*) from {table} where message_id = '{id.Value}'")).Trim();
}
