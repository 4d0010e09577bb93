using Postrider.Engine.Messages;
using Postrider.Store.Postgres.Distribution;

namespace Postrider.Store.Conformance.Postgres;

/// <summary>
/// What Citus asks of a schema, asked of the catalog. Citus itself is not to be had here: a stand-in with its functions' names takes the
/// calls.
/// </summary>
public sealed class PostgresDistributionTests : StoreConformance<PostgresFixture>
{
    /// <summary>On the coordinator alone: of the store itself, or of one node.</summary>
    static readonly string[] Local = ["destination_report", "installation", "node", "readiness", "schema_migration", "store_copy"];

    [Fact]
    public async Task Every_table_is_distributed_by_lane_or_on_every_machine_or_said_to_be_local()
    {
        var plan = await Store.Postgres.Distribution.PlanAsync(16, CancellationToken.None);

        var tables = await QueryAsync("""
            select relname from pg_class
            where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
            """);
        Assert.Equal(tables.Order(), plan.Select(step => step.Table).Concat(Local).Order());
        Assert.Equal(
            ["api_key", "domain", "stream", "tenant"],
            plan.Where(step => step.Sql.Contains("reference", StringComparison.Ordinal)).Select(step => step.Table));
        Assert.Equal(
            "select create_distributed_table('queue', 'lane', colocate_with => 'none', shard_count => 16);",
            plan.First(step => step.Sql.Contains("distributed", StringComparison.Ordinal)).Sql);
        Assert.Contains(plan, step => step.Sql == "select create_distributed_table('message', 'lane', colocate_with => 'queue');");
        var laned = await QueryAsync(
            "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'lane' "
            + "where c.relkind in ('r', 'p') and not c.relispartition");
        Assert.Equal(
            laned.Order(), plan.Where(step => step.Sql.Contains("'lane'", StringComparison.Ordinal)).Select(step => step.Table).Order());
    }

    [Fact]
    public async Task Every_unique_index_of_a_distributed_table_holds_the_lane_and_every_primary_key_begins_with_it()
    {
        var indexes = await QueryAsync("""
            select i.indrelid::regclass || ' ' || i.indisprimary || ' ' || (
                select string_agg(a.attname, ',' order by k.place)
                from unnest(i.indkey::int[]) with ordinality as k (attribute, place)
                join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attribute)
            from pg_index i
            join pg_class c on c.oid = i.indrelid
            where i.indisunique and c.relnamespace = 'public'::regnamespace
                and exists (select 1 from pg_attribute l where l.attrelid = c.oid and l.attname = 'lane')
            """);

        Assert.InRange(indexes.Count, 15, 200);
        foreach (var index in indexes.Select(index => index.Split(' ')))
        {
            Assert.Contains("lane", index[2].Split(','));
            if (index[1] == "true")
                Assert.StartsWith("lane,", index[2], StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("a sequence", "select relname from pg_class where relkind = 'S' and relnamespace = 'public'::regnamespace")]
    [InlineData("a foreign key", "select conname from pg_constraint where contype = 'f'")]
    [InlineData("a trigger", "select tgname from pg_trigger where not tgisinternal")]
    [InlineData(
        "a rule", "select rulename from pg_rewrite r join pg_class c on c.oid = r.ev_class where c.relnamespace = 'public'::regnamespace")]
    [InlineData("an exclusion", "select conname from pg_constraint where contype = 'x'")]
    public async Task The_schema_has_nothing_that_reaches_over_lanes(string what, string sql)
    {
        var found = await QueryAsync(sql);

        Assert.True(found.Count == 0, $"{what}: {string.Join(", ", found)}");
    }

    [Fact]
    public async Task Without_the_extension_it_is_refused()
    {
        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(
            () => Store.Postgres.Distribution.DistributeAsync(CitusDistribution.DefaultShards, _ => { }, CancellationToken.None));

        Assert.Equal("This server has no extension citus.", refused.Message);
    }

    [Fact]
    public async Task With_it_each_statement_is_run_once_and_the_store_goes_on()
    {
        await QueryAsync("""
            set allow_system_table_mods = on;
            insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
            values (999999, 'citus', 10, 'public'::regnamespace, false, '12.1');
            create table pg_dist_partition (
                no integer generated always as identity, logicalrelid regclass, colocate_with text, shard_count integer);
            create function create_reference_table(text) returns void language sql as
                'insert into pg_dist_partition (logicalrelid) values ($1::regclass)';
            create function create_distributed_table(t text, c text, colocate_with text default 'default', shard_count integer default null)
                returns void language sql
                as 'insert into pg_dist_partition (logicalrelid, colocate_with, shard_count) values ($1::regclass, $3, $4)';
            """);
        var told = new List<string>();
        await Store.Postgres.Distribution.DistributeAsync(8, told.Add, CancellationToken.None);
        await Store.Postgres.Distribution.DistributeAsync(8, told.Add, CancellationToken.None);
        await using var node = await Store.OpenAnotherAsync();

        var distributed = await QueryAsync(
            "select logicalrelid || ' ' || coalesce(colocate_with, '') || ' ' || coalesce(shard_count, 0) from pg_dist_partition order by no");
        Assert.Equal(["api_key  0", "domain  0", "stream  0", "tenant  0", "queue none 8"], distributed.Take(5));
        Assert.All(distributed.Skip(5), line => Assert.EndsWith(" queue 0", line, StringComparison.Ordinal));
        Assert.Equal(distributed.Count, told.Count(line => line.EndsWith(": distributed", StringComparison.Ordinal)));
        Assert.Equal(distributed.Count, told.Count(line => line.EndsWith("already", StringComparison.Ordinal)));
        Assert.IsType<Engine.Intake.AcceptOutcome.Stored>(
            await node.AcceptAsync(Sample.Acceptance(Sample.Message()), CancellationToken.None));
        await using var writer = await node.Database.OpenWriterAsync(CancellationToken.None);
        await using var command = writer.CreateCommand();
        command.CommandText = "show plan_cache_mode";
        Assert.Equal("auto", await command.ExecuteScalarAsync(CancellationToken.None));
    }

    async Task<List<string>> QueryAsync(string sql) =>
        [.. (await Store.Cluster.QueryAsync(Store.Database, sql)).Split('\n', StringSplitOptions.RemoveEmptyEntries)];
}
