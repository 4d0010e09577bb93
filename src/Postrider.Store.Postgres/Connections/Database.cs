using System.Diagnostics;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Postrider.Store.Postgres.Connections;

/// <summary>The connections: a pool for reading, one for rare writes and for what the group writers hold, and one that listens.</summary>
/// <remarks>A connection that broke is replaced by the next one who needs it: nobody has to notice that the server is back.</remarks>
sealed class Database : IAsyncDisposable
{
    /// <summary>Reads run again on a new connection when theirs was cut: after a restart the pool is full of dead ones.</summary>
    const int ReadAttempts = 3;
    const int WriteAttempts = 8;

    /// <summary>
    /// A node whose machine vanished, or which stands still, in the middle of a transaction keeps its rows locked until the server ends it.
    /// Well within a lease, so that the others find the rows free when they take them over.
    /// </summary>
    const string NoIdleTransactions = "-c idle_in_transaction_session_timeout=15000";

    /// <summary>
    /// Rows are looked up in other tables one by one, whatever the statistics say of a table that was empty a moment ago: a plan that joins
    /// whole tables takes seconds where a seek for each row takes milliseconds.
    /// </summary>
    const string SeeksInJoins = "-c jit=off -c enable_hashjoin=off -c enable_mergejoin=off -c enable_material=off";

    /// <summary>Faults of an outage that are not told after one that was. A guess.</summary>
    static readonly TimeSpan Quiet = TimeSpan.FromSeconds(10);

    readonly NpgsqlDataSource _readers;
    readonly NpgsqlDataSource _listeners;
    readonly PostgresStoreOptions _options;
    NpgsqlDataSource _writers;
    readonly ILogger _log;
    long _statements;
    long _toldAt;

    public Database(PostgresStoreOptions options, ILogger log)
    {
        (_options, _log) = (options, log);
        // One that wants to be alone has a name of its own, to tell its sessions from others'.
        ApplicationName = options.Alone ? $"{Sessions.Name} {RandomNumberGenerator.GetHexString(8)}" : Sessions.Name;
        var reading = Settings(options.Readers, options.ReadTimeout, SeeksInJoins);
        // A read leaves nothing behind in its session; to reset it would be seven statements before each one.
        reading.NoResetOnClose = true;
        _readers = Create(reading);
        var listening = Settings(1, options.ReadTimeout, "");
        listening.Pooling = false;          // closed when it is given back: another's reads have no use for what it listens to
        _listeners = Create(listening);
        _writers = Create(WriterSettings("force_generic_plan"));
    }

    /// <summary>What its sessions are called in <c>pg_stat_activity</c>.</summary>
    public string ApplicationName { get; }

    /// <summary>Statements sent so far, for the bench: what a message costs.</summary>
    public long Statements => Volatile.Read(ref _statements);

    /// <summary>Before it is, whoever opens it tells what went wrong.</summary>
    public bool IsOpen { get; set; }

    public void Count(int statements) => Interlocked.Add(ref _statements, statements);

    public ValueTask<NpgsqlConnection> OpenReaderAsync(CancellationToken cancel) => _readers.OpenConnectionAsync(cancel);

    public ValueTask<NpgsqlConnection> OpenListenerAsync(CancellationToken cancel) => _listeners.OpenConnectionAsync(cancel);

    public ValueTask<NpgsqlConnection> OpenWriterAsync(CancellationToken cancel) => _writers.OpenConnectionAsync(cancel);

    /// <exception cref="Engine.Messages.StoreUnavailableException">The database is away.</exception>
    public Task<T> ReadAsync<T>(Func<NpgsqlConnection, Task<T>> read, CancellationToken cancel) => RepeatAsync(_readers, read, cancel);

    /// <summary>
    /// A write of single statements, each its own transaction, that may be done twice: with a writer's plans and time-outs, and run again
    /// as reads are.
    /// </summary>
    /// <exception cref="Engine.Messages.StoreUnavailableException">It may or may not have been done.</exception>
    public Task<T> WriteRepeatablyAsync<T>(Func<NpgsqlConnection, Task<T>> write, CancellationToken cancel) =>
        RepeatAsync(_writers, write, cancel);

