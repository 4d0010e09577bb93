using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Postrider.Engine.Composing;
using Postrider.Engine.Control;
using Postrider.Engine.Delivery;
using Postrider.Engine.Delivery.Shaping;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Engine.Suppressions;
using Postrider.Engine.Tenants;
using Postrider.Mail.Dns;
using Postrider.Mail.Smtp.Client;

namespace Postrider.Engine;

/// <summary>What the engine is given to work with.</summary>
/// <param name="OthersAreDead">
/// The store serves one process only: leases of any other node are a dead one's, and taken over at once.
/// </param>
public sealed record EngineParts(
    IQueueStore Queue, ISuppressionStore Suppressions, IContentReader Contents, SenderDomains Domains, DkimKeys Keys,
    ReturnPaths ReturnPaths,
    MxLookup Mx, SmtpConnector Connector, IdGenerator Ids, bool OthersAreDead)
{
    public required IControlStore Control { get; init; }

    /// <summary>Shared with <see cref="MessageControl"/>, which stops attempts.</summary>
    public required RunningAttempts Attempts { get; init; }

    /// <summary>How many nodes share the destinations' limits, this one included; it must know at once. Default: this one alone.</summary>
    public Func<int> LiveNodes { get; init; } = () => 1;

    /// <summary>
    /// Whether this machine's clock is near enough to the others' to tell that their leases have ended. Default: there are no others.
    /// </summary>
    public Func<bool> ClockAgrees { get; init; } = () => true;
}

/// <summary>
/// One node's delivery: dispatcher, composing, destinations and lease keeping, started and stopped together. The path of a message through
/// it is docs/ARCHITECTURE.md.
/// </summary>
/// <remarks>
/// Nothing here is durable. A stop finishes what is being sent and gives the rest back within <see cref="QueueOptions.Drain"/>; whatever
/// ends otherwise is in the store as leased, and taken over by the next process or another node.
/// </remarks>
public sealed class MailEngine : IHostedLifecycleService, IQueueWakeup, IAsyncDisposable
{
    readonly QueueOptions _options;
    readonly NodeId _node;
    readonly bool _othersAreDead;
    readonly TimeProvider _time;
    readonly ILogger _log;
    readonly CancellationTokenSource _draining = new();
    readonly CancellationTokenSource _stopping = new();
    readonly ConcurrentDictionary<Task, byte> _workers = new();
    readonly Destinations _destinations;
    readonly Dispatcher _dispatcher;
    readonly LeaseKeeper _leases;
    readonly ComposingPool _composing;
    Task _running = Task.CompletedTask;
    Task _keeping = Task.CompletedTask;
    Task? _drained;

    public MailEngine(
        EngineParts parts, DeliveryOptions delivery, QueueOptions queue, Random random, TimeProvider time, ILogger<MailEngine> log)
    {
        (_options, _time, _log, _othersAreDead) = (queue, time, log, parts.OthersAreDead);
        _node = new NodeId(parts.Ids.Next());
        var services = new DeliveryServices(
            delivery, new DestinationRules(delivery), parts.LiveNodes, new SiteConnector(parts.Connector, parts.Mx, delivery, time),
            parts.ReturnPaths, this, random, time, log, RunWorker, _draining.Token, _stopping.Token);
        _destinations = new Destinations(parts.Mx, services);
        var leases = new LeaseBook(_node, () => new NodeId(parts.Ids.Next()), queue.MaxLeased);
        _dispatcher = new Dispatcher(parts.Queue, parts.Suppressions, _destinations, queue, leases, time, log);
        var clock = new ClockWatch(parts.Queue, _dispatcher, parts.LiveNodes, time, log);
        _leases = new LeaseKeeper(
            parts.Queue, _dispatcher, leases, queue, delivery.Retry, parts.OthersAreDead, parts.ClockAgrees, clock, time, log);
        var attempts = new AttemptServices(
            parts.Queue, parts.Control, parts.Attempts, delivery, parts.Ids, random, time, log, _dispatcher.Closed, _stopping.Token);
        _composing = new ComposingPool(
            _dispatcher, new Composer(parts.Contents, parts.Domains, parts.Keys), _destinations, attempts, _draining.Token);
    }

    /// <summary>The name of this node in what it writes.</summary>
    public NodeId Node => _node;

    /// <summary>How long ago the dispatcher last went round; past a few of its sweeps, it hangs.</summary>
    public TimeSpan SinceDispatcherHeartbeat => _dispatcher.SinceHeartbeat;

    public TimeSpan MostBetweenHeartbeats => _options.SweepInterval * 3;

    /// <summary>
    /// How late the dispatcher is with backlogs that could be claimed: those of destinations left alone or full do not count.
    /// </summary>
    public TimeSpan DispatchLag => _dispatcher.Lag;

    /// <summary>Messages this node holds.</summary>
    public int Leased => _dispatcher.Leased;

    /// <summary>The destinations this node deals with at present.</summary>
    public IReadOnlyList<DestinationView> Destinations => _destinations.View();

    public void Due(Backlog backlog) => _dispatcher.Due(backlog);

    /// <summary>Wake-ups may have been missed: the dispatcher looks at the whole queue now. Never waits.</summary>
    public void LookAgain() => _dispatcher.LookAgain();

    public async Task StartAsync(CancellationToken cancel)
    {
        // Of nodes that may live, leases are taken back by the rescue only, which gives them time to renew.
        if (_othersAreDead)
            await _leases.TakeOverAsync(owner => owner != _node, cancel);
        _running = Task.WhenAll(_dispatcher.RunAsync(_draining.Token), _composing.RunAsync());
        _keeping = _leases.RunAsync(_draining.Token, _stopping.Token);
    }

    /// <summary>
    /// The drain begins before anything else is stopped, and goes on beside it: a listener that waits for a slow request would else use up
    /// the time, and what is behind its final dot would be cut off.
    /// </summary>
    public Task StoppingAsync(CancellationToken cancel)
    {
        _drained ??= DrainAsync();
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancel)
    {
        var drained = _drained ??= DrainAsync();
        using (var most = new CancellationTokenSource(_options.Drain, _time))
        using (var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel, most.Token))
        {
            await Task.WhenAny(drained, Task.Delay(Timeout.InfiniteTimeSpan, _time, patience.Token));
        }
        if (!drained.IsCompleted)
            _log.DrainTimedOut(Leased);
        await _stopping.CancelAsync();
        await Task.WhenAny(Task.WhenAll(drained, _keeping), Task.Delay(TimeSpan.FromSeconds(2), _time, CancellationToken.None));
    }

    public Task StartingAsync(CancellationToken cancel) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancel) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancel) => Task.CompletedTask;

    async Task DrainAsync()
    {
        _log.Draining(Leased);
        await _draining.CancelAsync();
        _destinations.GiveBack();
        await LogFaultsAsync(() => _running);
        _destinations.GiveBack();       // what was being composed meanwhile
        while (!_workers.IsEmpty)
            await Task.WhenAll(_workers.Keys);
    }

    void RunWorker(Func<Task> work)
    {
        var task = Task.Run(() => LogFaultsAsync(work), CancellationToken.None);
        _workers.TryAdd(task, 0);
        task.ContinueWith(
            done => _workers.TryRemove(done, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    /// <remarks>Does not fault: one task's end must not be taken for that of all others.</remarks>
    async Task LogFaultsAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // Cut off in the node's last moment.
        }
        catch (Exception e)
        {
            _log.TaskFaulted(e);
        }
    }

    public ValueTask DisposeAsync()
    {
        _draining.Dispose();
        _stopping.Dispose();
        return ValueTask.CompletedTask;
    }
}
