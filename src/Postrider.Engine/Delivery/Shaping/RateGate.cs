using Postrider.Engine.Queue;

namespace Postrider.Engine.Delivery.Shaping;

/// <summary>
/// Lets a destination's backlogs take messages as its rates allow. One that comes too early waits in line, and is told when its turn has
/// come: its messages wait in the store meanwhile, leased by nobody.
/// </summary>
/// <remarks>Nothing is missed should a call be lost: the dispatcher's sweep brings every backlog back.</remarks>
sealed class RateGate(MessageBudget budget, Func<int> liveNodes, IQueueWakeup wakeup, TimeProvider time, CancellationToken draining)
{
    /// <summary>
    /// Who is called needs time to come before the next are called for the same messages. A guess at a dispatcher's round under load.
    /// </summary>
    static readonly TimeSpan BetweenCalls = TimeSpan.FromMilliseconds(50);

    readonly Lock _lock = new();
    readonly WaitingLine _line = new();
    ITimer? _bell;
    bool _isBellSet;
    int _pace = MessageBudget.FullPace;

    /// <summary>How much of the rates to make use of, of <see cref="MessageBudget.FullPace"/>.</summary>
    public int Pace
    {
        set => Volatile.Write(ref _pace, value);
    }

    /// <returns>
    /// How many of <paramref name="wanted"/> may go out now; when none, the backlog waits in line, and will be due again.
    /// </returns>
    public int Take(BacklogKey backlog, int wanted)
    {
        if (budget.IsUnlimited)
            return wanted;
        lock (_lock)
        {
            var granted = 0;
            var available = Available_UnderLock();
            // Who was not called waits until there is a round's worth, or a high rate would be a claim for every few messages.
            if (_line.TryAnswer(backlog, out var among) || _line.Count == 0 && budget.UntilNextRound() == TimeSpan.Zero)
            {
                granted = Math.Min(wanted, (available + among - 1) / among);
                budget.Take(granted);
            }
            if (granted == 0)
                _line.Join(backlog);
            SetBell_UnderLock(TimeSpan.Zero);
            return granted;
        }
    }

    /// <summary>For a single transaction that no claim has paid for.</summary>
    /// <param name="wait">When it may not go out: how long until some may.</param>
    public bool TryTakeOne(out TimeSpan wait)
    {
        wait = TimeSpan.Zero;
        if (budget.IsUnlimited)
            return true;
        lock (_lock)
        {
            if (Available_UnderLock() > 0)
            {
                budget.Take(1);
                return true;
            }
            wait = budget.UntilNextRound();
            return false;
        }
    }

    /// <summary>Gives back what was taken and then not made use of.</summary>
    public void Return(int messages)
    {
        if (budget.IsUnlimited || messages == 0)
            return;
        lock (_lock)
        {
            Available_UnderLock();
            budget.Return(messages);
            SetBell_UnderLock(TimeSpan.Zero);
        }
    }

    public bool IsWaiting(BacklogKey backlog)
    {
        lock (_lock) return _line.Contains(backlog);
    }

    /// <returns>Null when nobody waits; else how long until some messages may go out.</returns>
    public TimeSpan? Wait
    {
        get
        {
            if (budget.IsUnlimited)
                return null;
            lock (_lock) return _line.Count == 0 ? null : budget.UntilNextRound();
        }
    }

    int Available_UnderLock()
    {
        budget.Share(Math.Max(1, liveNodes()), Volatile.Read(ref _pace));
        return budget.Available();
    }

    void SetBell_UnderLock(TimeSpan least)
    {
        if (_isBellSet || _line.Count == 0 || draining.IsCancellationRequested)
            return;
        _isBellSet = true;
        var wait = budget.UntilNextRound();
        // In whole milliseconds, as timers count, and rounded up: one that rings early would only ring again.
        var milliseconds = Math.Ceiling((wait > least ? wait : least).TotalMilliseconds);
        _bell ??= time.CreateTimer(static gate => ((RateGate)gate!).Ring(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _bell.Change(TimeSpan.FromMilliseconds(Math.Max(1, milliseconds)), Timeout.InfiniteTimeSpan);
    }

    void Ring()
    {
        IReadOnlyList<BacklogKey> called = [];
        lock (_lock)
        {
            _isBellSet = false;
            var available = Available_UnderLock();
            if (available > 0)
                called = _line.Call(available);
            SetBell_UnderLock(BetweenCalls);
        }
        var now = time.GetUtcNow();
        foreach (var backlog in called)
            wakeup.Due(new Backlog(backlog, now));
    }
}
