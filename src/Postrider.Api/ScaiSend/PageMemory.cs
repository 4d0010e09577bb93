using System.Collections.Concurrent;
using Postrider.Engine.Messages;

namespace Postrider.Api.ScaiSend;

/// <summary>
/// Remembers where the pages of a list ended, so that page n goes on where page n−1 stopped although rows have left the list since:
/// the published cancel loop walks pages of queued messages while it cancels them (contracts/scaisend.md, D8).
/// </summary>
/// <remarks>For one node, in memory: on another node, or when it was dropped, a page is found by its offset.</remarks>
sealed class PageMemory(ScaiSendOptions options, TimeProvider time)
{
    /// <summary>Together at most some 20 MB; both a guess. Only the page before the next is needed, unless a client jumps.</summary>
    const int MostWalks = 2_000;
    const int MostPages = 256;

    readonly ConcurrentDictionary<WalkKey, Walk> _walks = new();

    /// <returns>Where the page is to begin: after a key, or at an offset.</returns>
    public PageRequest Find(WalkKey key, int page)
    {
        if (page == 1)
        {
            _walks.TryRemove(key, out _);
            return new PageRequest(null, 0, key.PageSize);
        }
        return _walks.TryGetValue(key, out var walk) && walk.EndOf(page - 1, time.GetUtcNow() - options.PageMemory) is { } end
            ? new PageRequest(end, 0, key.PageSize)
            : new PageRequest(null, (int)Math.Min((page - 1L) * key.PageSize, int.MaxValue), key.PageSize);
    }

    public void Remember(WalkKey key, int page, MessageId last)
    {
        var now = time.GetUtcNow();
        if (!_walks.TryGetValue(key, out var walk))
        {
            if (_walks.Count >= MostWalks)
                DropOld(now - options.PageMemory);
            walk = _walks.GetOrAdd(key, _ => new Walk());
        }
        walk.Add(page, last, now);
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

/// <param name="Filter">All filters of the query as text.</param>
readonly record struct WalkKey(ApiKeyId Credential, string Filter, int PageSize);
