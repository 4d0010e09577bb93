using Postrider.Engine.Messages;

namespace Postrider.Engine.Queue;

/// <summary>How many leases this node holds or is about to, never more than it may, and the names it holds them under.</summary>
/// <remarks>
/// A claim that ends in a fault may have been committed all the same, and leased messages that nobody here knows of. Leases are renewed by
/// owner, so under the same name those would be renewed for ever. The next claims therefore bear a new name; the old one is renewed only
/// while messages that are known are held under it, after which whatever else it leased runs out and is taken back.
/// </remarks>
sealed class LeaseBook(NodeId first, Func<NodeId> nextName, int most)
{
    readonly Lock _lock = new();
    readonly Dictionary<NodeId, int> _held = [];
    NodeId _current = first;
    int _total;

    public int Held => Volatile.Read(ref _total);

    /// <summary>Room for more.</summary>
    public int Free => most - Held;

    /// <summary>Names under which something is held.</summary>
    public NodeId[] Owners
    {
        get
        {
            lock (_lock) return [.. _held.Keys];
        }
    }

    /// <returns>How many of <paramref name="wanted"/> may be leased, and under what name.</returns>
    public (int Granted, NodeId Owner) Take(int wanted)
    {
        lock (_lock)
        {
            var granted = Math.Clamp(wanted, 0, most - _total);
            if (granted > 0)
            {
                _total += granted;
                _held[_current] = _held.GetValueOrDefault(_current) + granted;
            }
            return (granted, _current);
        }
    }

    public void Return(NodeId owner, int count)
    {
        if (count == 0)
            return;
        lock (_lock)
        {
            _total -= count;
            if ((_held[owner] -= count) == 0)
                _held.Remove(owner);
        }
    }

    /// <summary>What is leased under this name may be more than is known.</summary>
    public void Distrust(NodeId owner)
    {
        lock (_lock)
        {
            if (_current == owner)
                _current = nextName();
        }
    }
}
