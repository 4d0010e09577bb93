using Postrider.Engine.Messages;
using Postrider.Engine.Queue;

namespace Postrider.Store.Conformance.Postgres;

public sealed class PostgresNodeTests : StoreConformance<PostgresFixture>
{
    [Fact]
    public async Task Nodes_are_counted_while_they_are_seen_and_do_not_leave()
    {
        var (one, two) = (Node("one"), Node("two"));

        Assert.Equal(1, await BeatAsync(one));
        Assert.Equal(2, await BeatAsync(two));
        Store.Time.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(2, await BeatAsync(one));
        Store.Time.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(1, await BeatAsync(one));
        Assert.Equal(2, await BeatAsync(two));

        await Store.Postgres.LeaveAsync(two.Id, CancellationToken.None);

        Assert.Equal(1, await BeatAsync(one));
    }

    [Fact]
    public async Task Rows_of_the_dead_are_swept_after_a_day()
    {
        await BeatAsync(Node("dead"));
        Store.Time.Advance(TimeSpan.FromDays(1) + TimeSpan.FromSeconds(1));

        await BeatAsync(Node("alive"));

        Assert.Equal("alive", (await Store.Cluster.QueryAsync(Store.Database, "select name from node")).Trim());
    }

    [Fact]
    public async Task A_database_that_holds_no_store_gets_one_only_from_those_who_may_make_it()
    {
        var empty = $"{Store.Database}_empty";
        await Store.Cluster.CreateDatabaseAsync(empty);
        try
        {
            var options = new Postrider.Store.Postgres.PostgresStoreOptions(Store.Cluster.ConnectionString(empty)) { MayCreate = false };
            var refused = await Assert.ThrowsAsync<StoreUnavailableException>(() =>
                Postrider.Store.Postgres.PostgresStore.OpenAsync(options, Store.Time, Store.Ids, log: null, CancellationToken.None));

            Assert.Contains("no store", refused.Message, StringComparison.Ordinal);
            Assert.Equal("0", (await Store.Cluster.QueryAsync(empty, "select count(*) from pg_tables where schemaname = 'public'")).Trim());
        }
        finally
        {
            await Store.Cluster.DropDatabaseAsync(empty);
        }
    }

    Node Node(string name) => new(new NodeId(Store.Ids.Next()), name, Store.Now);

    async Task<int> BeatAsync(Node node) =>
        (await Store.Postgres.BeatAsync(node, Store.Now, Store.Now.AddSeconds(-20), CancellationToken.None)).Live;
}
