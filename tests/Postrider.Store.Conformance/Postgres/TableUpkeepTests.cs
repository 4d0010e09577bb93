using Microsoft.Extensions.Logging.Abstractions;
using Postrider.Store.Postgres;

namespace Postrider.Store.Conformance.Postgres;

public sealed class TableUpkeepTests : StoreConformance<PostgresFixture>
{
    async Task FillAsync(int rows) => await CountedAsync($"""
        insert into queue (lane, tenant_id, message_id, domain, due_at, first_due_at, phase, day)
        select 3, '{Sample.Tenant.Value}', gen_random_uuid(), 'example.net', now(), now(), 0, 1 from generate_series(1, {rows})
        """);

    /// <summary>A table that never was is a matter of its own.</summary>
    Task AnalyzedAsync() => CountedAsync("analyze queue");

    Task EmptyAsync() => CountedAsync("delete from queue");

    /// <summary>The server's counts of rows know of it when it returns.</summary>
    async Task CountedAsync(string sql) => await Store.Cluster.QueryAsync(
        Store.Database, $"alter table queue set (autovacuum_enabled = off); {sql}; select pg_stat_force_next_flush()");

    Task<bool> LookAfterAsync() =>
        new TableUpkeep(Store.Postgres.Database, Store.Time, NullLogger.Instance).LookAfterAsync(CancellationToken.None);

    async Task<int> DeadAsync() => int.Parse(
        await Store.Cluster.QueryAsync(Store.Database, "select n_dead_tup from pg_stat_user_tables where relname = 'queue'"),
        System.Globalization.CultureInfo.InvariantCulture);

    async Task<int> EstimateAsync()
    {
        var plan = await Store.Cluster.QueryAsync(Store.Database, "explain select 1 from queue");
        return int.Parse(plan.Split("rows=")[1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task A_queue_that_fills_after_it_was_vacuumed_empty_is_not_taken_for_empty()
    {
        await AnalyzedAsync();
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
    public async Task What_was_never_analyzed_is_once_it_holds_something()
    {
        await Sample.AcceptAsync();
        Assert.False(await LookAfterAsync());
        await FillAsync(1_000);
        await CountedAsync("""
            insert into message select (jsonb_populate_record(
                m, jsonb_build_object('id', overlay(m.id::text placing lpad(to_hex(i), 12, '0') from 25)))).*
            from message m, generate_series(1, 1000) i
            """);

        Assert.True(await LookAfterAsync());

        var analyzed = await Store.Cluster.QueryAsync(
            Store.Database, "select relname from pg_stat_user_tables where last_analyze is not null order by 1");
        Assert.Equal(["message_2026_03", "queue"], analyzed.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.False(await LookAfterAsync());
    }

    [Fact]
    public async Task An_emptied_queue_gives_its_pages_back_so_that_the_next_burst_is_not_taken_for_nothing()
    {
        await AnalyzedAsync();
        await FillAsync(5_000);
        await EmptyAsync();
        await Store.Cluster.QueryAsync(Store.Database, "vacuum (truncate off) queue");
        await FillAsync(100);
        Assert.False(await LookAfterAsync());
        await EmptyAsync();

        Assert.True(await LookAfterAsync());

        Assert.False(await LookAfterAsync());
        await FillAsync(5_000);
        Assert.InRange(await EstimateAsync(), 2_000, 20_000);
        Assert.False(await LookAfterAsync());
    }

    [Fact]
    public async Task What_messages_left_behind_is_cleared_away_once_it_is_much()
    {
        await AnalyzedAsync();
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
        await AnalyzedAsync();
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
        await AnalyzedAsync();
        await FillAsync(11_000);
        await using var other = await Store.Postgres.Database.OpenReaderAsync(CancellationToken.None);
        await using var seeing = await other.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead);
        await using (var look = other.CreateCommand())
        {
            look.CommandText = "select 1 from queue limit 1";
            await look.ExecuteNonQueryAsync();
        }
        await EmptyAsync();
        await using var upkeep = new TableUpkeep(Store.Postgres.Database, Store.Time, NullLogger.Instance);

        Assert.True(await upkeep.LookAfterAsync(CancellationToken.None));

        Assert.Equal(11_000, await DeadAsync());
        Assert.False(await upkeep.LookAfterAsync(CancellationToken.None));
    }
}
