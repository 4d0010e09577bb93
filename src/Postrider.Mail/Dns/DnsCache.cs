using System.Collections.Concurrent;

namespace Postrider.Mail.Dns;

/// <summary>Answers by question until their time is over; never more than <paramref name="maxEntries"/>, the oldest goes first.</summary>
/// <remarks>Reading takes no lock. A popular answer that is pushed out costs one query, so keeping score of use is not worth it.</remarks>
sealed class DnsCache(int maxEntries, TimeProvider time)
{
    readonly ConcurrentDictionary<DnsQuestion, Entry> _entries = new();
    readonly Queue<(DnsQuestion Question, Entry Entry)> _byAge = new();
    readonly Lock _lock = new();

    public int Count => _entries.Count;

    public bool TryGet<T>(DnsQuestion question, out T? answer) where T : class
    {
        if (_entries.TryGetValue(question, out var entry) && time.GetTimestamp() < entry.Expires)
        {
            answer = (T)entry.Answer;
            return true;
        }
        answer = null;
        return false;
    }

    public void Keep(DnsQuestion question, object answer, TimeSpan ttl)
    {
        var expires = time.GetTimestamp() + (long)(ttl.TotalSeconds * time.TimestampFrequency);
        var entry = new Entry(answer, expires);
        lock (_lock)
        {
            // A refreshed answer's old place in the line stays until it comes up; it counts, so the line is bounded too.
            _byAge.Enqueue((question, entry));
            _entries[question] = entry;
            while (_byAge.Count > maxEntries)
            {
                var (oldest, oldestEntry) = _byAge.Dequeue();
                _entries.TryRemove(KeyValuePair.Create(oldest, oldestEntry));
            }
        }
    }

    sealed class Entry(object answer, long expires)
    {
        public object Answer => answer;

        public long Expires => expires;
    }
}
