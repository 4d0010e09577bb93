using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres;

/// <summary>
/// The monthly partitions of what belongs to a message. They are made ahead of time and attached, which hinders no reader and no writer,
/// and dropped whole by retention, which costs nothing however much they hold.
/// </summary>
sealed class Partitions(Database database, ILogger log)
{
    /// <summary>Two nodes do not make or drop partitions at once.</summary>
    public const long Lock = 0x706F_7374_7269_6402;

    /// <param name="Settings">
    /// message and recipient: what settles is updated once, in place where the page has room. content: a body of up to a page stays in its
    /// row rather than in a table of its own behind an index. Vacuum of what is only appended to waits for what is worth it: PostgreSQL's
    /// defaults.
    /// </param>
    readonly record struct Partitioned(string Table, string Settings);

    static readonly Partitioned[] Tables =
    [
        new("message", "fillfactor = 85"),
        new("message_category", "fillfactor = 100"),
        new("recipient", "fillfactor = 85"),
        new("event", "fillfactor = 100"),
        new("content", "toast_tuple_target = 8160"),
    ];

    const string LockSql = """
        select pg_advisory_xact_lock(@lock)
        """;

    const string ExistingSql = """
        select p.relname, c.relname
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        join pg_class p on p.oid = i.inhparent
        where p.relname = any(@tables) and p.relnamespace = current_schema()::regnamespace
        """;

    /// <returns>How many were made.</returns>
    public Task<int> EnsureAsync(Month first, Month last, CancellationToken cancel) => database.WriteAsync(
        async connection =>
        {
            await LockAsync(connection);
            var existing = (await ExistingAsync(connection)).ToHashSet();
            var made = 0;
            for (var month = first; month.CompareTo(last) <= 0; month = month.Next)
            {
                foreach (var table in Tables.Where(table => !existing.Contains((table.Table, month))))
                {
                    await MakeAsync(connection, table, month);
                    made++;
                }
                if (made > 0)
                    log.PartitionsMade(month.ToString());
            }
            return made;
        },
        cancel);

    public Task<List<(string Table, Month Month)>> ExistingAsync(CancellationToken cancel) => database.ReadAsync(ExistingAsync, cancel);

    /// <summary>
    /// Drops a month, and with it its messages, whatever became of those. It goes under a lock on its table that nobody may hold up for
    /// long; where a long read does, it is left for the next time.
    /// </summary>
    /// <param name="mayGo">Asked behind that lock: what was written before it is seen, and nothing is written after.</param>
    /// <returns>False when it was left.</returns>
    public async Task<bool> DropAsync(string table, Month month, Func<NpgsqlConnection, Task<bool>> mayGo, CancellationToken cancel)
    {
        try
        {
            var dropped = await database.WriteAsync(
                async connection =>
                {
                    await LockAsync(connection);
                    await ExecuteAsync(connection, $"set local lock_timeout = '2s'; lock table only {table} in access exclusive mode");
                    if (!await mayGo(connection))
                        return false;
                    await ExecuteAsync(connection, $"drop table if exists {table}_{month}");
                    return true;
                },
                cancel);
            if (!dropped)
                return false;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            return false;
        }
        log.PartitionDropped(table, month.ToString());
        return true;
    }

    /// <summary>
    /// Made beside the table and attached then: <c>create table … partition of</c> would lock out all readers and writers.
    /// </summary>
    static async Task MakeAsync(NpgsqlConnection connection, Partitioned table, Month month)
    {
        var name = $"{table.Table}_{month}";
        await ExecuteAsync(connection, $"create table {name} (like {table.Table} including all) with ({table.Settings})");
        await ExecuteAsync(
            connection,
            $"alter table {table.Table} attach partition {name} for values from ('{month.FirstId}') to ('{month.Next.FirstId}')");
    }

    static async Task LockAsync(NpgsqlConnection connection)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(LockSql).With("lock", NpgsqlDbType.Bigint, Lock);
        await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }

    static async Task<List<(string Table, Month Month)>> ExistingAsync(NpgsqlConnection connection)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(ExistingSql).WithAll("tables", NpgsqlDbType.Text, [.. Tables.Select(table => table.Table)]);
        var existing = new List<(string, Month)>();
        foreach (var (table, partition) in await batch.ReadAllAsync(row => (Table: row.GetString(0), Partition: row.GetString(1))))
        {
            if (partition.Length > table.Length && Month.TryParse(partition.AsSpan(table.Length + 1), out var month))
                existing.Add((table, month));
        }
        return existing;
    }

    /// <remarks>Names of tables and months only: nothing from outside.</remarks>
    static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Built from the constants above.
        command.CommandText = sql;
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }
}
