using Microsoft.Extensions.Logging.Abstractions;
using Postrider.Store.Postgres.Queue;

namespace Postrider.Store.Conformance.Postgres;

public sealed class QueueUpkeepTests : StoreConformance<PostgresFixture>
{
    async Task FillAsync(int rows) => await CountedAsync($"""
        insert into queue (lane, tenant_id, message_id, domain, due_at, first_due_at, phase, day)
        select 3, '{Sample.Tenant.Value}', gen_random_uuid(), 'example.net', now(), now(), 0, 1 from generate_series(1, {rows})
        """);

    Task EmptyAsync() => CountedAsync("delete from queue");

    /// <summary>The server's counts of rows know of it when it returns.</summary>
    async Task CountedAsync(string sql) => await Store.Cluster.QueryAsync(
        Store.Database, $"alter table queue set (autovacuum_enabled = off); {sql}; select pg_stat_force_next_flush()");

    Task<bool> LookAfterAsync() => new QueueUpkeep(Store.Postgres.Database, Store.Time, NullLogger.Instance).LookAfterAsync(CancellationToken.None);

    async Task<int> DeadAsync() => int.Parse(
        await Store.Cluster.QueryAsync(Store.Database, "select n_dead_tup from pg_stat_user_tables where relname = 'queue'"),
        System.Globalization.CultureInfo.InvariantCulture);

    async Task<int> EstimateAsync(string condition = "true")
    {
        var plan = await Store.Cluster.QueryAsync(Store.Database, $"explain select 1 from queue where {condition}");
        return int.Parse(plan.Split("rows=")[1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task A_queue_that_fills_after_it_was_vacuumed_empty_is_not_taken_for_empty()
    {
        await FillAsync(5_000);
        await EmptyAsync();
        await Store.Cluster.QueryAsync(Store.Database, "vacuum (truncate off) queue");
        Assert.False(await LookAfterAsync());
        await FillAsync(5_000);
        Assert.Equal(1, await EstimateAsync());

        Assert.True(await LookAfterAsync());

        Assert.InRange(await EstimateAsync(), 4_000, 6_000);
        Assert.False(await LookAfterAsync());
    }

    [Fact]
    public async Task A_new_queue_is_analyzed_before_the_planner_takes_a_tenants_rows_for_one()
    {
        var tenant = $"lane = 3 and tenant_id = '{Sample.Tenant.Value}'";
        await FillAsync(1_000);
        Assert.Equal(1, await EstimateAsync(tenant));

        Assert.True(await LookAfterAsync());

        Assert.InRange(await EstimateAsync(tenant), 800, 1_200);
        Assert.False(await LookAfterAsync());
    }

    [Fact]
    public async Task What_messages_left_behind_is_cleared_away_once_it_is_much()
    {
        await FillAsync(9_000);
        await EmptyAsync();
        Assert.False(await LookAfterAsync());
        await FillAsync(2_000);
        await EmptyAsync();

        Assert.True(await LookAfterAsync());

        Assert.Equal(0, await DeadAsync());
        Assert.False(await LookAfterAsync());
    }

    [Fact]
    public async Task A_table_that_another_vacuum_has_is_passed_over()
    {
        await FillAsync(11_000);
        await EmptyAsync();
        await using var other = await Store.Postgres.Database.OpenReaderAsync(CancellationToken.None);
        await using var transaction = await other.BeginTransactionAsync();
        await using (var locking = other.CreateCommand())
        {
            locking.CommandText = "lock table queue in share update exclusive mode";      // a vacuum's
            await locking.ExecuteNonQueryAsync();
        }

        Assert.True(await LookAfterAsync());
        await transaction.RollbackAsync();

        Assert.True(await LookAfterAsync());
        Assert.False(await LookAfterAsync());
    }

    [Fact]
    public async Task What_a_vacuum_had_to_leave_is_not_tried_again_and_again()
    {
        await FillAsync(11_000);
        await using var other = await Store.Postgres.Database.OpenReaderAsync(CancellationToken.None);
        await using var seeing = await other.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead);
        await using (var look = other.CreateCommand())
        {
            look.CommandText = "select 1 from queue limit 1";
            await look.ExecuteNonQueryAsync();
        }
        await EmptyAsync();
        await using var upkeep = new QueueUpkeep(Store.Postgres.Database, Store.Time, NullLogger.Instance);

        Assert.True(await upkeep.LookAfterAsync(CancellationToken.None));

        Assert.Equal(11_000, await DeadAsync());
        Assert.False(await upkeep.LookAfterAsync(CancellationToken.None));
    }
}
