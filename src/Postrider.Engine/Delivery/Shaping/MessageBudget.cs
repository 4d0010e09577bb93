namespace Postrider.Engine.Delivery.Shaping;

/// <summary>
/// What a destination's rates allow this node at present: a token bucket for each rate. A bucket holds what a tenth of the period brings,
/// at least one message; so in any time no more goes out than the rate times that time, and a tenth of the period's messages.
/// </summary>
/// <remarks>
/// Counted in whole numbers, so that nothing is lost to rounding however long it runs: each tick brings <see cref="MessageRate.Messages"/>
/// units, and a message costs as many units as the period has ticks, times the nodes that share the rate, over how much of it is made use
/// of. Not for several threads: its destination's lock guards it.
/// </remarks>
sealed class MessageBudget
{
    /// <summary>The pace is counted in these parts.</summary>
    public const int FullPace = 64;

    /// <summary>
    /// What comes in this time is taken in one go, so that high rates do not mean a claim a message. A guess at a few claims' length.
    /// </summary>
    static readonly TimeSpan Round = TimeSpan.FromMilliseconds(50);

    readonly TimeProvider _time;
    readonly long _start;
    readonly Bucket[] _buckets;

    sealed class Bucket(MessageRate rate)
    {
        public MessageRate Rate => rate;
        public long Units { get; set; }
        public long Cost { get; set; } = rate.Period.Ticks;
        public long CountedTo { get; set; }

        public long Capacity => Math.Max(Cost, rate.Messages * (rate.Period.Ticks / 10));

        public void Fill(long now)
        {
            // A full period fills it in any case; more would overflow.
            var ticks = Math.Min(now - CountedTo, rate.Period.Ticks);
            Units = Math.Min(Capacity, Units + ticks * rate.Messages);
            CountedTo = now;
        }
    }

    public MessageBudget(IReadOnlyList<MessageRate> rates, TimeProvider time)
    {
        (_time, _start) = (time, time.GetTimestamp());
        _buckets = [.. rates.Select(rate => new Bucket(rate))];
        // It starts with one message: a process that restarts again and again has no burst each time.
        foreach (var bucket in _buckets)
            bucket.Units = bucket.Cost;
    }

    public bool IsUnlimited => _buckets.Length == 0;

    /// <param name="nodes">That share the rates: 1 or more.</param>
    /// <param name="pace">Of <see cref="FullPace"/>: how much of the rates is made use of.</param>
    public void Share(int nodes, int pace)
    {
        foreach (var bucket in _buckets)
            bucket.Cost = bucket.Rate.Period.Ticks * nodes * FullPace / pace;
    }

    /// <summary>Messages that may go out now.</summary>
    public int Available()
    {
        var now = Now;
        var least = long.MaxValue;
        foreach (var bucket in _buckets)
        {
            bucket.Fill(now);
            least = Math.Min(least, bucket.Units / bucket.Cost);
        }
        return (int)Math.Clamp(least, 0, int.MaxValue);
    }

    /// <summary>No more than are <see cref="Available"/>.</summary>
    public void Take(int messages)
    {
        foreach (var bucket in _buckets)
            bucket.Units -= messages * bucket.Cost;
    }

    /// <summary>Gives back what was taken and not made use of.</summary>
    public void Return(int messages)
    {
        foreach (var bucket in _buckets)
            bucket.Units = Math.Min(bucket.Capacity, bucket.Units + messages * bucket.Cost);
    }

    /// <summary>Until a round's worth of messages may go out, one at least; zero when that is now.</summary>
    public TimeSpan UntilNextRound()
    {
        var now = Now;
        var longest = 0L;
        foreach (var bucket in _buckets)
        {
            bucket.Fill(now);
            // Half of what it can hold at most: a full bucket is time lost.
            var round = Math.Max(
                bucket.Cost, Math.Min(Round.Ticks * bucket.Rate.Messages, bucket.Capacity / 2) / bucket.Cost * bucket.Cost);
            var missing = round - bucket.Units;
            longest = Math.Max(longest, (missing + bucket.Rate.Messages - 1) / bucket.Rate.Messages);
        }
        return TimeSpan.FromTicks(longest);
    }

    long Now => _time.GetElapsedTime(_start).Ticks;
}
