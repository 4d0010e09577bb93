using System.Diagnostics.CodeAnalysis;
using Postrider.Engine.Messages;

namespace Postrider.Store.Postgres.Messages;

/// <summary>
/// Bodies that this node has just accepted: most are composed a moment later by the same node, which then need not ask the database for
/// each. A content is known by its hash, so what is remembered is never out of date.
/// </summary>
/// <remarks>
/// What waits is sent oldest first, so when there is no room the newest is not remembered, rather than the oldest forgotten. A content goes
/// with its last use; one that another node has sent goes by its age.
/// </remarks>
/// <param name="capacity">In octets; 0 remembers nothing.</param>
sealed class ContentMemory(int capacity, TimeProvider time)
{
    /// <summary>Larger ones are rare, and worth a statement. A guess.</summary>
    public const int MostOctets = 64 << 10;

    /// <summary>A message that has not been composed by then waits for its destination, or was another node's. A guess.</summary>
    static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(10);

    readonly Lock _lock = new();
    readonly Dictionary<(TenantId, ContentHash), Entry> _entries = [];
    readonly Queue<((TenantId, ContentHash) Key, Entry Entry)> _byAge = [];
    int _octets;

    /// <param name="uses">How many messages will ask for it.</param>
    public void Keep(TenantId tenant, ContentHash hash, ReadOnlyMemory<byte> octets, int uses)
    {
        if (octets.Length > Math.Min(MostOctets, capacity) || uses == 0)
            return;
        lock (_lock)
        {
            ForgetOld_UnderLock();
            if (_entries.TryGetValue((tenant, hash), out var entry))
                entry.Uses += uses;
            else if (_octets + octets.Length <= capacity)
            {
                entry = new Entry(octets, time.GetTimestamp()) { Uses = uses };
                _entries.Add((tenant, hash), entry);
                _byAge.Enqueue(((tenant, hash), entry));
                _octets += octets.Length;
            }
        }
    }

    /// <summary>Whether the next one is remembered, whatever its size.</summary>
    public bool HasRoom
    {
        get
        {
            lock (_lock)
            {
                ForgetOld_UnderLock();
                return _octets + MostOctets <= capacity;
            }
        }
    }

    public bool Has(TenantId tenant, ContentHash hash)
    {
        lock (_lock)
            return _entries.ContainsKey((tenant, hash));
    }

    public bool TryUse(TenantId tenant, ContentHash hash, [NotNullWhen(true)] out ReadOnlyMemory<byte>? octets)
    {
        octets = null;
        lock (_lock)
        {
            if (!_entries.TryGetValue((tenant, hash), out var entry))
                return false;
            octets = entry.Octets;
            if (--entry.Uses == 0)
                Forget_UnderLock((tenant, hash), entry);
            return true;
        }
    }

    /// <summary>Those used up stand in the queue until their time comes, without their octets.</summary>
    void ForgetOld_UnderLock()
    {
        while (_byAge.TryPeek(out var oldest) && (oldest.Entry.Uses == 0 || time.GetElapsedTime(oldest.Entry.KeptAt) >= Lifetime))
        {
            _byAge.Dequeue();
            if (oldest.Entry.Uses > 0)
                Forget_UnderLock(oldest.Key, oldest.Entry);
        }
    }

    void Forget_UnderLock((TenantId, ContentHash) key, Entry entry)
    {
        _entries.Remove(key);
        _octets -= entry.Octets.Length;
        (entry.Uses, entry.Octets) = (0, default);
    }

    sealed class Entry(ReadOnlyMemory<byte> octets, long keptAt)
    {
        public ReadOnlyMemory<byte> Octets { get; set; } = octets;

        public long KeptAt => keptAt;

        public int Uses { get; set; }
    }
}
