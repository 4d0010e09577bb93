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
