using Microsoft.Extensions.Logging;
using Npgsql;
using Postrider.Engine.Messages;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Queue;

/// <summary>
/// Looks after the queue, which in a minute may go from empty to a million rows and back, while the server's autovacuum comes once in that time.
/// </summary>
/// <remarks>
/// Vacuum: each message leaves a dead entry at the very beginning of the index that claims read, and every claim steps over all of them.
/// Analyze: a vacuum that finds the queue empty, and cannot give its pages back because somebody is working on it, tells the planner that they hold
/// nothing. As they fill it goes on to believe so, and plans by reading the whole lane for each row of a group. That is found out here before it
/// is dear; too high an estimate does no harm.
/// One node at a time: PostgreSQL passes over a table that another is vacuuming. Nothing is lost when none does.
/// </remarks>
sealed class QueueUpkeep : IAsyncDisposable
{
    /// <summary>As often as PostgreSQL's own counts of rows are renewed.</summary>
    static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Ten million rows take some seconds. A guess.</summary>
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    readonly Database _database;
    readonly TimeProvider _time;
    readonly ILogger _log;
    readonly CancellationTokenSource _stop = new();
    readonly Task _running;

    public QueueUpkeep(Database database, TimeProvider time, ILogger log)
    {
        (_database, _time, _log) = (database, time, log);
        _running = RunAsync();
    }

    async Task RunAsync()
    {
        using var timer = new PeriodicTimer(Interval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                try
                {
                    await _database.ReadAsync(connection => LookAfterAsync(connection, _stop.Token), _stop.Token);
                }
                catch (Exception e) when (e is NpgsqlException or StoreUnavailableException)
                {
                    _log.QueueNotLookedAfter(e is StoreUnavailableException ? null : e);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Closed.
        }
    }

    const string StateSql = """
        -- Ten thousand dead rows are some three thousand messages; of a long queue all indexes are read, so it has to be worth it. The estimate is
        -- the planner's own: rows a page as they were last counted, and the pages of now.
        select s.n_dead_tup > 10000 + s.n_live_tup / 50,
            c.relpages > 0 and s.n_live_tup > 200 + 4 * c.reltuples / c.relpages * (pg_relation_size(c.oid) / current_setting('block_size')::integer)
        from pg_stat_user_tables s
        join pg_class c on c.oid = s.relid
        where s.relid = 'queue'::regclass
        """;

    const string VacuumSql = """
        vacuum (skip_locked, analyze) queue
        """;

    const string AnalyzeSql = """
        analyze (skip_locked) queue
        """;

    /// <summary>Not in a transaction: a vacuum is one of its own.</summary>
    /// <returns>Whether there was something to do.</returns>
    internal static async Task<bool> LookAfterAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using var looking = new NpgsqlBatch(connection);
        looking.Add(StateSql);
        if (await looking.ReadAllAsync(static row => (IsFull: row.GetBoolean(0), IsMisjudged: row.GetBoolean(1))) is not [var state])
            return false;
        if (!state.IsFull && !state.IsMisjudged)
            return false;
        await using var work = new NpgsqlCommand(state.IsFull ? VacuumSql : AnalyzeSql, connection) { CommandTimeout = (int)Patience.TotalSeconds };
        await work.ExecuteNonQueryAsync(cancel);
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }
}
