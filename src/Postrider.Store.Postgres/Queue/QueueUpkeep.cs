using Microsoft.Extensions.Logging;
using Npgsql;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Queue;

/// <summary>
/// Looks after the queue, which in a minute may go from empty to a million rows and back, while the server's autovacuum comes once in that
/// time.
/// </summary>
/// <remarks>
/// Vacuum: each message leaves a dead entry at the very beginning of the index that claims read, and every claim steps over all of them.
/// Analyze: a vacuum that finds the queue empty, and cannot give its pages back because somebody is working on it, tells the planner that
/// they hold nothing. As they fill it goes on to believe so, and plans by reading the whole lane for each row of a group. One node at a
/// time does it, and none where its role does not own the table. Nothing is lost when nobody does.
/// </remarks>
sealed class QueueUpkeep(Database database, TimeProvider time, ILogger log) : IAsyncDisposable
{
    /// <summary>As often as PostgreSQL's own counts of rows are renewed.</summary>
    static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    readonly CancellationTokenSource _stop = new();
    Task _running = Task.CompletedTask;
    QueueCounts? _before;
    long _leftBehind;

    /// <param name="Estimated">
    /// Rows that the planner believes in; null when it has nothing to go by. It assumes full pages then, and one row of each tenant.
    /// </param>
    /// <param name="VacuumedAt">By the server's clock.</param>
    readonly record struct QueueCounts(long Dead, long Live, double? Estimated, DateTimeOffset? VacuumedAt)
    {
        /// <summary>
        /// Ten thousand dead rows are some three thousand messages; of a long queue all indexes are read, so it has to be worth it. What a
        /// vacuum had to leave, because somebody's old snapshot may still see it, the next one would leave too.
        /// </summary>
        public bool IsWorthVacuum(long leftBehind) => Dead > 10_000 + (Live / 50) + (2 * leftBehind);

        /// <summary>Too high an estimate does no harm.</summary>
        public bool IsUnderestimated => Live > 200 + (4 * (Estimated ?? 0));
    }

    public void Start() => _running = RunAsync();

    async Task RunAsync()
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await timer.WaitForNextTickAsync(_stop.Token);
                await LookAfterAsync(_stop.Token);
            }
            catch (Exception e)
            {
                // While the database is away others say so.
                if (!_stop.IsCancellationRequested && !PostgresFault.IsUnavailable(e))
                    log.QueueNotLookedAfter(e);
            }
        }
    }

    const string CountsSql = """
        -- The estimate is the planner's own: rows a page as they were last counted, and the pages of now.
        select s.n_dead_tup, s.n_live_tup,
            case when c.reltuples >= 0 and c.relpages > 0
                then c.reltuples::double precision / c.relpages * (pg_relation_size(c.oid) / current_setting('block_size')::integer) end,
            s.last_vacuum
        from pg_stat_user_tables s
        join pg_class c on c.oid = s.relid
        where s.relid = 'queue'::regclass and pg_has_role(c.relowner, 'usage')
        """;

    const string VacuumSql = """
        vacuum (skip_locked, index_cleanup on, analyze) queue
        """;

    const string AnalyzeSql = """
        analyze (skip_locked) queue
        """;

    /// <returns>Whether there was something to do.</returns>
    internal async Task<bool> LookAfterAsync(CancellationToken cancel)
    {
        // Not by the ways of reads and writes: a vacuum is a transaction of its own, takes its time and is not run again.
        await using var connection = await database.OpenReaderAsync(cancel);
        await using var looking = new NpgsqlBatch(connection);
        looking.Add(CountsSql);
        if (await looking.ReadAllAsync(Read) is not [var counts])
            return false;
        if (_before is { } before && counts.VacuumedAt != before.VacuumedAt)
            _leftBehind = counts.Dead;      // by this node's vacuum or another's
        _before = counts;
        if (counts.IsWorthVacuum(_leftBehind))
            await RunAloneAsync(connection, VacuumSql, cancel);
        else if (counts.IsUnderestimated)
            await RunAloneAsync(connection, AnalyzeSql, cancel);
        else
            return false;
        return true;
    }

    static QueueCounts Read(NpgsqlDataReader row) =>
        new(row.GetInt64(0), row.GetInt64(1), row.IsDBNull(2) ? null : row.GetDouble(2), row.TimeOrNull(3));

    const string TryLockSql = """
        select pg_try_advisory_lock(@lock)
        """;

    const string UnlockSql = """
        select pg_advisory_unlock(@lock)
        """;

    const long Lock = 0x706F_7374_7269_6403;

    /// <summary>PostgreSQL would pass over a table that another node is vacuuming, and warn of it in its log each time.</summary>
    static async Task RunAloneAsync(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        if (!await AskAsync(connection, TryLockSql))
            return;
        try
        {
            await using var work = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
            await work.ExecuteNonQueryAsync(cancel);
        }
        finally
        {
            await AskAsync(connection, UnlockSql);
        }
    }

    static async Task<bool> AskAsync(NpgsqlConnection connection, string sql)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(sql).With("lock", NpgsqlTypes.NpgsqlDbType.Bigint, Lock);
        return await batch.ReadAllAsync(static row => row.GetBoolean(0)) is [true];
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }
}
