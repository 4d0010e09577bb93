using System.Globalization;
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
        Store.Time.Advance(TimeSpan.FromDays(200));
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
        Store.Time.Advance(TimeSpan.FromDays(70));

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
        Store.Time.Advance(TimeSpan.FromDays(200));

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

    /// <summary>Where a drop stands still, so that something else can happen meanwhile.</summary>
    const string GateSql = """
        create function wait_for_gate() returns event_trigger language plpgsql as $$
        begin
            perform pg_advisory_xact_lock_shared(7);
        end $$;
        create event trigger gate on ddl_command_start when tag in ('DROP TABLE') execute function wait_for_gate();
        """;

    const string WaitingSql = """
        select count(*) from pg_locks
        where not granted and (objid = 7 or relation = 'message'::regclass)
            and database = (select oid from pg_database where datname = current_database())
        """;

    [Fact]
    public async Task A_retry_while_its_month_is_dropped_finds_the_message_or_does_not_but_leaves_no_half_of_it()
    {
        await using var node = await OpenAsync(messages: 100, bodies: 30);
        var lease = await Sample.SendingAsync();
        await Sample.ChangeAsync(lease.Message, ControlAction.Fail);
        Store.Time.Advance(TimeSpan.FromDays(200));
        await Store.Cluster.QueryAsync(Store.Database, GateSql);
        Task purging;
        Task<ControlResult> retrying;
        await using (var gate = await Store.Postgres.Database.OpenReaderAsync(CancellationToken.None))
        {
            await using var command = gate.CreateCommand();
            command.CommandText = "select pg_advisory_lock(7)";
            await command.ExecuteNonQueryAsync(CancellationToken.None);
            purging = node.PurgeAsync(Store.Now, CancellationToken.None);
            await WaitAsync(1, purging);
            retrying = Sample.ChangeAsync(lease.Message, ControlAction.Retry);
            await WaitAsync(2, retrying);
            command.CommandText = "select pg_advisory_unlock(7)";
            await command.ExecuteNonQueryAsync(CancellationToken.None);
        }
        await purging;

        Assert.Equal(await retrying is ControlResult.Changed, await Sample.FindAsync(lease.Message) is not null);
        Assert.Equal(await CountAsync("queue", lease.Message), await CountAsync("recipient", lease.Message));

        async Task WaitAsync(int waiting, Task unless)
        {
            string count;
            do
                count = await Store.Cluster.QueryAsync(Store.Database, WaitingSql);
            while (!unless.IsCompleted && int.Parse(count, CultureInfo.InvariantCulture) < waiting);
        }
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
        var claimed = await Store.Postgres.ClaimAsync(new Claim(Sample.Backlog(), Store.Now, 10, Sample.Node, Store.Now.AddMinutes(1)), CancellationToken.None);
        var lease = claimed.Messages.Single(leased => leased.Message.Id == id).Key;
        Assert.True(await Store.Postgres.MarkSendingAsync(lease, CancellationToken.None));
        Assert.True(await Store.Postgres.SettleAsync(Sample.Delivered(lease), CancellationToken.None));
    }

    async Task<string> CountAsync(string table, MessageId id) =>
        (await Store.Cluster.QueryAsync(Store.Database, $"select count(*) from {table} where message_id = '{id.Value}'")).Trim();
}
