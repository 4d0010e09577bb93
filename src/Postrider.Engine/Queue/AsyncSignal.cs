namespace Postrider.Engine.Queue;

/// <summary>Wakes one waiter; set while nobody waits, the next wait ends at once. Never blocks the one who sets it.</summary>
sealed class AsyncSignal(TimeProvider time)
{
    readonly SemaphoreSlim _wake = new(0);
    int _isSet;

    public void Set()
    {
        if (Interlocked.Exchange(ref _isSet, 1) == 0)
            _wake.Release();
    }

    /// <summary>Ends when set, or at <paramref name="until"/>.</summary>
    public async Task WaitAsync(DateTimeOffset? until, CancellationToken cancel)
    {
        var left = until is { } end ? end - time.GetUtcNow() : Timeout.InfiniteTimeSpan;
        if (left <= TimeSpan.Zero && until is not null)
            return;
        using var alarm = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var timer = time.CreateTimer(static state => ((CancellationTokenSource)state!).Cancel(), alarm, left, Timeout.InfiniteTimeSpan);
        try
        {
            await _wake.WaitAsync(alarm.Token);
            Volatile.Write(ref _isSet, 0);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            // The time has come.
        }
    }
}
