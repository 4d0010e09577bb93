using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using Postrider.Engine.Messages;

namespace Postrider.Engine.Delivery;

/// <summary>The jobs that wait at a destination: in their order within a tenant, and the tenants take turns.</summary>
/// <remarks>Bounded by what the destination holds, and by what the node leases.</remarks>
sealed class JobQueue
{
    readonly Channel<byte> _tickets = Channel.CreateUnbounded<byte>();      // one a job: they can be waited for
    readonly Lock _lock = new();
    readonly Dictionary<TenantId, Queue<DeliveryJob>> _byTenant = [];
    readonly Queue<TenantId> _turns = [];

    public int Count => _tickets.Reader.Count;

    public void Add(DeliveryJob job)
    {
        var tenant = job.Attempt.Leased.Message.Tenant;
        lock (_lock)
        {
            if (!_byTenant.TryGetValue(tenant, out var own))
            {
                _byTenant.Add(tenant, own = new());
                _turns.Enqueue(tenant);
            }
            own.Enqueue(job);
        }
        _tickets.Writer.TryWrite(0);
    }

    public bool TryTake([NotNullWhen(true)] out DeliveryJob? job)
    {
        job = _tickets.Reader.TryRead(out _) ? TakeNext() : null;
        return job is not null;
    }

    public async ValueTask<DeliveryJob> TakeAsync(CancellationToken cancel)
    {
        await _tickets.Reader.ReadAsync(cancel);
        return TakeNext();
    }

    DeliveryJob TakeNext()
    {
        lock (_lock)
        {
            var tenant = _turns.Dequeue();
            var own = _byTenant[tenant];
            var job = own.Dequeue();
            if (own.Count > 0)
                _turns.Enqueue(tenant);
            else
                _byTenant.Remove(tenant);
            return job;
        }
    }
}
