using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Messages;
using Postrider.Engine.Moving;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Distribution;

/// <param name="Table">What it distributes.</param>
public sealed record DistributionStep(string Table, string Sql);

/// <summary>
/// Spreads the tables over the machines of a Citus cluster: those with a lane by it, all in one colocation group, so that whatever names
/// one lane happens on one machine; the directory on every machine. What is left stays on the coordinator: the schema's version, nodes,
/// /ready, a copy's mark.
/// </summary>
/// <remarks>
/// Partitioned tables are distributed by their parent, and their partitions go with it. A partition made later is a plain table until it is
/// attached; Citus distributes it then as its parent is. So <see cref="Partitions"/> works the same either way.
/// </remarks>
public sealed class CitusDistribution
{
    /// <summary>More shards than lanes would stay empty.</summary>
    public const int MaxShards = Lane.Count;

    public const int DefaultShards = 32;

    /// <summary>The first to be distributed, with whose shards all others lie: the smallest, so that a mistake is found out soon.</summary>
    const string First = "queue";

    readonly Database _database;

    internal CitusDistribution(Database database) => _database = database;

    const string TablesSql = """
        select c.relname, exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = 'lane' and not a.attisdropped)
        from pg_class c
        where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
        order by c.relname
        """;

    /// <summary>The statements for the tables that the database has now.</summary>
    /// <param name="shards">1 to <see cref="MaxShards"/>.</param>
    public async Task<IReadOnlyList<DistributionStep>> PlanAsync(int shards, CancellationToken cancel)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(shards, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(shards, MaxShards);
        var tables = await _database.ReadAsync(ReadTablesAsync, cancel);
        var directory = MovedTables.All.Where(table => !table.IsTenants).Select(table => table.Name).ToHashSet();
        return
        [
            .. tables.Where(table => directory.Contains(table.Name))
                .Select(table => new DistributionStep(table.Name, $"select create_reference_table('{table.Name}');")),
            .. tables.Where(table => table.HasLane).OrderBy(table => table.Name != First)
                .Select(table => new DistributionStep(table.Name, DistributeSql(table.Name, shards))),
        ];
    }

    static string DistributeSql(string table, int shards) => table == First
        ? string.Create(
            CultureInfo.InvariantCulture,
            $"select create_distributed_table('{table}', 'lane', colocate_with => 'none', shard_count => {shards});")
        : $"select create_distributed_table('{table}', 'lane', colocate_with => '{First}');";

    static async Task<List<(string Name, bool HasLane)>> ReadTablesAsync(NpgsqlConnection connection)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(TablesSql);
        return await batch.ReadAllAsync(row => (row.GetString(0), row.GetBoolean(1)));
    }

    const string IsDistributedSql = """
        select 1 from pg_dist_partition
        where logicalrelid = to_regclass(@table)
        """;

    /// <summary>
    /// Runs the statements, those that were run before excepted: each in a transaction of its own, so it may be interrupted and repeated.
    /// </summary>
    /// <param name="tell">Told of each table before its turn; large ones take a while.</param>
    /// <exception cref="StoreUnavailableException">The database has no Citus.</exception>
    public async Task DistributeAsync(int shards, Action<string> tell, CancellationToken cancel)
    {
        if (!await _database.ReadAsync(Citus.IsInstalledAsync, cancel))
            throw new StoreUnavailableException(await _database.ReadAsync(Citus.IsAvailableAsync, cancel)
                ? "The extension citus is not installed in this database; a superuser runs: create extension citus;"
                : "This server has no extension citus.");
        foreach (var (table, sql) in await PlanAsync(shards, cancel))
        {
            var isNew = await _database.WriteAsync(connection => DistributeAsync(connection, table, sql), cancel);
            tell(isNew ? $"{table}: distributed" : $"{table}: was distributed already");
        }
    }

    static async Task<bool> DistributeAsync(NpgsqlConnection connection, string table, string sql)
    {
        await using var before = new NpgsqlBatch(connection);
        before.Add(IsDistributedSql).With("table", NpgsqlDbType.Text, table);
        if ((await before.ReadAllAsync(row => row.GetInt32(0))).Count > 0)
            return false;
        // No time limit: the rows that are there go to their machines.
        await using var batch = new NpgsqlBatch(connection) { Timeout = 0 };
        batch.Add(sql);
        await batch.ExecuteNonQueryAsync(CancellationToken.None);
        return true;
    }
}
