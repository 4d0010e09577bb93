using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;
using Postrider.Store.Sqlite.Connections;

namespace Postrider.Store.Sqlite.Writing;

/// <summary>
/// Copies the WAL back into the database once it has grown, on a thread and a connection of its own, so that no commit waits for it.
/// The writer keeps appending meanwhile, so the WAL can only start over when the writer itself copies the small rest between two
/// commits: it does so when this thread has copied what there was.
/// </summary>
/// <remarks>
/// SQLite syncs the database only in a checkpoint that comes to the WAL's end, which would leave all of the syncing to the writer: 35 ms
/// here for 64 MB. So this thread syncs the file itself, and then copies once more what came meanwhile.
/// Should a reader hold an old snapshot just as the WAL is to start over, it grows on and the next round tries again.
/// </remarks>
sealed class Checkpointer : IAsyncDisposable
{
    /// <summary>How long the writer waits for readers of old snapshots before it goes on with a longer WAL. A guess.</summary>
    static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(20);

    /// <summary>The second finds what was written during the first: a tenth of it.</summary>
    const int Passes = 2;

    readonly SqliteStoreOptions _options;
    readonly ILogger _log;
    // Open as long as the store is: closing it would drop SQLite's own locks, as POSIX takes all of a process's locks on a file at once.
    readonly SafeFileHandle _database;
    readonly AutoResetEvent _wake = new(false);
    readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    long _walOctets;
    long _copyAt;
    volatile Phase _phase;
    volatile bool _stopping;

    enum Phase
    {
        Idle,
        Copying,
        Copied,
    }

    public Checkpointer(SqliteStoreOptions options, ILogger log)
    {
        (_options, _log, _copyAt) = (options, log, options.CheckpointOctets);
        // What a crash left is copied at the first occasion.
        var wal = new FileInfo(options.Path + "-wal");
        _walOctets = wal.Exists ? wal.Length : 0;
        _database = File.OpenHandle(options.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        new Thread(Work) { Name = "sqlite-checkpt", IsBackground = true }.Start();
    }

    /// <summary>Called by the writer's thread between transactions.</summary>
    public void AfterCommit(Connection writer)
    {
        _walOctets += writer.TakeOctetsWritten();
        switch (_phase)
        {
            case Phase.Idle when _walOctets >= _copyAt:
                _phase = Phase.Copying;
                _wake.Set();
                break;
            case Phase.Copied:
                StartOver(writer);
                _phase = Phase.Idle;
                break;
        }
    }

    void StartOver(Connection writer)
    {
        try
        {
            writer.SetBusyTimeout(Patience);
            if (writer.Checkpoint("restart"))
                (_walOctets, _copyAt) = (0, _options.CheckpointOctets);
            else
                _copyAt = _walOctets + (_options.CheckpointOctets / 4);
        }
        catch (SqliteFault e)
        {
            _log.CheckpointFailed(e);
            _copyAt = _walOctets + (_options.CheckpointOctets / 4);
        }
        finally
        {
            writer.SetBusyTimeout(_options.BusyTimeout);
        }
    }

    void Work()
    {
        while (_wake.WaitOne() && !_stopping)
        {
            try
            {
                using var connection = Connection.Open(_options.Path, readOnly: false, _options.BusyTimeout);
                connection.Execute("pragma synchronous = full");
                for (var pass = 0; pass < Passes; pass++)
                {
                    connection.Checkpoint("passive");
                    RandomAccess.FlushToDisk(_database);
                }
            }
            catch (Exception e) when (e is SqliteFault or IOException)
            {
                _log.CheckpointFailed(e);
            }
            _phase = Phase.Copied;
        }
        _ended.SetResult();
    }

    /// <summary>To be called when no connection is open any more.</summary>
    public async ValueTask DisposeAsync()
    {
        _stopping = true;
        _wake.Set();
        await _ended.Task;
        _wake.Dispose();
        _database.Dispose();
    }
}
