using System.Collections.Concurrent;
using Postrider.Engine.Messages;

namespace Postrider.Store.Sqlite.Connections;

/// <summary>Read-only connections. Each read sees one snapshot, and none waits for the writer.</summary>
/// <remarks>
/// A read runs on its caller's thread: most are a few microseconds of work on cached pages, where a hop to another thread would double
/// the cost. Connections are opened when first needed.
/// </remarks>
sealed class ReaderPool(string path, int size, TimeSpan busyTimeout) : IDisposable
{
    readonly SemaphoreSlim _free = new(size);
    readonly ConcurrentBag<Connection> _idle = [];

    /// <exception cref="StoreUnavailableException">The file cannot be read.</exception>
    public async Task<T> ReadAsync<T>(Func<Connection, T> read, CancellationToken cancel)
    {
        await _free.WaitAsync(cancel);
        try
        {
            return Read(read, cancel);
        }
        finally
        {
            _free.Release();
        }
    }

    T Read<T>(Func<Connection, T> read, CancellationToken cancel)
    {
        Connection? connection = null;
        try
        {
            if (!_idle.TryTake(out connection))
                connection = Open();
            T result;
            using (cancel.UnsafeRegister(static connection => ((Connection)connection!).Interrupt(), connection))
            {
                connection.Prepare("begin").Run();
                result = read(connection);
                connection.Prepare("commit").Run();
            }
            _idle.Add(connection);
            return result;
        }
        catch (SqliteFault e) when (e.IsInterrupt && cancel.IsCancellationRequested)
        {
            connection?.Dispose();
            throw new OperationCanceledException(cancel);
        }
        catch (SqliteFault e) when (e.IsOurMachine)
        {
            connection?.Dispose();
            throw new StoreUnavailableException("The database cannot be read.", e);
        }
        catch
        {
            // A rare way out: a new connection next time is simpler than proving this one clean.
            connection?.Dispose();
            throw;
        }
    }

    Connection Open()
    {
        var connection = Connection.Open(path, readOnly: true, busyTimeout);
        // Every commit makes a reader's cache worthless, so a large one would only hold memory.
        connection.Execute("pragma query_only = on; pragma cache_size = -4096; pragma temp_store = memory;");
        return connection;
    }

    public void Dispose()
    {
        while (_idle.TryTake(out var connection))
            connection.Dispose();
        _free.Dispose();
    }
}
