using System.Threading.Channels;

namespace Postrider.Store.Postgres.Writing;

/// <summary>Where writes wait, a line for each lane; bounded over all of them. Lanes take turns.</summary>
/// <remarks>
/// A line that has rested for as long as <paramref name="pace"/> gets its turn at once, so that an idle system waits for nothing. A busy
/// one's groups begin that far apart, and what comes meanwhile is in the next: else two nodes, each with a commit under way, would make
/// twice as many groups of half the size.
/// </remarks>
/// <param name="pace">Zero: a line gets its next turn at once.</param>
sealed class LaneQueue<T>(int capacity, int groupLimit, int groupOctets, TimeSpan pace, TimeProvider time)
    : IDisposable where T : PendingWrite
{
    readonly Lock _lock = new();
    readonly SemaphoreSlim _room = new(capacity);
    readonly Line[] _lines = [.. Lane.All.Select(_ => new Line())];
    readonly Channel<short> _turns = Channel.CreateUnbounded<short>(new UnboundedChannelOptions { SingleReader = true });
    bool _closed;

    sealed class Line
    {
        public LinkedList<T> Writes { get; } = [];

        public bool HasTurn { get; set; }

        /// <summary>When the last group was taken.</summary>
        public long? TakenAt { get; set; }

        /// <summary>When it gets a turn that it does not have yet.</summary>
        public long? TurnAt { get; set; }
    }

    public async ValueTask AddAsync(T write, CancellationToken cancel)
    {
        await _room.WaitAsync(cancel);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            var line = _lines[write.Lane];
            line.Writes.AddLast(write);
            if (!line.HasTurn)
                Schedule_UnderLock(write.Lane, line, write.Patience);
        }
    }

    void Schedule_UnderLock(short lane, Line line, TimeSpan patience)
    {
        var now = time.GetTimestamp();
        var rest = line.TakenAt is { } taken ? pace - time.GetElapsedTime(taken, now) : TimeSpan.Zero;
        var wait = patience > rest ? patience : rest;
        if (wait <= TimeSpan.Zero || line.Writes.Count >= groupLimit)
        {
            GiveTurn_UnderLock(lane, line);
            return;
        }
        var at = now + (long)(wait.TotalSeconds * time.TimestampFrequency);
        if (line.TurnAt <= at)
            return;
        line.TurnAt = at;
        _ = GiveTurnAsync(lane, line, at, wait);
    }

    async Task GiveTurnAsync(short lane, Line line, long at, TimeSpan wait)
    {
        await Task.Delay(wait, time);
        lock (_lock)
        {
            // Unless the turn came earlier, or was taken.
            if (line.TurnAt == at)
                GiveTurn_UnderLock(lane, line);
        }
    }

    void GiveTurn_UnderLock(short lane, Line line)
    {
        (line.HasTurn, line.TurnAt) = (true, null);
        _turns.Writer.TryWrite(lane);
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
            (line.HasTurn, line.TakenAt) = (false, time.GetTimestamp());
            for (var node = line.Writes.First; node is not null && group.Count < groupLimit && octets < groupOctets;)
            {
                var (write, next) = (node.Value, node.Next);
                if (write.GroupKey is not { } key || (keys ??= []).Add(key))
                {
                    line.Writes.Remove(node);
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
            if (line.Writes.Count > 0)
                GiveTurn_UnderLock(lane, line);
            else if (_closed)
                CompleteWhenEmpty_UnderLock();
        }
        if (gone > 0)
            _room.Release(gone);
    }

    /// <summary>What waits is still done, without delay; nothing more is taken.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            foreach (var lane in Lane.All)
            {
                if (_lines[lane] is { Writes.Count: > 0, HasTurn: false } line)
                    GiveTurn_UnderLock(lane, line);
            }
            CompleteWhenEmpty_UnderLock();
        }
    }

    public void Dispose() => _room.Dispose();

    void CompleteWhenEmpty_UnderLock()
    {
        if (Array.TrueForAll(_lines, line => line.Writes.Count == 0))
            _turns.Writer.TryComplete();
    }
}
