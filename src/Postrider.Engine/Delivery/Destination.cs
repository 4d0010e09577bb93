using Postrider.Engine.Delivery.Shaping;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;

namespace Postrider.Engine.Delivery;

/// <summary>One recipient of one message, to be delivered at one destination.</summary>
sealed record DeliveryJob(MessageAttempt Attempt, int Ordinal);

/// <summary>
/// A destination: what waits for one MX site on this node, the connections to it, and how much it can take. Domains of the same site share
/// it.
/// </summary>
/// <remarks>
/// Two things hold it back: its limits, which the operator or a built-in profile sets for all nodes together and of which this one has its
/// share (<see cref="DestinationLimits"/>), and what the far side shows it can take (<see cref="Pace"/>). Nothing here survives a restart:
/// the store has every message, and a new process starts small again.
/// </remarks>
sealed class Destination
{
    readonly DeliveryServices _services;
    readonly DestinationLimits _limits;
    readonly JobQueue _jobs = new();
    readonly Lock _lock = new();
    readonly List<BacklogKey> _parked = [];
    readonly Dictionary<TenantId, int> _heldBy = [];
    readonly RecentDomains _domains;
    readonly Pace _pace;
    readonly RateGate _gate;
    int _held;
    int _workers;
    int _idle;
    int _connected;
    string? _lastReply;
    DateTimeOffset? _lastReplyAt;
    long _lastUsed;

    public Destination(string key, Site site, DestinationLimits limits, DeliveryServices services)
    {
        (Key, Site, _limits, _services) = (key, site, limits, services);
        _lastUsed = services.Time.GetTimestamp();
        _domains = new RecentDomains(services.Time);
        _pace = new Pace(services.Options.InitialConcurrency);
        _gate = new RateGate(
            new MessageBudget(limits.Rates ?? [], services.Time), services.LiveNodes, services.Wakeup, services.Time, services.Draining);
    }

    public string Key { get; }

    /// <summary>The latest DNS answer of the same hosts.</summary>
    public Site Site { get; set; }

    /// <summary>Transactions a connection is used for.</summary>
    public int MessagesPerConnection => _limits.MessagesPerConnection ?? _services.Options.TransactionsPerSession;

    /// <summary>Null when it may be tried.</summary>
    public DateTimeOffset? BlockedUntil
    {
        get
        {
            lock (_lock) return LeftAloneFor_UnderLock is { } pause ? _services.Time.GetUtcNow() + pause : null;
        }
    }

    /// <summary>What the pace goes by: pauses are of minutes, also when somebody sets the clock.</summary>
    DateTimeOffset Steady => DateTimeOffset.UnixEpoch + _services.Time.GetElapsedTime(0);

    TimeSpan? LeftAloneFor_UnderLock => _pace.LeftAloneUntil - Steady is { Ticks: > 0 } pause ? pause : null;

    /// <summary>
    /// This node's share. Rounded down, so that all nodes together stay within the limit unless there are more nodes than connections.
    /// </summary>
    int MostConnections => Math.Max(1, (_limits.Connections ?? _services.Options.Concurrency) / Math.Max(1, _services.LiveNodes()));

    int Limit_UnderLock => Math.Min(_pace.Connections, MostConnections);

    /// <summary>Mail for this domain goes here.</summary>
    public void NoteDomain(string domain)
    {
        lock (_lock) _domains.Note(domain);
    }

    /// <summary>Takes room for messages about to be claimed, and of its rate one transaction each.</summary>
    /// <param name="mostHeld">What the node can spare for one destination at present.</param>
    /// <returns>How many of <paramref name="wanted"/> may be claimed.</returns>
    public int Reserve(BacklogKey backlog, int wanted, int mostHeld)
    {
        lock (_lock)
        {
            _lastUsed = _services.Time.GetTimestamp();
            var room = Math.Min(Math.Min(wanted, mostHeld - _held), RoomFor_UnderLock(backlog.Tenant));
            if (room <= 0)
                return 0;
            var granted = _gate.Take(backlog, room);
            if (granted > 0)
            {
                _held += granted;
                _heldBy[backlog.Tenant] = _heldBy.GetValueOrDefault(backlog.Tenant) + granted;
            }
            return granted;
        }
    }

