using Microsoft.Extensions.Logging;
using Postrider.Engine.Delivery;
using Postrider.Engine.Messages;

namespace Postrider.Engine.Queue;

/// <summary>Keeps this node's leases alive, takes back those of nodes that died, and has messages past their lifetime settled.</summary>
/// <remarks>
/// A node whose process stands still past its leases finds, when it goes on, that their generation has moved: its late writes change
/// nothing. While the store is away leases end though their holders live, with outcomes in memory that they could not write. So when it is
/// back, and when this node starts, which may be the same moment, the leases of others are left alone until they have had the time to renew
/// them.
/// </remarks>
/// <param name="othersAreDead">The store serves one process only: there are no others.</param>
sealed class LeaseKeeper(
    IQueueStore queue, Dispatcher dispatcher, LeaseBook leases, QueueOptions options, RetryOptions retry, bool othersAreDead,
    Func<bool> clockAgrees,
    ClockWatch clock, TimeProvider time, ILogger log)
{
    readonly SemaphoreSlim _turn = new(1);
    DateTimeOffset _renewedAt = DateTimeOffset.MinValue;
    long? _reachedSince;        // when the store answered after it had not, by the clock that does not jump; null while it does not

    /// <summary>Takes over what earlier processes of this installation left behind. Before the first claim.</summary>
    /// <param name="isDead">Owners known to be gone, however long their leases: all others, when the store serves one process only.</param>
    public Task TakeOverAsync(Func<NodeId, bool> isDead, CancellationToken cancel) => TakeOverAsync(time.GetUtcNow(), isDead, cancel);

    async Task TakeOverAsync(DateTimeOffset now, Func<NodeId, bool>? isDead, CancellationToken cancel)
    {
        var released = await queue.ReleaseExpiredAsync(now, isDead, cancel);
        if (released.Count > 0)
            log.LeasesReleased(released.Count);
        foreach (var backlog in released)
            dispatcher.Due(backlog);
    }

    /// <param name="draining">The node stops: nothing new is claimed, but what is under way needs its lease.</param>
    public Task RunAsync(CancellationToken draining, CancellationToken cancel) => Task.WhenAll(
        EveryAsync(options.RenewInterval, RenewAsync, cancel),
        EveryAsync(options.RescueInterval, RescueAsync, cancel),
        EveryAsync(ClockWatch.Interval, clock.LookAsync, cancel),
        EveryAsync(options.ExpiryInterval, stop => dispatcher.ExpireAsync(retry.Lifetime, stop), draining));

    internal async Task RenewAsync(CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel);
        try
        {
            await RenewInTurnAsync(time.GetUtcNow(), cancel);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>
    /// Takes back what dead nodes hold, our own leases renewed first: after the store was away, the machine slept or its clock leapt they
    /// look as dead as others, and what is being sent at this moment would be sent again.
    /// </summary>
    internal async Task RescueAsync(CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel);
        try
        {
            var now = time.GetUtcNow();
            if ((now - _renewedAt).Duration() >= options.Lease / 2)
                await RenewInTurnAsync(now, cancel);
            // A clock that leapt ahead sees the end of every lease there is.
            if (othersAreDead || (clockAgrees() && await OthersHadTimeAsync(cancel)))
                await TakeOverAsync(now, null, cancel);
        }
        catch
        {
            _reachedSince = null;
            throw;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <returns>Whether any node that lives has had the time to renew its leases.</returns>
    async Task<bool> OthersHadTimeAsync(CancellationToken cancel)
    {
        if (_reachedSince is not { } since)
        {
            await queue.BacklogsAsync(null, 1, cancel);     // does it answer?
            _reachedSince = since = time.GetTimestamp();
        }
        return time.GetElapsedTime(since) >= options.RenewInterval;
    }

    async Task RenewInTurnAsync(DateTimeOffset now, CancellationToken cancel)
    {
        try
        {
            foreach (var owner in leases.Owners)
                await queue.RenewAsync(owner, now + options.Lease, cancel);
            _renewedAt = now;
        }
        catch
        {
            _reachedSince = null;
            throw;
        }
    }

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
                    log.QueueUnavailable(e.UnlessAway(), interval);      // the next tick tries again
                }
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // Told to stop.
        }
    }
}
