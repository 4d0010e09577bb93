using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Postrider.Engine.Messages;

namespace Postrider.Engine.Queue;

/// <summary>
/// This node's heartbeat, and by it the number of nodes alive, which limits are shared by. Leases do not depend on it: a node that falls
/// silent loses them by their own end.
/// </summary>
/// <remarks>
/// While the store is away the last number stands. Leases are told by each node's own clock, so it also watches how far that is from the
/// database's: nodes whose clocks differ by more than a lease would take each other for dead.
/// </remarks>
public sealed class NodePresence(INodeStore store, Node node, TimeProvider time, ILogger<NodePresence> log) : BackgroundService
{
    static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <summary>Three heartbeats may be lost. A guess.</summary>
    static readonly TimeSpan DeadAfter = TimeSpan.FromSeconds(20);

    /// <summary>Far less than a lease, far more than a look at the clock across a network takes. A guess.</summary>
    public static TimeSpan MostSkew { get; } = TimeSpan.FromSeconds(5);

    int _live = 1;
    Look? _look;

    /// <summary>Nodes alive as of the last heartbeat, this one among them: at least 1.</summary>
    public int LiveNodes => Volatile.Read(ref _live);

    /// <summary>
    /// How far this machine's clock is ahead of the database's, of which half of what the last look took is the error. What the clock was
    /// set by since then counts at once: an hour ahead, it sees every other node's leases ended, long before the next look.
    /// </summary>
    public TimeSpan Skew => Volatile.Read(ref _look) is { } look
        ? look.Skew + (time.GetUtcNow() - look.At) - time.GetElapsedTime(look.Timestamp)
        : TimeSpan.Zero;

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await TryBeatAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                await TryBeatAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Told to stop.
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await store.LeaveAsync(node.Id, cancellationToken);
        }
        catch (Exception e) when (e is StoreUnavailableException or OperationCanceledException)
        {
            log.HeartbeatFailed(e.UnlessAway());       // the others count it for a few seconds longer
        }
    }

    async Task TryBeatAsync(CancellationToken cancel)
    {
        try
        {
            await BeatAsync(cancel);
        }
        catch (Exception e) when (!cancel.IsCancellationRequested)
        {
            log.HeartbeatFailed(e.UnlessAway());      // whatever it was, it ends no process
        }
    }

    internal async Task BeatAsync(CancellationToken cancel)
    {
        var before = time.GetUtcNow();
        var census = await store.BeatAsync(node, before, before - DeadAfter, cancel);
        var after = time.GetUtcNow();
        var skew = before + (after - before) / 2 - census.StoreTime;
        if (skew.Duration() > MostSkew)
            log.ClockSkewed(skew);
        Volatile.Write(ref _look, new Look(skew, after, time.GetTimestamp()));

        var live = Math.Max(1, census.Live);
        if (Interlocked.Exchange(ref _live, live) != live)
            log.NodesCounted(live);
    }

    /// <param name="At">By this machine's clock, when the answer had come.</param>
    /// <param name="Timestamp">The same by the clock that does not leap.</param>
    sealed record Look(TimeSpan Skew, DateTimeOffset At, long Timestamp);
}
