using Postrider.Engine.Messages;

namespace Postrider.Store.Conformance.Postgres;

public sealed class PostgresListWalkTests : StoreConformance<PostgresFixture>
{
    [Fact]
    public async Task One_node_goes_on_where_another_stopped()
    {
        await using var other = await Store.OpenAnotherAsync();
        var walk = Walk("status=queued");
        var (first, second) = (new MessageId(Store.Ids.Next()), new MessageId(Store.Ids.Next()));

        await Store.Postgres.RememberAsync(walk, 1, first, Store.Now, CancellationToken.None);
        await other.RememberAsync(walk, 2, second, Store.Now, CancellationToken.None);

        Assert.Equal(first, await other.EndOfAsync(walk, 1, Store.Now, CancellationToken.None));
        Assert.Equal(second, await Store.Postgres.EndOfAsync(walk, 2, Store.Now, CancellationToken.None));
        Assert.Null(await other.EndOfAsync(walk, 3, Store.Now, CancellationToken.None));
        Assert.Null(await other.EndOfAsync(walk, 2, Store.Now.AddSeconds(1), CancellationToken.None));
        Assert.Null(await other.EndOfAsync(Walk("status=failed"), 1, Store.Now, CancellationToken.None));
    }

    [Fact]
    public async Task The_first_page_begins_afresh()
    {
        var (walk, another) = (Walk("a"), Walk("b"));
        var (old, @new) = (new MessageId(Store.Ids.Next()), new MessageId(Store.Ids.Next()));
        foreach (var page in (int[])[1, 2, 3])
        {
            await Store.Postgres.RememberAsync(walk, page, old, Store.Now, CancellationToken.None);
            await Store.Postgres.RememberAsync(another, page, old, Store.Now, CancellationToken.None);
        }

        await Store.Postgres.RememberAsync(walk, 1, @new, Store.Now, CancellationToken.None);

        Assert.Equal(@new, await Store.Postgres.EndOfAsync(walk, 1, Store.Now, CancellationToken.None));
        Assert.Null(await Store.Postgres.EndOfAsync(walk, 2, Store.Now, CancellationToken.None));
        Assert.Equal(old, await Store.Postgres.EndOfAsync(another, 3, Store.Now, CancellationToken.None));
    }

    [Fact]
    public async Task What_is_past_is_swept()
    {
        await Store.Postgres.RememberAsync(Walk("a"), 1, new MessageId(Store.Ids.Next()), Store.Now, CancellationToken.None);
        Store.Time.Advance(TimeSpan.FromDays(1));
        await Store.Postgres.RememberAsync(Walk("b"), 1, new MessageId(Store.Ids.Next()), Store.Now, CancellationToken.None);

        await Store.Postgres.PurgeAsync(Store.Now, CancellationToken.None);

        Assert.Equal("1", (await Store.Cluster.QueryAsync(Store.Database, "select count(*) from list_walk")).Trim());
    }

    ListWalk Walk(string filter) => new(Sample.Tenant, Key, ContentHash.Of(System.Text.Encoding.ASCII.GetBytes(filter)), 25);

    ApiKeyId Key { get; } = new(new Guid("01987f00-0000-7000-8000-000000000001"));
}
