using System.Globalization;
using Postrider.Bench.Machine;
using Postrider.Testing;

namespace Postrider.Bench.Products;

/// <summary>What the database had done at one moment, by its own count.</summary>
/// <param name="Statements">Begin and commit among them; pg_stat_statements.</param>
/// <param name="Commits">Transactions that wrote: each waits for the log to reach the disk, some at once for the same fsync.</param>
/// <param name="LogOctets">Of the write-ahead log.</param>
/// <param name="Octets">Of the database's files.</param>
/// <param name="Connections">Those that nodes have open at that moment.</param>
sealed record DatabaseWork(long Statements, long Commits, long LogOctets, long Octets, int Connections, TimeSpan Cpu);

/// <summary>A PostgreSQL 15 of one installation's own, as durable as it comes: fsync and synchronous_commit are on.</summary>
sealed class PostgresServer : IAsyncDisposable
{
    const string Name = "postrider";

    /// <summary>docs/operate/scale.md recommends the same, and says why; all else is at Debian's defaults.</summary>
    const string Settings = """
        -c shared_buffers=1GB -c max_wal_size=8GB -c checkpoint_timeout=15min -c wal_compression=lz4 -c max_connections=200
        -c shared_preload_libraries=pg_stat_statements
        """;

    readonly PostgresCluster _cluster;

    PostgresServer(PostgresCluster cluster) => _cluster = cluster;

    public string Address => _cluster.Address(Name);

    public int ProcessId => _cluster.ProcessId;

    /// <summary>What its processes hold together, shared memory counted once.</summary>
    public long MemoryOctets => ProcessStats.ProportionalOctets([ProcessId]);

    public static async Task<PostgresServer> StartAsync(CancellationToken cancel)
    {
        try
        {
            var cluster = await PostgresCluster.StartAsync(durable: true, Settings.ReplaceLineEndings(" "), cancel);
            try
            {
                await cluster.CreateDatabaseAsync(Name, cancel: cancel);
                await cluster.QueryAsync(Name, "create extension pg_stat_statements", cancel);
                return new(cluster);
            }
            catch
            {
                await cluster.DisposeAsync();
                throw;
            }
        }
        catch (InvalidOperationException e)
        {
            throw new BenchFault(e.Message, e);
        }
    }

    // An id of the next transaction is counted up by every one that writes, and by none that only reads.
    const string WorkSql = """
        select (select sum(calls) from pg_stat_statements)::bigint,
            pg_snapshot_xmax(pg_current_snapshot()),
            pg_current_wal_insert_lsn() - '0/0',
            pg_database_size(current_database()),
            (select count(*) from pg_stat_activity where application_name = 'postrider')
        """;

    public async Task<DatabaseWork> ReadWorkAsync(CancellationToken cancel)
    {
        var fields = (await _cluster.QueryAsync(Name, WorkSql, cancel)).Trim().Split('|');
        long Field(int number) => long.Parse(fields[number], CultureInfo.InvariantCulture);
        return new(Field(0), Field(1), Field(2), Field(3), (int)Field(4), ProcessStats.Cpu([ProcessId]));
    }

    const string StatementsSql = """
        select calls, round(total_exec_time::numeric), left(regexp_replace(regexp_replace(query, '--[^\n]*', '', 'g'), '\s+', ' ', 'g'), 90)
        from pg_stat_statements
        order by total_exec_time desc
        limit 20
        """;

    /// <summary>Those that took longest: calls, milliseconds altogether, how they begin; a line each.</summary>
    public Task<string> DescribeStatementsAsync(CancellationToken cancel) => _cluster.QueryAsync(Name, StatementsSql, cancel);

    /// <summary>Begins to count them anew.</summary>
    public Task ForgetStatementsAsync(CancellationToken cancel) => _cluster.QueryAsync(Name, "select pg_stat_statements_reset()", cancel);

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();
}