    async Task<T> RepeatAsync<T>(NpgsqlDataSource source, Func<NpgsqlConnection, Task<T>> work, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
        {
            cancel.ThrowIfCancellationRequested();
            try
            {
                await using var connection = await source.OpenConnectionAsync(cancel);
                return await work(connection);
            }
            catch (Exception e) when (PostgresFault.IsUnavailable(e))
            {
                // Who has waited for an answer that did not come shall not wait again.
                if (attempt == ReadAttempts || PostgresFault.ReachOf(e) == FaultReach.Server || PostgresFault.IsTimeout(e))
                    throw Unavailable(e);
            }
        }
    }

    /// <summary>A rare write, in its own transaction, run again after a deadlock.</summary>
    /// <exception cref="Engine.Messages.StoreUnavailableException">It may or may not have been done.</exception>
    public async Task<T> WriteAsync<T>(Func<NpgsqlConnection, Task<T>> write, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
        {
            cancel.ThrowIfCancellationRequested();
            try
            {
                await using var connection = await _writers.OpenConnectionAsync(cancel);
                await using var transaction = await connection.BeginTransactionAsync(CancellationToken.None);
                var result = await write(connection);
                await transaction.CommitAsync(CancellationToken.None);
                return result;
            }
            catch (Exception e) when (PostgresFault.ReachOf(e) == FaultReach.Retry && attempt < WriteAttempts)
            {
                // Rolled back: again.
            }
            catch (Exception e) when (PostgresFault.IsUnavailable(e))
            {
                throw Unavailable(e);
            }
        }
    }

    /// <summary>
    /// Before the first write, on a Citus cluster: a statement goes to the machine of its lane, which a plan for any lane does not know.
    /// Citus refuses such plans where they are forced.
    /// </summary>
    public async ValueTask PlanEachStatementAsync()
    {
        await _writers.DisposeAsync();
        _writers = Create(WriterSettings("auto"));
    }

    /// <summary>
    /// Every statement of a writer seeks; one plan serves all groups.
    /// synchronous_commit: an accepted message is on disk, also where the server's own default is not to wait for it.
    /// </summary>
    NpgsqlConnectionStringBuilder WriterSettings(string planCacheMode) => Settings(
        100, _options.CommandTimeout,
        $"{NoIdleTransactions} {SeeksInJoins} -c enable_seqscan=off -c plan_cache_mode={planCacheMode} -c synchronous_commit=on");

    /// <summary>
    /// What callers are told while the database is away. Why is logged here and nowhere else, and not for every one of them: an outage is
    /// some lines every few seconds, however many ask.
    /// </summary>
    public Engine.Messages.StoreUnavailableException Unavailable(Exception cause)
    {
        var told = Volatile.Read(ref _toldAt);
        if (IsOpen && (told == 0 || Stopwatch.GetElapsedTime(told) >= Quiet)
            && Interlocked.CompareExchange(ref _toldAt, Stopwatch.GetTimestamp(), told) == told)
            _log.DatabaseAway(cause, Quiet);
        return PostgresFault.Unavailable(cause);
    }

    public async ValueTask DisposeAsync()
    {
        await _readers.DisposeAsync();
        await _listeners.DisposeAsync();
        await _writers.DisposeAsync();
    }

    /// <summary>Of several hosts the one that takes writes is looked for anew whenever a connection is made.</summary>
    static NpgsqlDataSource Create(NpgsqlConnectionStringBuilder settings)
    {
        if (settings.Host?.Contains(',', StringComparison.Ordinal) != true)
            return NpgsqlDataSource.Create(settings);
        settings.TargetSessionAttributes = null;        // a data source is told so in code
        return new NpgsqlDataSourceBuilder(settings.ConnectionString).BuildMultiHost().WithTargetSession(TargetSessionAttributes.ReadWrite);
    }

    NpgsqlConnectionStringBuilder Settings(int pool, TimeSpan timeout, string serverOptions)
    {
        var settings = new NpgsqlConnectionStringBuilder(_options.ConnectionString)
        {
            MaxPoolSize = pool,
            Timeout = (int)Math.Max(1, _options.ConnectTimeout.TotalSeconds),
            CommandTimeout = (int)Math.Max(1, timeout.TotalSeconds),
            // Every statement of the store is prepared at its first use; 64 lanes share one text.
            MaxAutoPrepare = 100,
            AutoPrepareMinUsages = 1,
            ApplicationName = ApplicationName,
            KeepAlive = 30,
            // How long a standby that was promoted, or a primary that came back, is still taken for what it was.
            HostRecheckSeconds = 2,
        };
        settings.Options = string.IsNullOrEmpty(settings.Options) ? serverOptions : $"{settings.Options} {serverOptions}";
        return settings;
    }
}
