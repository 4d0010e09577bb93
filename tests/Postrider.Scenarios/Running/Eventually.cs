using System.Diagnostics;

namespace Postrider.Scenarios.Running;

/// <summary>Looks at another process until it shows what is waited for: it gives no signal to wait on.</summary>
static class Eventually
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    /// <exception cref="TimeoutException">Tells what was seen last.</exception>
    public static async Task<T> SeesAsync<T>(Func<Task<T>> look, Func<T, bool> isIt, string awaited, TimeSpan? patience = null)
    {
        var cancel = TestContext.Current.CancellationToken;
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var seen = await look();
            if (isIt(seen))
                return seen;
            if (Stopwatch.GetElapsedTime(started) > (patience ?? Patience))
                throw new TimeoutException($"Not within {patience ?? Patience}: {awaited}. Seen last: {seen}");
            await Task.Delay(Interval, TimeProvider.System, cancel);
        }
    }

    public static Task IsTrueAsync(Func<bool> isIt, string awaited, TimeSpan? patience = null) =>
        SeesAsync(() => Task.FromResult(isIt()), seen => seen, awaited, patience);
}
