namespace Postrider.Engine.Queue;

/// <summary>
/// Which backlogs have something due, and when: one entry a (tenant, domain) with live mail, never one a message. Backlogs that are due
/// take turns: one that was served goes to the end of the line.
/// </summary>
/// <remarks>What the stores know is the truth; an entry may be early (a claim then finds nothing) and is never late once told.</remarks>
sealed class BacklogSchedule
{
    readonly Lock _lock = new();
    readonly Dictionary<BacklogKey, Entry> _entries = [];
    readonly SortedSet<Entry> _byTime = new(EntryOrder.Instance);
    long _turn;

    readonly record struct Entry(DateTimeOffset At, long Turn, BacklogKey Key);

    public int Count
    {
        get
        {
            lock (_lock) return _entries.Count;
        }
    }

    /// <summary>Notes that a backlog has something due at <paramref name="at"/>; an earlier time that is noted stays.</summary>
    /// <returns>True when this is now the earliest of all: whoever waits for the next one must look again.</returns>
    public bool Note(BacklogKey key, DateTimeOffset at)
    {
        lock (_lock)
        {
            if (_entries.TryGetValue(key, out var known))
            {
                if (known.At <= at)
                    return false;
                _byTime.Remove(known);
            }
            var entry = new Entry(at, ++_turn, key);
            _entries[key] = entry;
            _byTime.Add(entry);
            return _byTime.Min == entry;
        }
    }

    /// <summary>Takes the backlog whose turn it is; what is noted for it from now on is a new entry.</summary>
    public bool TryTakeDue(DateTimeOffset now, out BacklogKey key)
    {
        lock (_lock)
        {
            key = default;
            if (_byTime.Count == 0 || _byTime.Min.At > now)
                return false;
            var entry = _byTime.Min;
            _byTime.Remove(entry);
            _entries.Remove(entry.Key);
            key = entry.Key;
            return true;
        }
    }

    public DateTimeOffset? NextAt
    {
        get
        {
            lock (_lock) return _byTime.Count == 0 ? null : _byTime.Min.At;
        }
    }

    sealed class EntryOrder : IComparer<Entry>
    {
        public static EntryOrder Instance { get; } = new();

        public int Compare(Entry x, Entry y)
        {
            var byTime = x.At.CompareTo(y.At);
            return byTime != 0 ? byTime : x.Turn.CompareTo(y.Turn);
        }
    }
}
