using System.Diagnostics.CodeAnalysis;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;

namespace Postrider.Engine.Delivery.Shaping;

/// <summary>Backlogs that wait for a destination's rate to allow more: tenants take turns, and so do the backlogs of one tenant.</summary>
/// <remarks>
/// Only so many are called as there are messages allowed, so that thousands of backlogs behind one rate cost nothing while they wait. One
/// that is called and does not come, because its messages are gone, is forgotten at the next call. Not for several threads.
/// </remarks>
sealed class WaitingLine
{
    readonly Dictionary<TenantId, Queue<BacklogKey>> _byTenant = [];
    readonly Queue<TenantId> _turns = [];
    readonly HashSet<BacklogKey> _waiting = [];
    readonly HashSet<BacklogKey> _called = [];

    public int Count => _waiting.Count;

    public bool Contains(BacklogKey backlog) => _waiting.Contains(backlog);

    public void Join(BacklogKey backlog)
    {
        if (!_waiting.Add(backlog))
            return;
        if (!_byTenant.TryGetValue(backlog.Tenant, out var own))
        {
            _byTenant.Add(backlog.Tenant, own = new());
            _turns.Enqueue(backlog.Tenant);
        }
        own.Enqueue(backlog);
    }

    /// <summary>Somebody comes for messages.</summary>
    /// <param name="among">How many, this one included, are to share what is allowed now.</param>
    /// <returns>False when it was not called.</returns>
    public bool TryAnswer(BacklogKey backlog, out int among)
    {
        var wasCalled = _called.Remove(backlog);
        among = _called.Count + 1;
        return wasCalled;
    }

    /// <summary>Those whose turn it is.</summary>
    public IReadOnlyList<BacklogKey> Call(int most)
    {
        _called.Clear();
        while (_called.Count < most && TryTakeFirst(out var backlog))
            _called.Add(backlog.Value);
        return [.. _called];
    }

    bool TryTakeFirst([NotNullWhen(true)] out BacklogKey? backlog)
    {
        backlog = null;
        if (!_turns.TryDequeue(out var tenant))
            return false;
        var own = _byTenant[tenant];
        var first = own.Dequeue();
        if (own.Count > 0)
            _turns.Enqueue(tenant);
        else
            _byTenant.Remove(tenant);
        _waiting.Remove(first);
        backlog = first;
        return true;
    }
}
