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

    /// <summary>Ends when set, or after <paramref name="most"/>.</summary>
    public async Task WaitAsync(TimeSpan most, CancellationToken cancel)
    {
        if (most <= TimeSpan.Zero)
            return;
        // The source's own timer: one of ours could fire after the source is disposed, and end the process.
        using var alarm = new CancellationTokenSource(most, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(alarm.Token, cancel);
        try
        {
            await _wake.WaitAsync(either.Token);
            Volatile.Write(ref _isSet, 0);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            // The time has come.
        }
    }
}
