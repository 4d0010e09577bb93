using System.Diagnostics;

namespace Postrider.Bench.Load;

/// <summary>What a burst of submissions came to.</summary>
/// <param name="Accepted">How many were accepted: all, or the run ends with a fault.</param>
/// <param name="Busy">How often the product asked to come back later.</param>
/// <param name="StartedAt">A <see cref="Stopwatch"/> timestamp.</param>
/// <param name="Elapsed">From the first submission to the last acceptance.</param>
/// <param name="OwnCpu">What this process used meanwhile.</param>
sealed record LoadResult(int Accepted, int Busy, long StartedAt, TimeSpan Elapsed, Latencies Latency, TimeSpan OwnCpu)
{
    public double PerSecond => Accepted / Elapsed.TotalSeconds;
}

/// <summary>
/// A closed loop: each connection sends its next message when the last one is accepted. So the offered load is what the product takes,
/// and an acceptance latency is that of a product at full speed.
/// </summary>
static class LoadGenerator
{
    static readonly TimeSpan BusyPause = TimeSpan.FromMilliseconds(100);
    static int _lastNumber;

    /// <summary>A message number never used before in this run.</summary>
    public static int NextNumber() => Interlocked.Increment(ref _lastNumber);

    public static async Task<LoadResult> RunAsync(
        Func<CancellationToken, Task<ISubmitter>> connect, int connections, int count, CancellationToken cancel)
    {
        var submitters = new List<ISubmitter>(connections);
        try
        {
            for (var i = 0; i < connections; i++) submitters.Add(await connect(cancel));
            return await RunAsync(submitters, count, cancel);
        }
        finally
        {
            foreach (var submitter in submitters) await submitter.DisposeAsync();
        }
    }

    static async Task<LoadResult> RunAsync(List<ISubmitter> submitters, int count, CancellationToken cancel)
    {
        var ticks = new long[count];
        var (taken, busy) = (0, 0);
        var cpuBefore = Environment.CpuUsage.TotalTime;
        var startedAt = Stopwatch.GetTimestamp();
        await Task.WhenAll(submitters.Select(SubmitAllAsync));
        var elapsed = Stopwatch.GetElapsedTime(startedAt);
        return new(count, busy, startedAt, elapsed, new(ticks), Environment.CpuUsage.TotalTime - cpuBefore);

        async Task SubmitAllAsync(ISubmitter submitter)
        {
            for (int index; (index = Interlocked.Increment(ref taken) - 1) < count;)
            {
                var number = NextNumber();
                var from = Stopwatch.GetTimestamp();
                while (!await submitter.SubmitAsync(number, cancel))
                {
                    Interlocked.Increment(ref busy);
                    await Task.Delay(BusyPause, TimeProvider.System, cancel);
                }

                ticks[index] = Stopwatch.GetTimestamp() - from;
            }
        }
    }
}
