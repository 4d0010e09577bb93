using System.Threading.Channels;
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
    readonly Channel<DeliveryJob> _jobs = Channel.CreateUnbounded<DeliveryJob>();     // bounded by Room, and by what the node leases
    readonly Lock _lock = new();
    readonly List<BacklogKey> _parked = [];
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
    /// <returns>How many of <paramref name="wanted"/> there is room for.</returns>
    public int Reserve(int wanted)
    {
        lock (_lock)
        {
            _lastUsed = services.Time.GetTimestamp();
            var room = services.Options.Room - _held;
            // A site that is being tried again after it failed gets one message, not a page of them.
            var most = _failures > 0 ? Math.Max(0, 1 - _held) : room;
            var granted = Math.Clamp(wanted, 0, Math.Min(most, room));
            _held += granted;
            return granted;
        }
    }

    public void Release(int messages)
    {
        BacklogKey[] unparked = [];
        lock (_lock)
        {
            _held -= messages;
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

    /// <summary>Holds a backlog until there is room again.</summary>
    /// <returns>False when there is room by now.</returns>
    public bool TryPark(BacklogKey backlog)
    {
        lock (_lock)
        {
            if (_held == 0 || (_failures == 0 && _held < services.Options.Room))
                return false;
            if (!_parked.Contains(backlog))
                _parked.Add(backlog);
            return true;
        }
    }

    public void Enqueue(DeliveryJob job)
    {
        _jobs.Writer.TryWrite(job);
        StartWorkerIfUseful();
    }

    void StartWorkerIfUseful()
    {
        lock (_lock)
        {
            if (_workers >= _limit || _jobs.Reader.Count <= _idle)
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
        catch (Exception e) when (e is not OperationCanceledException)
        {
            services.Log.WorkerFaulted(e, Key);
        }
        finally
        {
            lock (_lock) _workers--;
            await worker.CloseAsync();
            StartWorkerIfUseful();
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
        if (_jobs.Reader.TryRead(out var job))
            return job;
        if (!hasSession)
            return null;

        lock (_lock) _idle++;
        try
        {
            using var patience = new CancellationTokenSource(services.Options.IdleSession, services.Time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, services.Draining);
            return await _jobs.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        finally
        {
            lock (_lock) _idle--;
        }
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
