using Microsoft.Extensions.Logging;
using Npgsql;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres;

/// <summary>
/// Looks after tables that change faster than the server's autovacuum comes, which is once a minute: the queue, which in that time may go
/// from empty to a million rows and back, and the month's partitions, which begin empty.
/// </summary>
/// <remarks>
/// Vacuum: each message leaves a dead entry at the very beginning of the index that claims read, and every claim steps over all of them.
/// Analyze: the planner plans by reading the whole lane for each row of a group where it takes a lane for next to nothing. It does so
/// before a table was first analyzed, and after a vacuum that found the queue empty and could not give its pages back because somebody
/// was working on it; no form of an update keeps it from that, for a look-up never seems cheaper than reading a table of one row. So those
/// pages are given back as soon as nobody works on them, before the next burst. One node at a time does it, and none where its role does
/// not own the table. Nothing is lost when nobody does.
/// </remarks>
sealed class TableUpkeep(Database database, TimeProvider time, ILogger log) : IAsyncDisposable
{
    /// <summary>As often as PostgreSQL's own counts of rows are renewed.</summary>
    static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    readonly CancellationTokenSource _stop = new();
    Task _running = Task.CompletedTask;
    QueueCounts? _before;
    long _leftBehind;

    /// <param name="Estimated">Rows that the planner believes in; null when it has nothing to go by, and assumes full pages.</param>
    /// <param name="VacuumedAt">By the server's clock.</param>
    readonly record struct QueueCounts(long Dead, long Live, long Pages, double? Estimated, DateTimeOffset? VacuumedAt)
    {
        /// <summary>
        /// Ten thousand dead rows are some three thousand messages; of a long queue all indexes are read, so it has to be worth it. What a
        /// vacuum had to leave, because somebody's old snapshot may still see it, the next one would leave too.
        /// </summary>
        public bool IsWorthVacuum(long leftBehind) => Dead > 10_000 + (Live / 50) + (2 * leftBehind);

        /// <summary>
        /// Empty, with pages believed to be so: a full one holds some thirty rows. Not while an old snapshot keeps what is dead, nor again
        /// before somebody has used the queue: a vacuum that could not give the pages back a second ago would hardly now.
        /// </summary>
        public bool HasPagesToGiveBack(long leftBehind) => Live == 0 && Dead > 0 && leftBehind == 0 && Estimated < Pages;

        /// <summary>Too high an estimate does no harm.</summary>
        public bool IsUnderestimated => Estimated is { } estimated && Live > 200 + (4 * estimated);
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
                    log.TablesNotLookedAfter(e);
            }
        }
    }

    const string CountsSql = """
        -- The estimate is the planner's own: rows a page as they were last counted, and the pages of now.
        select s.n_dead_tup, s.n_live_tup, p.pages,
            case when c.reltuples >= 0 and c.relpages > 0 then c.reltuples::double precision / c.relpages * p.pages end,
            s.last_vacuum
        from pg_stat_user_tables s
        join pg_class c on c.oid = s.relid
        cross join lateral (select pg_relation_size(c.oid) / current_setting('block_size')::integer as pages) p
        where s.relid = 'queue'::regclass and pg_has_role(c.relowner, 'usage')
        """;

    const string VacuumSql = """
        vacuum (skip_locked, index_cleanup on, analyze) queue
        """;

    const string UnknownSql = """
        -- Some hundreds of rows: about where the planner's mistakes begin to be felt. Sizes, for counts of rows come a second late.
        select quote_ident(c.relname)
        from pg_stat_user_tables s
        join pg_class c on c.oid = s.relid
        where current_setting('track_counts')::boolean and s.last_analyze is null and s.last_autoanalyze is null and pg_relation_size(s.relid) > 65536 and pg_has_role(c.relowner, 'usage')
            and (s.relid = 'queue'::regclass or s.relid in (
                select inhrelid from pg_inherits where inhparent in (
                    'message'::regclass, 'message_category'::regclass, 'recipient'::regclass, 'event'::regclass, 'content'::regclass)))
        """;

    static string AnalyzeSql(string table) => $"analyze (skip_locked) {table}";

    /// <returns>Whether there was something to do.</returns>
    internal async Task<bool> LookAfterAsync(CancellationToken cancel)
    {
        // Not by the ways of reads and writes: a vacuum is a transaction of its own, takes its time and is not run again.
        await using var connection = await database.OpenReaderAsync(cancel);
        var todo = new List<string>();
        if (await QueryAsync(connection, CountsSql, Read) is [var counts])
        {
            if (_before is { } before && counts.VacuumedAt != before.VacuumedAt)
                _leftBehind = counts.Dead;      // by this node's vacuum or another's
            _leftBehind = Math.Min(_leftBehind, counts.Dead);       // autovacuum's may have taken it since
            _before = counts;
            if (counts.IsWorthVacuum(_leftBehind) || counts.HasPagesToGiveBack(_leftBehind))
                todo.Add(VacuumSql);
            else if (counts.IsUnderestimated)
                todo.Add(AnalyzeSql("queue"));
        }
        if (todo.Count == 0)
            todo.AddRange((await QueryAsync(connection, UnknownSql, static row => row.GetString(0))).Select(AnalyzeSql));
        foreach (var sql in todo)
            await RunAloneAsync(connection, sql, cancel);
        return todo.Count > 0;
    }

    static async Task<List<T>> QueryAsync<T>(NpgsqlConnection connection, string sql, Func<NpgsqlDataReader, T> read)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(sql);
        return await batch.ReadAllAsync(read);
    }

    static QueueCounts Read(NpgsqlDataReader row) =>
        new(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.IsDBNull(3) ? null : row.GetDouble(3), row.TimeOrNull(4));

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
