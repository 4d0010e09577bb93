namespace Postrider.Store.Sqlite.Writing;

/// <summary>Where writes wait for the writer's thread; bounded: when it is full, the caller waits for room.</summary>
sealed class WriteQueue(int capacity) : IDisposable
{
    readonly object _gate = new();    // a monitor: the writer's thread sleeps on it
    readonly SemaphoreSlim _room = new(capacity);
    List<WriteOperation> _waiting = [];
    bool _closed;

    public async ValueTask AddAsync(WriteOperation operation, CancellationToken cancel)
    {
        await _room.WaitAsync(cancel);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            _waiting.Add(operation);
            if (_waiting.Count == 1)
                Monitor.Pulse(_gate);
        }
    }

    public bool IsEmpty
    {
        get
        {
            lock (_gate) return _waiting.Count == 0;
        }
    }

    /// <summary>Waits for work and takes all of it into <paramref name="group"/>, which must be empty.</summary>
    /// <returns>False when the queue is closed and nothing is left.</returns>
    public bool TakeAll(ref List<WriteOperation> group)
    {
        lock (_gate)
        {
            while (_waiting.Count == 0)
            {
                if (_closed)
                    return false;
                Monitor.Wait(_gate);
            }
            (group, _waiting) = (_waiting, group);
        }
        _room.Release(group.Count);
        return true;
    }

    /// <summary>What waits is still done; nothing more is taken.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }
    }

    public void Dispose() => _room.Dispose();
}
