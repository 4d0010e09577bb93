using System.Threading.Channels;

namespace Postrider.Store.Postgres.Writing;

/// <summary>Where writes wait, a line for each lane; bounded over all of them. Lanes take turns.</summary>
sealed class LaneQueue<T>(int capacity, int groupLimit, int groupOctets) : IDisposable where T : PendingWrite
{
    readonly Lock _lock = new();
    readonly SemaphoreSlim _room = new(capacity);
    readonly LinkedList<T>[] _lines = [.. Lane.All.Select(_ => new LinkedList<T>())];
    readonly Channel<short> _turns = Channel.CreateUnbounded<short>(new UnboundedChannelOptions { SingleReader = true });
    bool _closed;

    public async ValueTask AddAsync(T write, CancellationToken cancel)
    {
        await _room.WaitAsync(cancel);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            var line = _lines[write.Lane];
            line.AddLast(write);
            if (line.Count == 1)
                _turns.Writer.TryWrite(write.Lane);
        }
    }

    /// <summary>Waits for a lane that has writes.</summary>
    /// <returns>Null when the queue is closed and nothing is left.</returns>
    public async ValueTask<short?> NextLaneAsync() =>
        await _turns.Reader.WaitToReadAsync() && _turns.Reader.TryRead(out var lane) ? lane : null;

    /// <summary>Takes what may be one transaction: in the order they came, those that must not share a group left for the next.</summary>
    public void Take(short lane, List<T> group)
    {
        HashSet<object>? keys = null;
        var (octets, gone) = (0, 0);
        lock (_lock)
        {
            var line = _lines[lane];
            for (var node = line.First; node is not null && group.Count < groupLimit && octets < groupOctets;)
            {
                var (write, next) = (node.Value, node.Next);
                if (write.GroupKey is not { } key || (keys ??= []).Add(key))
                {
                    line.Remove(node);
                    gone++;
                    if (!write.IsGivenUp())
                    {
                        group.Add(write);
                        octets += write.Octets;
                    }
                }
                node = next;
            }
            // The lane's next turn is behind the others'.
            if (line.Count > 0)
                _turns.Writer.TryWrite(lane);
            else if (_closed)
                CompleteWhenEmpty();
        }
        if (gone > 0)
            _room.Release(gone);
    }

    /// <summary>What waits is still done; nothing more is taken.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            CompleteWhenEmpty();
        }
    }

    public void Dispose() => _room.Dispose();

    void CompleteWhenEmpty()
    {
        if (Array.TrueForAll(_lines, line => line.Count == 0))
            _turns.Writer.TryComplete();
    }
}
