namespace Postrider.Api.RateLimits;

/// <summary>How many requests one caller made in the current second, without a lock.</summary>
sealed class RateWindow
{
    /// <summary>The rest holds a Unix time until past 2106.</summary>
    const int CountBits = 31;

    /// <summary>The second in the upper bits, the count in the lower ones, so that both change in one exchange.</summary>
    long _state;

    public long Second => Volatile.Read(ref _state) >> CountBits;

    /// <returns>False, and nothing is counted, when <paramref name="limit"/> was reached in this second.</returns>
    public bool TryTake(long second, int limit, out int remaining)
    {
        while (true)
        {
            var seen = Volatile.Read(ref _state);
            var count = seen >> CountBits == second ? (int)(seen & int.MaxValue) : 0;
            remaining = Math.Max(limit - count - 1, 0);
            if (count >= limit)
                return false;
            if (Interlocked.CompareExchange(ref _state, (second << CountBits) | (uint)(count + 1), seen) == seen)
                return true;
        }
    }
}
