using System.Diagnostics;

namespace Postrider.Bench.Load;

/// <summary>Every single latency of a measurement, so a percentile is a value that was seen.</summary>
sealed class Latencies
{
    readonly long[] _sorted;

    /// <param name="ticks"><see cref="Stopwatch"/> ticks; taken over and sorted.</param>
    public Latencies(long[] ticks)
    {
        Array.Sort(ticks);
        _sorted = ticks;
    }

    /// <param name="percent">0 to 100.</param>
    public double Milliseconds(double percent)
    {
        var rank = (int)Math.Ceiling(percent / 100 * _sorted.Length) - 1;
        return _sorted[Math.Clamp(rank, 0, _sorted.Length - 1)] * 1_000.0 / Stopwatch.Frequency;
    }
}
