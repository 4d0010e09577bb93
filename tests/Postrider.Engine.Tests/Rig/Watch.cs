namespace Postrider.Engine.Tests.Rig;

/// <summary>Lets a test wait until something holds, looked at anew whenever a fake says that something has changed.</summary>
sealed class Watch
{
    /// <summary>Far more than any test takes: it only turns a hanging test into a failing one.</summary>
    static readonly TimeSpan FailSafe = TimeSpan.FromSeconds(20);

    readonly Lock _lock = new();
    readonly List<(Func<bool> Holds, TaskCompletionSource Done)> _waiting = [];

    public void Changed()
    {
        (Func<bool> Holds, TaskCompletionSource Done)[] waiting;
        lock (_lock)
        {
            if (_waiting.Count == 0)
                return;
            waiting = [.. _waiting];
        }
        foreach (var one in waiting)
        {
            if (one.Holds())
                one.Done.TrySetResult();
        }
    }

    public async Task UntilAsync(Func<bool> holds, string what)
    {
        var one = (holds, Done: new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        lock (_lock) _waiting.Add(one);
        try
        {
            if (!holds())
                await one.Done.Task.WaitAsync(FailSafe, TimeProvider.System);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"It never came to this: {what}");
        }
        finally
        {
            lock (_lock) _waiting.Remove(one);
        }
    }

    /// <summary>For what nobody tells of: looks again and again, and does <paramref name="between"/> in between.</summary>
    public static async Task PollAsync(Func<bool> holds, string what, Action? between = null, TimeSpan? failSafe = null)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!holds())
        {
            if (TimeProvider.System.GetElapsedTime(started) > (failSafe ?? FailSafe))
                Assert.Fail($"It never came to this: {what}");
            between?.Invoke();
            // Not a wait for something to have happened, but the pace: time that a test lets pass must not outrun the engine's threads.
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System);
        }
    }
}
