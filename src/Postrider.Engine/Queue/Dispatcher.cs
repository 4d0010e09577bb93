using System.Diagnostics;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Postrider.Engine.Delivery;
using Postrider.Engine.Messages;

namespace Postrider.Engine.Queue;

/// <summary>
/// Takes what is due out of the store, backlog by backlog, and hands it to composing: never more than the node may hold, never for a destination
/// that is full or left alone.
/// </summary>
/// <remarks>
/// It is woken by intake and by attempts that end, so an idle node claims within the time of one commit; the sweep is only the safety net. It
/// holds a few words a backlog, not a message: a million messages for a dead destination are one entry here. After a crash nothing of it is
/// missed: <see cref="SweepAsync"/> reads the backlogs anew, and <see cref="LeaseKeeper"/> takes over what the dead process held.
/// </remarks>
sealed class Dispatcher(
    IQueueStore queue, Destinations destinations, QueueOptions options, NodeId node, TimeProvider time, ILogger log) : IQueueWakeup
{
    const int ClaimsAtOnce = 32;
    const int SweepPage = 1_000;

    static readonly TimeSpan AfterFault = TimeSpan.FromSeconds(1);

    readonly BacklogSchedule _schedule = new();
    readonly AsyncSignal _signal = new(time);
    readonly Channel<DispatchedMessage> _claimed = Channel.CreateBounded<DispatchedMessage>(options.MaxLeased);
    int _leased;
    long _heartbeat = time.GetTimestamp();

    /// <summary>What composing takes from.</summary>
    public ChannelReader<DispatchedMessage> Claimed => _claimed.Reader;

    /// <summary>Messages leased and not closed.</summary>
    public int Leased => Volatile.Read(ref _leased);

    /// <summary>How long ago the dispatcher last went round. It goes round at least every <see cref="QueueOptions.SweepInterval"/>.</summary>
    public TimeSpan SinceHeartbeat => time.GetElapsedTime(Volatile.Read(ref _heartbeat));

    public TimeSpan Lag => _schedule.NextAt is { } next && time.GetUtcNow() - next is { Ticks: > 0 } lag ? lag : TimeSpan.Zero;

    public void Due(Backlog backlog)
    {
        if (_schedule.Note(backlog.Key, backlog.NextDueAt))
            _signal.Set();
    }

    /// <summary>A lease has ended: there is room for another, and perhaps something to come back to.</summary>
    public void Closed(DispatchedMessage message, Backlog? next)
    {
        EngineMetrics.Leased.Add(-1);
        message.Reserved?.Release(1);
        ReturnLeases(1);
        if (next is { } backlog)
            Due(backlog);
    }

    public async Task RunAsync(CancellationToken cancel)
    {
        try
        {
            var nextSweep = time.GetUtcNow();
            while (!cancel.IsCancellationRequested)
            {
                Volatile.Write(ref _heartbeat, time.GetTimestamp());
                try
                {
                    if (time.GetUtcNow() >= nextSweep)
                    {
                        await SweepAsync(cancel);
                        nextSweep = time.GetUtcNow() + options.SweepInterval;
                        destinations.Forget();
                    }
                    if (!await RunOnceAsync(cancel))
                        await _signal.WaitAsync(Earlier(nextSweep, Leased < options.MaxLeased ? _schedule.NextAt : null), cancel);
                }
                catch (Exception e) when (!cancel.IsCancellationRequested)
                {
                    log.QueueUnavailable(e, AfterFault);
                    await Task.Delay(AfterFault, time, cancel);
                    nextSweep = time.GetUtcNow();       // what was taken from the schedule when it failed is read again
                }
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // Told to stop.
        }
        finally
        {
            _claimed.Writer.Complete();
        }
    }

    /// <summary>Reads every backlog's next due time from the store.</summary>
    internal async Task SweepAsync(CancellationToken cancel)
    {
        BacklogKey? after = null;
        IReadOnlyList<Backlog> page;
        do
        {
            page = await queue.BacklogsAsync(after, SweepPage, cancel);
            foreach (var backlog in page)
                Due(backlog);
            after = page.Count > 0 ? page[^1].Key : null;
        }
        while (page.Count == SweepPage);
    }

    /// <summary>Claims for the backlogs that are due, some at once, so that their claims share a commit.</summary>
    /// <returns>False when nothing was due, or nothing could be held.</returns>
    internal async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        List<Task>? claims = null;
        while (claims is not { Count: >= ClaimsAtOnce } && Leased < options.MaxLeased && _schedule.TryTakeDue(now, out var key))
        {
            if (Prepare(key, now, cancel) is { } plan)
                (claims ??= []).Add(ClaimAsync(plan, now, cancel));
        }
        if (claims is null)
            return false;
        await Task.WhenAll(claims);
        return true;
    }

    readonly record struct ClaimPlan(BacklogKey Key, int Limit, Destination? Destination, DestinationAnswer.Undeliverable? Undeliverable);

    /// <returns>Null when this backlog is not to be claimed for now; it is noted for when it may be.</returns>
    ClaimPlan? Prepare(BacklogKey key, DateTimeOffset now, CancellationToken cancel)
    {
        var wanted = Math.Min(options.ClaimPage, options.MaxLeased - Leased);
        if (key.Domain == QueueDomain.Several)
            return Take(new ClaimPlan(key, wanted, null, null));

        var lookup = destinations.FindAsync(key.Domain, cancel);
        if (!lookup.IsCompletedSuccessfully)
        {
            _ = NoteWhenResolvedAsync(key, lookup);
            return null;
        }
        switch (lookup.GetAwaiter().GetResult())
        {
            case DestinationAnswer.Undeliverable undeliverable:
                return Take(new ClaimPlan(key, wanted, null, undeliverable));
            case DestinationAnswer.Known { Destination: var destination }:
                if (destination.BlockedUntil is { } until)
                {
                    _schedule.Note(key, until);
                    return null;
                }
                var granted = destination.Reserve(wanted);
                if (granted > 0)
                    return Take(new ClaimPlan(key, granted, destination, null));
                if (!destination.TryPark(key))
                    Due(new Backlog(key, now));
                return null;
            default:
                throw new UnreachableException();
        }
    }

    ClaimPlan Take(ClaimPlan plan)
    {
        Interlocked.Add(ref _leased, plan.Limit);
        return plan;
    }

    async Task NoteWhenResolvedAsync(BacklogKey key, ValueTask<DestinationAnswer> lookup)
    {
        try
        {
            await lookup;
        }
        catch (OperationCanceledException)
        {
            return;
        }
        Due(new Backlog(key, time.GetUtcNow()));
    }

    async Task ClaimAsync(ClaimPlan plan, DateTimeOffset now, CancellationToken cancel)
    {
        var claimed = 0;
        try
        {
            var result = await queue.ClaimAsync(new Claim(plan.Key, now, plan.Limit, node, now + options.Lease), cancel);
            claimed = result.Messages.Count;
            foreach (var message in result.Messages)
                await HandOverAsync(new DispatchedMessage(message, plan.Destination, plan.Undeliverable));
            // Due ones that are left come after the other backlogs that are due: everybody gets a turn.
            if (result.NextDueAt is { } next)
                Due(new Backlog(plan.Key, next < now ? now : next));
        }
        finally
        {
            plan.Destination?.Release(plan.Limit - claimed);
            ReturnLeases(plan.Limit - claimed);
        }
    }

    /// <summary>Leases and settles what is past its lifetime although its destination is left alone (contracts/scaisend.md §8.3).</summary>
    public async Task ExpireAsync(TimeSpan lifetime, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var limit = Math.Min(options.ClaimPage, options.MaxLeased - Leased);
        if (limit <= 0)
            return;
        Interlocked.Add(ref _leased, limit);
        var claimed = 0;
        try
        {
            var messages = await queue.ClaimExpiredAsync(new ClaimExpired(now - lifetime, limit, node, now + options.Lease), cancel);
            claimed = messages.Count;
            if (claimed > 0)
                log.Expiring(claimed);
            foreach (var message in messages)
                await HandOverAsync(new DispatchedMessage(message, null, null) { Expired = true });
        }
        finally
        {
            ReturnLeases(limit - claimed);
        }
    }

    // Not cancellable: what is leased is either worked on or given back, and both begin with this channel, which has room for every lease.
    ValueTask HandOverAsync(DispatchedMessage message)
    {
        EngineMetrics.Leased.Add(1);
        return _claimed.Writer.WriteAsync(message, CancellationToken.None);
    }

    void ReturnLeases(int count)
    {
        if (count == 0)
            return;
        Interlocked.Add(ref _leased, -count);
        _signal.Set();
    }

    static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset? other) => other < one ? other.Value : one;
}

/// <summary>A leased message on its way to composing.</summary>
/// <param name="Reserved">Where room was reserved for it; null when its recipients' destinations are found one by one.</param>
/// <param name="Undeliverable">What DNS said for good about its domain.</param>
sealed record DispatchedMessage(LeasedMessage Leased, Destination? Reserved, DestinationAnswer.Undeliverable? Undeliverable)
{
    /// <summary>Past its lifetime: settled with the last reply, without another attempt.</summary>
    public bool Expired { get; init; }
}
