using System.Security.Cryptography;
using Npgsql;

namespace Postrider.Store.Postgres.Connections;

/// <summary>The connections: a pool for reading, one for rare writes and for what the group writers hold, and one that listens.</summary>
/// <remarks>A connection that broke is replaced by the next one who needs it: nobody has to notice that the server is back.</remarks>
sealed class Database : IAsyncDisposable
{
    /// <summary>Reads run again on a new connection when theirs was cut: after a restart the pool is full of dead ones.</summary>
    const int ReadAttempts = 3;
    const int WriteAttempts = 8;

    readonly NpgsqlDataSource _readers;
    readonly NpgsqlDataSource _listeners;
    readonly PostgresStoreOptions _options;
    NpgsqlDataSource _writers;
    long _statements;

    public Database(PostgresStoreOptions options)
    {
        // One that wants to be alone has a name of its own, to tell its sessions from others'.
        ApplicationName = options.Alone ? $"{Sessions.Name} {RandomNumberGenerator.GetHexString(8)}" : Sessions.Name;
        // A read leaves nothing behind in its session, so nothing need be reset: that would be seven statements before each one.
        _readers = NpgsqlDataSource.Create(Settings(options, options.Readers, "-c jit=off") + ";No Reset On Close=true");
        // Closed when it is given back: another's reads have no use for what it listens to.
        _listeners = NpgsqlDataSource.Create(Settings(options, 1, "") + ";Pooling=false");
        _options = options;
        _writers = NpgsqlDataSource.Create(WriterSettings("force_generic_plan"));
    }

    /// <summary>What its sessions are called in <c>pg_stat_activity</c>.</summary>
    public string ApplicationName { get; }

    /// <summary>Statements sent so far, for the bench: what a message costs.</summary>
    public long Statements => Volatile.Read(ref _statements);

    public void Count(int statements) => Interlocked.Add(ref _statements, statements);

    public ValueTask<NpgsqlConnection> OpenReaderAsync(CancellationToken cancel) => _readers.OpenConnectionAsync(cancel);

    public ValueTask<NpgsqlConnection> OpenListenerAsync(CancellationToken cancel) => _listeners.OpenConnectionAsync(cancel);

    public ValueTask<NpgsqlConnection> OpenWriterAsync(CancellationToken cancel) => _writers.OpenConnectionAsync(cancel);

    /// <exception cref="Engine.Messages.StoreUnavailableException">The database is away.</exception>
    public async Task<T> ReadAsync<T>(Func<NpgsqlConnection, Task<T>> read, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
        {
            cancel.ThrowIfCancellationRequested();
            try
            {
                await using var connection = await _readers.OpenConnectionAsync(cancel);
                return await read(connection);
            }
            catch (Exception e) when (PostgresFault.IsUnavailable(e))
            {
                if (attempt == ReadAttempts || PostgresFault.ReachOf(e) == FaultReach.Server)
                    throw PostgresFault.Unavailable(e);
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
                throw PostgresFault.Unavailable(e);
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
        _writers = NpgsqlDataSource.Create(WriterSettings("auto"));
    }

    /// <summary>
    /// Every statement of a writer seeks, whatever the statistics say of a table that was empty a moment ago; one plan serves all groups.
    /// synchronous_commit: an accepted message is on disk, also where the server's own default is not to wait for it.
    /// </summary>
    string WriterSettings(string planCacheMode) => Settings(
        _options, 100,
        $"-c jit=off -c plan_cache_mode={planCacheMode} -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off "
            + "-c enable_material=off -c synchronous_commit=on");

    public async ValueTask DisposeAsync()
    {
        await _readers.DisposeAsync();
        await _listeners.DisposeAsync();
        await _writers.DisposeAsync();
    }

    string Settings(PostgresStoreOptions options, int pool, string serverOptions)
    {
        var settings = new NpgsqlConnectionStringBuilder(options.ConnectionString)
        {
            MaxPoolSize = pool,
            Timeout = (int)Math.Max(1, options.ConnectTimeout.TotalSeconds),
            CommandTimeout = (int)Math.Max(1, options.CommandTimeout.TotalSeconds),
            // Every statement of the store is prepared at its first use; 64 lanes share one text.
            MaxAutoPrepare = 100,
            AutoPrepareMinUsages = 1,
            ApplicationName = ApplicationName,
            KeepAlive = 30,
        };
        settings.Options = string.IsNullOrEmpty(settings.Options) ? serverOptions : $"{settings.Options} {serverOptions}";
        return settings.ConnectionString;
    }
}
