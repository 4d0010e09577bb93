using Postrider.Engine.Delivery;

namespace Postrider.Engine.Tests.Delivery;

public sealed class RetryOptionsTests
{
    static readonly DateTimeOffset Start = new(2026, 3, 2, 8, 15, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 5)]
    [InlineData(3, 15)]
    [InlineData(4, 30)]
    [InlineData(5, 60)]
    [InlineData(6, 120)]
    [InlineData(7, 240)]
    [InlineData(8, 480)]
    [InlineData(9, 480)]
    [InlineData(1_000, 480)]
    public void Waits_as_the_contract_says(int failed, int minutes)
    {
        var retry = new RetryOptions { Jitter = 0 };

        Assert.Equal(Start.AddMinutes(minutes), retry.NextAttempt(failed, Start, Start, new Random(1)));
    }

    [Fact]
    public void Tries_for_three_days_and_a_last_time_when_they_end()
    {
        var retry = new RetryOptions { Jitter = 0 };
        var attempts = Attempts(retry, new Random(1));

        Assert.Equal(Start.AddHours(72), attempts[^1]);
        Assert.Equal(17, attempts.Count);
    }

    [Fact]
    public void Whatever_the_schedule_no_retry_is_early_none_is_late_and_it_ends()
    {
        var random = new Random(7);
        for (var run = 0; run < 500; run++)
        {
            var retry = new RetryOptions
            {
                Delays = [.. Enumerable.Range(0, random.Next(1, 10)).Select(_ => TimeSpan.FromSeconds(random.Next(1, 50_000)))],
                Jitter = random.NextDouble() * 0.9,
                Lifetime = TimeSpan.FromSeconds(random.Next(1, 300_000)),
            };
            var end = Start + retry.Lifetime;
            var now = Start;
            var failed = 0;
            while (retry.NextAttempt(++failed, Start, now, random) is { } next)
            {
                var delay = retry.Delays[Math.Min(failed, retry.Delays.Count) - 1];
                Assert.True(next == end || next >= now + delay * (1 - retry.Jitter) - TimeSpan.FromTicks(1));
                Assert.True(next <= now + delay * (1 + retry.Jitter) + TimeSpan.FromTicks(1));
                Assert.True(next <= end && next > now);
                now = next;
            }
            Assert.Equal(end, now);
        }
    }

    [Fact]
    public void Jitter_spreads_what_failed_together()
    {
        var random = new Random(3);
        var retry = new RetryOptions();

        var waits = Enumerable.Range(0, 1_000)
            .Select(_ => (retry.NextAttempt(5, Start, Start, random)!.Value - Start).TotalMinutes).ToArray();

        Assert.InRange(waits.Min(), 48, 50);
        Assert.InRange(waits.Max(), 70, 72);
        Assert.InRange(waits.Average(), 58, 62);
    }

    static List<DateTimeOffset> Attempts(RetryOptions retry, Random random)
    {
        var attempts = new List<DateTimeOffset> { Start };
        while (retry.NextAttempt(attempts.Count, Start, attempts[^1], random) is { } next)
            attempts.Add(next);
        return attempts;
    }
}
