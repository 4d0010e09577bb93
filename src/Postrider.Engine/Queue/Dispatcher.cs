using System.Collections.Concurrent;
using System.Diagnostics;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Postrider.Engine.Delivery;
using Postrider.Engine.Messages;
using Postrider.Engine.Suppressions;

namespace Postrider.Engine.Queue;

/// <summary>
/// Takes what is due out of the store, backlog by backlog, and hands it to composing: never more than the node may hold, never for a
/// destination that is full or left alone.
/// </summary>
/// <remarks>
/// It is woken by intake and by attempts that end, so an idle node claims within the time of one commit; the sweep is only the safety net.
/// It holds a few words a backlog, not a message: a million messages for a dead destination are one entry here. After a crash nothing of it
/// is missed: <see cref="SweepAsync"/> reads the backlogs anew, and <see cref="LeaseKeeper"/> takes over what the dead process held.
/// </remarks>
sealed class Dispatcher(
    IQueueStore queue, ISuppressionStore suppressions, Destinations destinations, QueueOptions options, LeaseBook leases, TimeProvider time,
    ILogger log) : IQueueWakeup
{
    const int ClaimsAtOnce = 32;
    const int SweepPage = 1_000;

    static readonly TimeSpan AfterFault = TimeSpan.FromSeconds(1);

    /// <summary>What is due and yet not to be had is in another node's hands just now. A guess at a claim's length.</summary>
    static readonly TimeSpan AfterNothing = TimeSpan.FromMilliseconds(100);

    readonly BacklogSchedule _schedule = new();
    readonly AsyncSignal _signal = new(time);
    readonly Channel<DispatchedMessage> _claimed = Channel.CreateBounded<DispatchedMessage>(options.MaxLeased);
    readonly ConcurrentDictionary<BacklogKey, DestinationAnswer> _found = new();
    long _heartbeat = time.GetTimestamp();
    bool _lookAgain;

    /// <summary>What composing takes from.</summary>
    public ChannelReader<DispatchedMessage> Claimed => _claimed.Reader;

    /// <summary>Messages leased and not closed.</summary>
    public int Leased => leases.Held;

    /// <summary>
    /// How long ago the dispatcher last went round. It goes round at least every <see cref="QueueOptions.SweepInterval"/>.
    /// </summary>
    public TimeSpan SinceHeartbeat => time.GetElapsedTime(Volatile.Read(ref _heartbeat));

    public TimeSpan Lag => _schedule.NextAt is { } next && time.GetUtcNow() - next is { Ticks: > 0 } lag ? lag : TimeSpan.Zero;

    public void Due(Backlog backlog)
    {
        if (_schedule.Note(backlog.Key, backlog.NextDueAt))
            _signal.Set();
    }

    /// <summary>Has the whole queue looked at now, though no sweep is due.</summary>
    public void LookAgain()
    {
        Volatile.Write(ref _lookAgain, true);
        _signal.Set();
    }

    /// <summary>A lease has ended: there is room for another, and perhaps something to come back to.</summary>
    public void Closed(DispatchedMessage message, Backlog? next)
    {
        EngineMetrics.Leased.Add(-1);
        message.Reserved?.Release(message.Leased.Message.Tenant, 1);
        ReturnLeases(message.Owner, 1);
        if (next is { } backlog)
            Due(backlog);
    }

    public async Task RunAsync(CancellationToken cancel)
    {
        try
        {
            long? swept = null;     // by the clock that does not jump
            while (!cancel.IsCancellationRequested)
            {
                Volatile.Write(ref _heartbeat, time.GetTimestamp());
                try
                {
                    if (Interlocked.Exchange(ref _lookAgain, false) || swept is not { } last
                        || time.GetElapsedTime(last) >= options.SweepInterval)
                    {
                        await SweepAsync(cancel);
                        swept = time.GetTimestamp();
                        destinations.Forget();
                    }
                    if (!await RunOnceAsync(cancel))
                        await _signal.WaitAsync(UntilNext(options.SweepInterval - time.GetElapsedTime(swept.Value)), cancel);
                }
                catch (Exception e) when (e is not OperationCanceledException || !cancel.IsCancellationRequested)
                {
                    log.QueueUnavailable(e.UnlessAway(), AfterFault);
                    await Task.Delay(AfterFault, time, cancel);
                    swept = null;       // what was taken from the schedule when it failed is read again
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

    TimeSpan UntilNext(TimeSpan untilSweep)
    {
        // With no room left there is nothing to do before a lease ends, which is signalled.
        var untilDue = leases.Free > 0 && _schedule.NextAt is { } next ? next - time.GetUtcNow() : untilSweep;
        return untilDue < untilSweep ? untilDue : untilSweep;
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
        try
        {
            while (claims is not { Count: >= ClaimsAtOnce } && leases.Free > 0 && _schedule.TryTakeDue(now, out var key))
            {
                if (Prepare(key, now, cancel) is { } plan)
                    (claims ??= []).Add(ClaimAsync(plan, now));
            }
        }
        finally
        {
            if (claims is not null)
                await Task.WhenAll(claims);
        }
        return claims is not null;
    }

    readonly record struct ClaimPlan(
        BacklogKey Key, int Limit, NodeId Owner, Destination? Destination, DestinationAnswer.Undeliverable? Undeliverable);

    /// <returns>Null when this backlog is not to be claimed for now; it is noted for when it may be.</returns>
    ClaimPlan? Prepare(BacklogKey key, DateTimeOffset now, CancellationToken cancel)
    {
        if (key.Domain == QueueDomain.Several)
            return Take(key, now, options.ClaimPage, null, null);

        if (!_found.TryRemove(key, out var answer))
        {
            var lookup = destinations.FindAsync(key.Domain, cancel);
            if (!lookup.IsCompletedSuccessfully)
            {
                _ = NoteWhenFoundAsync(key, lookup);
                return null;
            }
            answer = lookup.GetAwaiter().GetResult();
        }
        switch (answer)
        {
            case DestinationAnswer.Undeliverable undeliverable:
                return Take(key, now, options.ClaimPage, null, undeliverable);
            case DestinationAnswer.Known { Destination: var destination }:
                if (destination.BlockedUntil is { } until)
                {
                    _schedule.Note(key, until);
                    return null;
                }
                // No destination holds more than is still free, so that slow ones, be they ever so many, leave room for others.
                var granted = destination.Reserve(key, options.ClaimPage, mostHeld: leases.Free);
                if (granted > 0)
                    return Take(key, now, granted, destination, null);
                if (!destination.TryPark(key))
                    Due(new Backlog(key, now));
                return null;
            default:
                throw new UnreachableException();
        }
    }

    ClaimPlan? Take(
        BacklogKey key, DateTimeOffset now, int wanted, Destination? destination, DestinationAnswer.Undeliverable? undeliverable)
    {
        var (granted, owner) = leases.Take(wanted);
        destination?.Unreserve(key.Tenant, wanted - granted);
        if (granted > 0)
            return new ClaimPlan(key, granted, owner, destination, undeliverable);
        _schedule.Note(key, now);
        return null;
    }

    async Task NoteWhenFoundAsync(BacklogKey key, ValueTask<DestinationAnswer> lookup)
    {
        var at = time.GetUtcNow();
        try
        {
            // Kept for the next look: an answer that may not be cached would else be asked for again and again.
            _found[key] = await lookup;
        }
        catch (OperationCanceledException)
        {
            return;
        }
        catch (Exception e)
        {
            log.LookupFailed(e, key.Domain);
            at = time.GetUtcNow() + AfterFault;
        }
        Due(new Backlog(key, at));
    }

    // Not cancellable: whether a claim that is given up was committed, nobody would know, and its messages would wait for their leases to
    // end.
    async Task ClaimAsync(ClaimPlan plan, DateTimeOffset now)
    {
        var claimed = 0;
        try
        {
            var claim = new Claim(plan.Key, now, plan.Limit, plan.Owner, now + options.Lease);
            var result = await queue.ClaimAsync(claim, CancellationToken.None);
            claimed = result.Messages.Count;
            var suppressed = new ClaimedSuppressions(suppressions, result.Messages);
            foreach (var message in result.Messages)
            {
                await HandOverAsync(new DispatchedMessage(message, plan.Owner, plan.Destination, plan.Undeliverable)
                {
                    Suppressions = suppressed,
                });
            }
            // Due ones that are left come after the other backlogs that are due: everybody gets a turn.
            if (result.NextDueAt is { } next)
                Due(new Backlog(plan.Key, next > now ? next : claimed > 0 ? now : now + AfterNothing));
        }
        catch
        {
            leases.Distrust(plan.Owner);
            throw;
        }
        finally
        {
            plan.Destination?.Unreserve(plan.Key.Tenant, plan.Limit - claimed);
            ReturnLeases(plan.Owner, plan.Limit - claimed);
        }
    }

    /// <summary>Leases and settles what is past its lifetime although its destination is left alone (contracts/scaisend.md §8.3).</summary>
    public async Task ExpireAsync(TimeSpan lifetime, CancellationToken cancel)
    {
        while (await ExpirePageAsync(lifetime) == options.ClaimPage)
            cancel.ThrowIfCancellationRequested();
    }

    /// <returns>How many there were.</returns>
    async Task<int> ExpirePageAsync(TimeSpan lifetime)
    {
        var now = time.GetUtcNow();
        var (limit, owner) = leases.Take(options.ClaimPage);
        if (limit == 0)
            return 0;
        var claimed = 0;
        try
        {
            var claim = new ClaimExpired(now - lifetime, limit, owner, now + options.Lease);
            var messages = await queue.ClaimExpiredAsync(claim, CancellationToken.None);
            claimed = messages.Count;
            if (claimed > 0)
                log.Expiring(claimed);
            foreach (var message in messages)
                await HandOverAsync(new DispatchedMessage(message, owner, null, null) { Expired = true });
            return claimed;
        }
        catch
        {
            leases.Distrust(owner);
            throw;
        }
        finally
        {
            ReturnLeases(owner, limit - claimed);
        }
    }

    /// <summary>To composing; the channel has room for every lease.</summary>
    async ValueTask HandOverAsync(DispatchedMessage message)
    {
        EngineMetrics.Leased.Add(1);
        if (_claimed.Writer.TryWrite(message))
            return;

        // The node has stopped meanwhile, and nobody reads any more.
        var due = time.GetUtcNow();
        try
        {
            await queue.ReturnAsync(message.Leased.Key, due, CancellationToken.None);
        }
        catch (Exception e)
        {
            log.OutcomeNotWritten(e.UnlessAway(), message.Leased.Message.Id);        // its lease will end
        }
        Closed(message, null);
    }

    void ReturnLeases(NodeId owner, int count)
    {
        if (count == 0)
            return;
        leases.Return(owner, count);
        _signal.Set();
    }
}

/// <summary>A leased message on its way to composing.</summary>
/// <param name="Owner">The name it is leased under.</param>
/// <param name="Reserved">Where room was reserved for it; null when its recipients' destinations are found one by one.</param>
/// <param name="Undeliverable">What DNS said for good about its domain.</param>
sealed record DispatchedMessage(LeasedMessage Leased, NodeId Owner, Destination? Reserved, DestinationAnswer.Undeliverable? Undeliverable)
{
    /// <summary>Past its lifetime: settled with the last reply, without another attempt.</summary>
    public bool Expired { get; init; }

    /// <summary>Of the claim it came with; null when it is not to be tried.</summary>
    public ClaimedSuppressions? Suppressions { get; init; }
}
