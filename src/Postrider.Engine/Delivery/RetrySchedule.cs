namespace Postrider.Engine.Delivery;

/// <summary>When a message that failed for now is tried again (contracts/scaisend.md §8.3).</summary>
public sealed record RetryOptions
{
    /// <summary>Wait after the first, second, … failed attempt; the last one repeats. Default 1, 5, 15, 30 min, 1, 2, 4, 8 h.</summary>
    public IReadOnlyList<TimeSpan> Delays { get; init; } =
    [
        TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(30),
        TimeSpan.FromHours(1), TimeSpan.FromHours(2), TimeSpan.FromHours(4), TimeSpan.FromHours(8),
    ];

    /// <summary>
    /// Each wait is stretched or shrunk by up to this share, so that what failed together is not retried together. 0 to 0.9, default 0.2.
    /// </summary>
    public double Jitter { get; init; } = 0.2;

    /// <summary>How long a message is tried for, from its release. Default 72 h.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromHours(72);

    /// <param name="failed">Attempts that have failed, this one included: 1 or more.</param>
    /// <returns>Null when its lifetime is used up. The last attempt falls on the end of the lifetime itself.</returns>
    public DateTimeOffset? NextAttempt(int failed, DateTimeOffset firstDue, DateTimeOffset now, Random random)
    {
        var end = firstDue + Lifetime;
        if (now >= end)
            return null;
        var next = now + Jittered(Delays[Math.Min(failed, Delays.Count) - 1], random);
        return next < end ? next : end;
    }

    internal TimeSpan Jittered(TimeSpan delay, Random random)
    {
        double draw;
        lock (random) draw = random.NextDouble();       // Random is not safe for several threads
        return delay * (1 + Jitter * (2 * draw - 1));
    }
}
