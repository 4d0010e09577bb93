using Postrider.Engine.Messages;
using Postrider.Engine.Moving;
using Postrider.Store.Conformance.Moving;
using Postrider.Store.Conformance.Sqlite;
using Postrider.Store.Postgres;
using Postrider.Testing;

namespace Postrider.Store.Conformance.Postgres;

/// <summary>What transactions really do, seen by a trigger on every table that has a lane: none writes to two.</summary>
public sealed class PostgresLaneTests : IAsyncLifetime
{
    const string WatchSql = """
        create table seen (transaction xid8, relation text, lane smallint);
        create function see() returns trigger language plpgsql as $$
        begin
            insert into seen values (pg_current_xact_id(), tg_argv[0], coalesce(new.lane, old.lane));
            return null;
        end $$;
        do $$
        declare t regclass;
        begin
            for t in select c.oid from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'lane'
                where c.relkind in ('r', 'p') and not c.relispartition and c.relname <> 'seen'
            loop
                execute format('create trigger see after insert or update or delete on %s for each row execute function see(%L)', t, t);
            end loop;
        end $$;
        """;

    readonly PostgresFixture _postgres = new();

    public async ValueTask InitializeAsync()
    {
        await _postgres.OpenAsync();
        await _postgres.Cluster.QueryAsync(_postgres.Database, WatchSql);
    }

    public ValueTask DisposeAsync() => _postgres.DisposeAsync();

    [Fact]
    public async Task No_transaction_of_the_engines_ports_writes_to_two_lanes()
    {
        await Installation.FillAsync(_postgres);
        _postgres.Time.Advance(TimeSpan.FromMinutes(10));
        await _postgres.Queue.ReleaseExpiredAsync(_postgres.Now, alsoOf: null, CancellationToken.None);
        _postgres.Time.Sleep(TimeSpan.FromDays(500));
        await _postgres.Postgres.PurgeAsync(_postgres.Now, CancellationToken.None);

        await AssertApartAsync("batch", "content", "counter", "event", "idempotency", "message", "message_category", "queue", "recipient");
    }

    [Fact]
    public async Task No_transaction_of_a_copy_writes_to_two_lanes()
    {
        await using var sqlite = new SqliteFixture { Serves = false };
        await sqlite.OpenAsync();
        await Installation.FillAsync(sqlite);

        await new StoreCopy(sqlite.Sqlite.Movable, _postgres.Postgres.Movable, new ManualTime(), _ => { }).RunAsync(CancellationToken.None);

        await AssertApartAsync([.. MovedTables.All.Where(table => table.IsTenants).Select(table => table.Name), "copy_progress"]);
    }

    async Task AssertApartAsync(params string[] relations)
    {
        var seen = await _postgres.Cluster.QueryAsync(_postgres.Database, "select distinct relation from seen");
        var lanes = await _postgres.Cluster.QueryAsync(
            _postgres.Database, "select count(distinct lane) from seen where relation = 'message'");
        var tenants = await _postgres.Cluster.QueryAsync(_postgres.Database, "select id from tenant");
        var mixed = await _postgres.Cluster.QueryAsync(
            _postgres.Database,
            "select string_agg(distinct relation || ' ' || lane, ', ') from seen group by transaction having count(distinct lane) > 1");

        Assert.Empty(relations.Except(seen.Split('\n')));
        // Three tenants; two of them may share a lane.
        var expected = tenants.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(id => Lane.Of(new TenantId(Guid.Parse(id)))).Distinct().Count();
        Assert.Equal(expected.ToString(System.Globalization.CultureInfo.InvariantCulture), lanes.Trim());
        Assert.Equal("", mixed.Trim());
    }
}
