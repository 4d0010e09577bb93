using System.Collections.Concurrent;

namespace Postrider.Engine.Messages;

/// <summary>The memory of a node that serves alone.</summary>
/// <param name="kept">How long a walk may pause.</param>
public sealed class LocalListWalks(TimeSpan kept) : IListWalks
{
    /// <summary>Together at most some 20 MB; both a guess. Only the page before the next is needed, unless a client jumps.</summary>
    const int MostWalks = 2_000;
    const int MostPages = 256;

    readonly ConcurrentDictionary<ListWalk, Walk> _walks = new();

    public ValueTask<MessageId?> EndOfAsync(ListWalk walk, int page, DateTimeOffset servedAfter, CancellationToken cancel) =>
        ValueTask.FromResult(_walks.TryGetValue(walk, out var known) ? known.EndOf(page, servedAfter) : null);

    public ValueTask RememberAsync(ListWalk walk, int page, MessageId last, DateTimeOffset now, CancellationToken cancel)
    {
        if (page == 1)
            _walks.TryRemove(walk, out _);
        if (!_walks.TryGetValue(walk, out var known))
        {
            if (_walks.Count >= MostWalks)
                DropOld(now - kept);
            known = _walks.GetOrAdd(walk, _ => new Walk());
        }
        known.Add(page, last, now);
        return ValueTask.CompletedTask;
    }

    void DropOld(DateTimeOffset servedBefore)
    {
        foreach (var (key, walk) in _walks)
        {
            if (walk.LastServed < servedBefore)
                _walks.TryRemove(key, out _);
        }
        if (_walks.Count >= MostWalks)
            _walks.Clear();
    }

    sealed class Walk
    {
        readonly Lock _lock = new();
        readonly Dictionary<int, (MessageId Last, DateTimeOffset Served)> _pages = [];

        public DateTimeOffset LastServed { get; private set; }

        public MessageId? EndOf(int page, DateTimeOffset servedAfter)
        {
            lock (_lock)
                return _pages.TryGetValue(page, out var end) && end.Served >= servedAfter ? end.Last : null;
        }

        public void Add(int page, MessageId last, DateTimeOffset now)
        {
            lock (_lock)
            {
                if (_pages.Count >= MostPages)
                    _pages.Clear();
                _pages[page] = (last, now);
                LastServed = now;
            }
        }
    }
}
