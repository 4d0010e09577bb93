using Postrider.Engine.Messages;
using Postrider.Engine.Queue;

namespace Postrider.Engine.Delivery;

/// <summary>One recipient of one message, to be delivered at one destination.</summary>
sealed record DeliveryJob(MessageAttempt Attempt, int Ordinal);

/// <summary>
/// A destination: what waits for one MX site on this node, the connections to it, and how much it can take. Domains of the same site share it.
/// </summary>
/// <remarks>
/// Concurrency follows what the far side shows, as Postfix's does: it starts small, each success allows one connection more up to the limit, a
/// refusal for load halves it. A site that cannot be reached at all is left alone for a while; then one connection tries it. Nothing here
/// survives a restart: the store has every message, and a new process starts small again.
/// </remarks>
sealed class Destination(Site site, DeliveryServices services)
{
    readonly JobQueue _jobs = new();
    readonly Lock _lock = new();
    readonly List<BacklogKey> _parked = [];
    readonly Dictionary<TenantId, int> _heldBy = [];
    int _held;
    int _workers;
    int _idle;
    int _connected;
    int _limit = Math.Min(services.Options.InitialConcurrency, services.Options.Concurrency);
    int _failures;
    DateTimeOffset _blockedUntil;
    string? _blockedBy;
    long _lastUsed = services.Time.GetTimestamp();

    public string Key { get; } = site.Key;

    /// <summary>The latest DNS answer of the same hosts.</summary>
    public Site Site { get; set; } = site;

    public DeliveryServices Services => services;

    /// <summary>Null when it may be tried.</summary>
    public DateTimeOffset? BlockedUntil
    {
        get
        {
            lock (_lock) return _blockedUntil > services.Time.GetUtcNow() ? _blockedUntil : null;
        }
    }

    /// <summary>Takes room for messages about to be claimed.</summary>
    /// <param name="mostHeld">What the node can spare for one destination at present.</param>
    /// <returns>How many of <paramref name="wanted"/> there is room for.</returns>
    public int Reserve(TenantId tenant, int wanted, int mostHeld)
    {
        lock (_lock)
        {
            _lastUsed = services.Time.GetTimestamp();
            var granted = Math.Max(0, Math.Min(Math.Min(wanted, mostHeld - _held), RoomFor_UnderLock(tenant)));
            if (granted > 0)
            {
                _held += granted;
                _heldBy[tenant] = _heldBy.GetValueOrDefault(tenant) + granted;
            }
            return granted;
        }
    }

    int RoomFor_UnderLock(TenantId tenant)
    {
        // A site that is being tried again after it failed gets one message, not a page of them.
        if (_failures > 0)
            return Math.Max(0, 1 - _held);
        // No tenant takes the last fifth: who comes with one message need not wait for half of another's to be gone.
        var room = services.Options.Room;
        return Math.Min(room - _held, Math.Max(1, room - room / 5) - _heldBy.GetValueOrDefault(tenant));
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
            if (_parked.Count > 0 && _held <= services.Options.Room / 2 && (_failures == 0 || _held == 0))
            {
                unparked = [.. _parked];
                _parked.Clear();
            }
        }
        var now = services.Time.GetUtcNow();
        foreach (var key in unparked)
            services.Wakeup.Due(new Backlog(key, now));
    }

    /// <summary>Holds a backlog until there is room again. What is held is released some day, and whoever is parked then is told.</summary>
    /// <returns>False when nothing is held by now.</returns>
    public bool TryPark(BacklogKey backlog)
    {
        lock (_lock)
        {
            if (_held == 0)
                return false;
            if (!_parked.Contains(backlog))
                _parked.Add(backlog);
            return true;
        }
    }

    public void Enqueue(DeliveryJob job)
    {
        _jobs.Add(job);
        StartWorkerIfUseful();
    }

    /// <summary>The node stops: what waits behind messages under way, however slow these are, is not kept from other nodes.</summary>
    public Task GiveBackAsync()
    {
        var now = services.Time.GetUtcNow();
        var given = new List<Task>();
        while (_jobs.TryTake(out var job))
            given.Add(job.Attempt.RecordAsync(job.Ordinal, new Verdict.NotTried(now), null));
        return Task.WhenAll(given);
    }

    void StartWorkerIfUseful()
    {
        lock (_lock)
        {
            if (_workers >= _limit || _jobs.Count <= _idle)
                return;
            _workers++;
        }
        services.Run(RunWorkerAsync);
    }

    async Task RunWorkerAsync()
    {
        var worker = new DestinationWorker(this, services);
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
            if (_workers > _limit)
                return null;
        }
        if (_jobs.TryTake(out var job))
            return job;
        if (!hasSession)
            return null;

        lock (_lock) _idle++;
        try
        {
            using var patience = new CancellationTokenSource(services.Options.IdleSession, services.Time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, services.Draining);
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
            _failures = 0;
            if (_limit < services.Options.Concurrency)
                _limit++;
        }
        StartWorkerIfUseful();
    }

    /// <summary>It said no, but it is there: messages need no longer try it one by one.</summary>
    public void Answered()
    {
        lock (_lock) _failures = 0;
    }

    /// <summary>The far side asks for less: 4.7.x. Half the connections, at least one; successes win them back one by one.</summary>
    public void SlowDown()
    {
        lock (_lock) _limit = Math.Max(1, _limit / 2);
    }

    /// <summary>No connection could be had.</summary>
    /// <returns>True when others are open: then there are just too many, and the job can go by one of those.</returns>
    public bool CouldNotConnect(string detail)
    {
        lock (_lock)
        {
            if (_connected > 0)
            {
                _limit = Math.Max(1, _connected);
                return true;
            }
        }
        BackOff(detail);
        return false;
    }

    /// <summary>Leaves the site alone, longer each time in a row; then one connection with one message tries it.</summary>
    public void BackOff(string detail)
    {
        TimeSpan pause;
        lock (_lock)
        {
            var now = services.Time.GetUtcNow();
            if (_blockedUntil > now)
                return;
            pause = services.Options.Retry.BackOff(++_failures, services.Random);
            _blockedUntil = now + pause;
            _blockedBy = detail;
            _limit = 1;
        }
        services.Log.BackingOff(Key, pause, detail);
    }

    /// <summary>Nothing held, nothing open, nothing remembered against it, not asked for since: it can be forgotten.</summary>
    public bool IsForgettable(TimeSpan unusedFor)
    {
        lock (_lock)
            return _held == 0 && _workers == 0 && _parked.Count == 0 && _blockedUntil <= services.Time.GetUtcNow()
                && services.Time.GetElapsedTime(_lastUsed) >= unusedFor;
    }

    public DestinationView View()
    {
        lock (_lock)
            return new DestinationView(Key, _held, _connected, _limit, _blockedUntil > services.Time.GetUtcNow() ? _blockedUntil : null, _blockedBy);
    }
}

/// <summary>A destination as this node sees it, for the operator.</summary>
/// <param name="Held">Messages waiting or under way here; the store has the rest.</param>
/// <param name="LastTrouble">What last made it be left alone.</param>
public sealed record DestinationView(string Key, int Held, int Connections, int Limit, DateTimeOffset? LeftAloneUntil, string? LastTrouble);
