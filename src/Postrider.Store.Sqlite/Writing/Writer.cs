using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Postrider.Engine.Messages;
using Postrider.Store.Sqlite.Connections;

namespace Postrider.Store.Sqlite.Writing;

/// <summary>
/// The one writer: a thread of its own with its own connection. It takes all writes that wait, runs them in one transaction, commits, and
/// only then lets their callers go on. While it commits the next ones gather, so the busier the store, the more each fsync carries.
/// </summary>
/// <remarks>
/// A write that throws harms only its own caller: the transaction is rolled back and each of its writes is run again alone. When the fault
/// is the machine's (disk full, read or write error) every caller of the transaction gets <see cref="StoreUnavailableException"/>, and the
/// writer goes on with the next group, on a new connection where the old one may be spoiled. After a crash, what was committed is there
/// and what was not is gone: SQLite's WAL with synchronous=full, an fsync a commit.
/// </remarks>
sealed class Writer : IDisposable
{
    readonly SqliteStoreOptions _options;
    readonly IdGenerator _ids;
    readonly ILogger _log;
    readonly WriteQueue _queue;
    readonly Checkpointer? _checkpointer;
    readonly CounterDeltas _counters;
    readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    WriteSession? _session;
    long _writes;
    long _refusedAt;
    long _refusalToldAt;

    /// <param name="checkpointer">Null when another process, the server, sees to the WAL.</param>
    public Writer(SqliteStoreOptions options, Connection connection, Checkpointer? checkpointer, IdGenerator ids, ILogger log)
    {
        (_options, _ids, _log, _checkpointer) = (options, ids, log, checkpointer);
        _counters = new CounterDeltas(log);
        _queue = new WriteQueue(options.WritesWaiting);
        _session = new WriteSession(connection, _counters, ids);
        new Thread(Work) { Name = "sqlite-writer", IsBackground = true }.Start();
    }

    /// <summary>Writes wait for the next transaction. What can wait longer does then.</summary>
    public bool IsWaitedFor => !_queue.IsEmpty;

    /// <summary>Since the machine last kept a write from being committed.</summary>
    public TimeSpan SinceRefusal => Volatile.Read(ref _refusedAt) is var at and not 0 ? Stopwatch.GetElapsedTime(at) : TimeSpan.MaxValue;

    /// <summary>Writes committed since the start: how busy the store is.</summary>
    public long Writes => Volatile.Read(ref _writes);

    /// <summary>Runs <paramref name="work"/> in a transaction; its result is given once that is on disk.</summary>
    /// <param name="cancel">Gives up while it waits; a write that has begun is carried to its end.</param>
    /// <exception cref="StoreUnavailableException">Nothing was written.</exception>
    public async Task<T> RunAsync<T>(Func<WriteSession, T> work, CancellationToken cancel)
    {
        var operation = new WriteOperation<T>(work, cancel);
        await _queue.AddAsync(operation, cancel);
        return await operation.Done;
    }

    public static Connection Connect(SqliteStoreOptions options, bool make = false)
    {
        var connection = Connection.Open(options.Path, readOnly: false, options.BusyTimeout, make);
        try
        {
            connection.Execute("pragma page_size = 8192; pragma journal_mode = wal; pragma synchronous = full;");
            connection.Execute("pragma temp_store = memory; pragma secure_delete = off;");
            connection.Execute(
                $"pragma cache_size = -{options.WriterCacheOctets / 1024}; pragma journal_size_limit = {2 * options.CheckpointOctets};");
            // The server checkpoints on a thread of its own; for others SQLite's default is right.
            if (options.ServeLock)
                connection.Execute("pragma wal_autocheckpoint = 0");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    void Work()
    {
        List<WriteOperation> group = [];
        while (_queue.TakeAll(ref group))
        {
            group.RemoveAll(static operation => operation.IsGivenUp());
            for (var begin = 0; begin < group.Count;)
                begin += Commit(group, begin);
            group.Clear();
            if (_session is { } session)
                _checkpointer?.AfterCommit(session.Connection);
        }
        _ended.SetResult();
    }

    /// <returns>How many operations from <paramref name="begin"/> on are done, well or badly; at least one.</returns>
    int Commit(List<WriteOperation> group, int begin)
    {
        var (fault, ran) = TryCommit(group, begin, group.Count);
        if (fault is null)
        {
            for (var i = begin; i < begin + ran; i++)
                group[i].Committed();
        }
        else if (fault is StoreUnavailableException || ran == 1)
        {
            for (var i = begin; i < begin + ran; i++)
                group[i].Failed(fault);
        }
        else
        {
            _log.TransactionSplit(fault, ran);
            for (var i = begin; i < begin + ran; i++)
                CommitAlone(group, i);
        }
        return ran;
    }

    void CommitAlone(List<WriteOperation> group, int index)
    {
        var (fault, _) = TryCommit(group, index, index + 1);
        if (fault is null)
            group[index].Committed();
        else
            group[index].Failed(fault);
    }

    /// <summary>Told once a second at most: the log may be on the disk that is full.</summary>
    void NoteRefusal(Exception fault, int writes)
    {
        var now = Stopwatch.GetTimestamp();
        Volatile.Write(ref _refusedAt, now);
        if (_refusalToldAt != 0 && Stopwatch.GetElapsedTime(_refusalToldAt, now) < TimeSpan.FromSeconds(1))
            return;
        _refusalToldAt = now;
        _log.WriteFailed(fault, writes);
    }

    (Exception? Fault, int Ran) TryCommit(List<WriteOperation> group, int begin, int end)
    {
        var next = begin;
        try
        {
            var session = _session ??= new WriteSession(Connect(_options), _counters, _ids);
            var started = Stopwatch.GetTimestamp();
            session.Connection.CheckInPlace();
            session.Connection.Prepare("begin immediate").Run();
            do
                group[next++].Run(session);
            while (next < end && Stopwatch.GetElapsedTime(started) < _options.TransactionBudget);
            _counters.Flush(session.Connection);
            session.Connection.Prepare("commit").Run();
            Volatile.Write(ref _writes, _writes + next - begin);
            return (null, next - begin);
        }
        catch (Exception e)
        {
            RollBack(e);
            var ran = Math.Max(next - begin, 1);
            if (e is not SqliteFault { IsOurMachine: true })
                return (e, ran);
            NoteRefusal(e, ran);
            return (new StoreUnavailableException("The database cannot be written to.", e), ran);
        }
    }

    void RollBack(Exception cause)
    {
        _counters.Clear();
        var spoiled = cause is SqliteFault { SpoilsConnection: true };
        try
        {
            if (!spoiled)
                _session?.Connection.RollBack();
        }
        catch (SqliteFault)
        {
            spoiled = true;
        }
        if (!spoiled)
            return;
        _session?.Connection.Dispose();
        _session = null;
    }

    /// <summary>Finishes what waits; nothing more is taken.</summary>
    public async Task DrainAsync()
    {
        _queue.Close();
        await _ended.Task;
    }

    /// <summary>
    /// Closes the connection; to be called last and after <see cref="DrainAsync"/>: only a writing connection removes the WAL.
    /// </summary>
    public void Dispose()
    {
        _session?.Connection.Dispose();
        _queue.Dispose();
    }
}