    int RoomFor_UnderLock(TenantId tenant)
    {
        // A site that is being tried again after it failed gets one message, not a page of them.
        if (_pace.Failures > 0)
            return Math.Max(0, 1 - _held);
        // No tenant takes the last fifth: who comes with one message need not wait for half of another's to be gone.
        var room = _services.Options.Room;
        return Math.Min(room - _held, Math.Max(1, room - room / 5) - _heldBy.GetValueOrDefault(tenant));
    }

    /// <summary>What was reserved was not claimed.</summary>
    public void Unreserve(TenantId tenant, int messages)
    {
        _gate.Return(messages);
        Release(tenant, messages);
    }

    public void Release(TenantId tenant, int messages)
    {
        if (messages == 0)
            return;
        BacklogKey[] unparked = [];
        lock (_lock)
        {
            _held -= messages;
            if ((_heldBy[tenant] -= messages) == 0)
                _heldBy.Remove(tenant);
            if (_parked.Count > 0 && _held <= _services.Options.Room / 2 && (_pace.Failures == 0 || _held == 0))
            {
                unparked = [.. _parked];
                _parked.Clear();
            }
        }
        var now = _services.Time.GetUtcNow();
        foreach (var key in unparked)
            _services.Wakeup.Due(new Backlog(key, now));
    }

    /// <summary>Holds a backlog that could not reserve anything: until its rate allows more, or there is room again.</summary>
    /// <returns>False when neither will tell of it: nothing is held by now.</returns>
    public bool TryPark(BacklogKey backlog)
    {
        if (_gate.IsWaiting(backlog))
            return true;
        lock (_lock)
        {
            // What is held is released some day, and whoever is parked then is told.
            if (_held == 0)
                return false;
            if (!_parked.Contains(backlog))
                _parked.Add(backlog);
            return true;
        }
    }

    /// <summary>
    /// Takes a transaction that no claim has reserved: of a message to several domains, or the second recipient's of one.
    /// </summary>
    /// <param name="notBefore">When it cannot be had: when to ask again.</param>
    public bool TryTakeOne(out DateTimeOffset notBefore)
    {
        var taken = _gate.TryTakeOne(out var wait);
        notBefore = _services.Time.GetUtcNow() + wait;
        return taken;
    }

    /// <summary>A transaction that was taken was not begun.</summary>
    public void ReturnOne() => _gate.Return(1);

    public void Enqueue(DeliveryJob job)
    {
        _jobs.Add(job);
        StartWorkerIfUseful();
    }

    /// <summary>The node stops: what waits behind messages under way, however slow these are, is not kept from other nodes.</summary>
    public Task GiveBackAsync()
    {
        var now = _services.Time.GetUtcNow();
        var given = new List<Task>();
        while (_jobs.TryTake(out var job))
            given.Add(job.Attempt.RecordAsync(job.Ordinal, new Verdict.NotTried(now), null));
        return Task.WhenAll(given);
    }

    void StartWorkerIfUseful()
    {
        lock (_lock)
        {
            if (_workers >= Limit_UnderLock || _jobs.Count <= _idle)
                return;
            _workers++;
        }
        _services.Run(RunWorkerAsync);
    }

    async Task RunWorkerAsync()
    {
        var worker = new DestinationWorker(this, _services);
        try
        {
            while (await NextJobAsync(worker.HasSession) is { } job)
                await worker.DeliverAsync(job);
        }
        finally
        {
            lock (_lock) _workers--;
            StartWorkerIfUseful();      // before the farewell, which the far side may draw out
            await worker.CloseAsync();
        }
    }

    /// <returns>Null when nothing came while an idle connection may be kept, or the limit has shrunk below the connections open.</returns>
    async ValueTask<DeliveryJob?> NextJobAsync(bool hasSession)
    {
        lock (_lock)
        {
            if (_workers > Limit_UnderLock)
                return null;
        }
        if (_jobs.TryTake(out var job))
            return job;
        if (!hasSession)
            return null;

        lock (_lock) _idle++;
        try
        {
            using var patience = new CancellationTokenSource(_services.Options.IdleSession, _services.Time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, _services.Draining);
            job = await _jobs.TakeAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            // Nothing came.
        }
        finally
        {
            lock (_lock) _idle--;
        }
        // What came in while this one still counted as idle was left to it.
        StartWorkerIfUseful();
        return job;
    }

    public void Connected()
    {
        EngineMetrics.Connections.Add(1);
        lock (_lock) _connected++;
    }

    public void Disconnected()
    {
        EngineMetrics.Connections.Add(-1);
        lock (_lock) _connected--;
    }

