using Microsoft.Extensions.Logging;
using Postrider.Engine.Delivery;
using Postrider.Engine.Messages;

namespace Postrider.Engine.Queue;

/// <summary>Keeps this node's leases alive, takes back those of nodes that died, and has messages past their lifetime settled.</summary>
/// <remarks>
/// A node whose process stands still past its leases finds, when it goes on, that their generation has moved: its late writes change nothing.
/// </remarks>
sealed class LeaseKeeper(
    IQueueStore queue, Dispatcher dispatcher, QueueOptions options, RetryOptions retry, NodeId node, TimeProvider time, ILogger log)
{
    /// <summary>Takes over what earlier processes of this installation left behind. Before the first claim.</summary>
    /// <param name="isDead">Owners known to be gone, however long their leases: all others, when the store serves one process only.</param>
    public async Task TakeOverAsync(Func<NodeId, bool>? isDead, CancellationToken cancel)
    {
        var released = await queue.ReleaseExpiredAsync(time.GetUtcNow(), isDead, cancel);
        if (released.Count > 0)
            log.LeasesReleased(released.Count);
        foreach (var backlog in released)
            dispatcher.Due(backlog);
    }

    public Task RunAsync(CancellationToken cancel) => Task.WhenAll(
        EveryAsync(options.RenewInterval, RenewAsync, cancel),
        EveryAsync(options.RescueInterval, stop => TakeOverAsync(null, stop), cancel),
        EveryAsync(options.ExpiryInterval, stop => dispatcher.ExpireAsync(retry.Lifetime, stop), cancel));

    /// <summary>Goes on while the node drains: what is under way needs its lease.</summary>
    internal Task RenewAsync(CancellationToken cancel) => dispatcher.Leased == 0
        ? Task.CompletedTask
        : queue.RenewAsync(node, time.GetUtcNow() + options.Lease, cancel);

    async Task EveryAsync(TimeSpan interval, Func<CancellationToken, Task> work, CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancel))
            {
                try
                {
                    await work(cancel);
                }
                catch (Exception e) when (!cancel.IsCancellationRequested)
                {
                    log.QueueUnavailable(e, interval);      // the next tick tries again
                }
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // Told to stop.
        }
    }
}