    public void Succeeded()
    {
        lock (_lock)
        {
            _pace.Succeeded(MostConnections);
            _gate.Pace = _pace.Rate;
        }
        StartWorkerIfUseful();
    }

    /// <summary>It said no, but it is there: messages need no longer try it one by one.</summary>
    public void Answered()
    {
        lock (_lock) _pace.Answered();
    }

    /// <summary>A message was refused for now, or not answered.</summary>
    public void NoteTrouble(string reply)
    {
        lock (_lock) (_lastReply, _lastReplyAt) = (reply, _services.Time.GetUtcNow());
    }

    /// <summary>
    /// The far side asks for less (4.7.x), or fell silent: half the connections and half the rate, which successes win back. When there is
    /// nothing left to halve, it is left alone.
    /// </summary>
    public void SlowDown(string detail)
    {
        bool slowed;
        lock (_lock)
        {
            slowed = _pace.TrySlowDown(Steady, detail);
            _gate.Pace = _pace.Rate;
        }
        if (!slowed)
            BackOff(detail, isThrottled: true);
    }

    /// <summary>No connection could be had.</summary>
    /// <returns>True when others are open: then there are just too many, and the job can go by one of those.</returns>
    public bool CouldNotConnect(string detail, bool isThrottled)
    {
        lock (_lock)
        {
            if (_connected > 0)
            {
                _pace.KeepTo(_connected);
                return true;
            }
        }
        BackOff(detail, isThrottled);
        return false;
    }

    /// <summary>Leaves the site alone, longer each time in a row; then one connection with one message tries it.</summary>
    /// <param name="isThrottled">It asks for less, by 421 or by 4.7.x again and again.</param>
    public void BackOff(string detail, bool isThrottled)
    {
        TimeSpan? pause;
        lock (_lock)
        {
            pause = _pace.LeaveAlone(
                Steady, detail, isThrottled,
                failures => _services.Options.BackOff.Pause(failures, _limits.BackOff, _services.Options.Retry, _services.Random));
            _gate.Pace = _pace.Rate;
        }
        if (pause is { } length)
            _services.Log.BackingOff(Key, length, detail);
    }

    /// <summary>Nothing held, nothing open, nothing remembered against it, not asked for since: it can be forgotten.</summary>
    public bool IsForgettable(TimeSpan unusedFor)
    {
        lock (_lock)
            return _held == 0 && _workers == 0 && _parked.Count == 0 && _gate.Wait is null && LeftAloneFor_UnderLock is null
                && _services.Time.GetElapsedTime(_lastUsed) >= unusedFor;
    }

    public DestinationView View()
    {
        lock (_lock)
        {
            var (binds, until, reason) = Binds_UnderLock();
            return new DestinationView(
                Key, _domains.List(), _held, _connected, Limit_UnderLock, binds, until, Shortened(reason), Shortened(_lastReply),
                _lastReplyAt);
        }
    }

    (BindingLimit, DateTimeOffset? Until, string? Reason) Binds_UnderLock()
    {
        var now = _services.Time.GetUtcNow();
        if (LeftAloneFor_UnderLock is { } pause)
            return (Site is Site.Unresolved ? BindingLimit.Dns : BindingLimit.BackOff, now + pause, _pace.Reason);
        if (_gate.Wait is { } wait)
            return (BindingLimit.Rate, now + wait, RateInWords_UnderLock());
        if (_jobs.Count > _idle && _workers >= Limit_UnderLock)
            return (BindingLimit.Concurrency, null, ConnectionsInWords_UnderLock());
        return _parked.Count > 0 ? (BindingLimit.Room, null, null) : (BindingLimit.None, null, null);
    }

    string RateInWords_UnderLock()
    {
        var (rates, nodes) = (string.Join(',', _limits.Rates ?? []), _services.LiveNodes());
        var shared = nodes > 1 ? $" shared by {nodes} nodes" : "";
        return _pace.Rate < MessageBudget.FullPace
            ? $"{rates}{shared}, slowed down to {_pace.Rate * 100 / MessageBudget.FullPace} % after: {_pace.Reason}"
            : $"{rates}{shared}";
    }

    string ConnectionsInWords_UnderLock()
    {
        var most = MostConnections;
        var connections = $"{Limit_UnderLock} of {most} connections";
        return Limit_UnderLock < most && _pace.Reason is { } reason ? $"{connections}, after: {reason}" : connections;
    }

    static string? Shortened(string? text) => text is { Length: > DestinationView.MostText } ? text[..DestinationView.MostText] : text;
}
