using Postrider.Engine.Delivery;
using Postrider.Engine.Delivery.Shaping;

namespace Postrider.Engine.Tests.Delivery.Shaping;

public sealed class PaceTests
{
    static readonly DateTimeOffset Start = new(2026, 3, 2, 8, 15, 0, TimeSpan.Zero);

    [Fact]
    public void Each_success_allows_one_connection_more_until_all_are_allowed()
    {
        var pace = new Pace(5);

        var allowed = Enumerable.Range(0, 20).Select(_ =>
        {
            pace.Succeeded(most: 20);
            return pace.Connections;
        });

        Assert.Equal([6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 20, 20, 20, 20, 20], allowed);
    }

    [Fact]
    public void A_throttle_reply_halves_connections_and_rate_and_successes_win_them_back_bit_by_bit()
    {
        var pace = new Pace(16);

        Assert.True(pace.TrySlowDown(Start, "451 4.7.1 slower"));
        Assert.Equal((8, MessageBudget.FullPace / 2), (pace.Connections, pace.Rate));

        for (var i = 0; i < 9; i++)
            pace.Succeeded(most: 16);
        Assert.Equal((9, MessageBudget.FullPace / 2 + 9), (pace.Connections, pace.Rate));       // a round of successes, a connection
        for (var i = 0; i < 200; i++)
            pace.Succeeded(most: 16);
        Assert.Equal((16, MessageBudget.FullPace), (pace.Connections, pace.Rate));
    }

    [Fact]
    public void Replies_of_the_same_moment_count_once()
    {
        var pace = new Pace(16);

        for (var i = 0; i < 16; i++)
            Assert.True(pace.TrySlowDown(Start.AddMilliseconds(i), "451 4.7.1 slower"));

        Assert.Equal(8, pace.Connections);
    }

    [Fact]
    public void Throttle_replies_without_a_success_between_them_end_in_its_being_left_alone()
    {
        var pace = new Pace(5);

        var slowed = Enumerable.Range(0, 4).Select(i => pace.TrySlowDown(Start.AddSeconds(i * 2), "451 4.7.1 slower"));

        Assert.Equal([true, true, false, false], slowed);
        pace.Succeeded(most: 20);
        Assert.True(pace.TrySlowDown(Start.AddSeconds(20), "451 4.7.1 slower"));
    }

    [Fact]
    public void The_rate_never_falls_to_nothing()
    {
        var pace = new Pace(5);

        for (var i = 0; i < 100; i++)
            pace.LeaveAlone(Start.AddHours(i), "421", isThrottled: true, _ => TimeSpan.FromSeconds(1));

        Assert.Equal(MessageBudget.FullPace / 16, pace.Rate);
        Assert.Equal((1, 100), (pace.Connections, pace.Failures));
    }

    [Fact]
    public void A_host_that_could_not_be_reached_was_not_sent_too_much()
    {
        var pace = new Pace(5);

        pace.LeaveAlone(Start, "refused", isThrottled: false, _ => TimeSpan.FromSeconds(30));
        for (var i = 0; i < 5; i++)
            pace.Succeeded(most: 20);

        Assert.Equal((6, MessageBudget.FullPace, 0), (pace.Connections, pace.Rate, pace.Failures));
    }

    [Fact]
    public void Failures_while_it_is_left_alone_make_it_no_longer()
    {
        var pace = new Pace(5);

        Assert.Equal(TimeSpan.FromSeconds(30), pace.LeaveAlone(Start, "421", true, failures => TimeSpan.FromSeconds(30 * failures)));
        Assert.Null(pace.LeaveAlone(Start.AddSeconds(29), "421", true, failures => TimeSpan.FromSeconds(30 * failures)));
        Assert.Equal(
            TimeSpan.FromSeconds(60), pace.LeaveAlone(Start.AddSeconds(30), "421", true, failures => TimeSpan.FromSeconds(30 * failures)));
    }

    [Fact]
    public void Pauses_double_up_to_a_quarter_of_an_hour()
    {
        var pauses = Enumerable.Range(1, 8).Select(
            failures => new BackOffOptions().Pause(failures, null, new RetryOptions { Jitter = 0 }, new Random(1)));

        Assert.Equal([30, 60, 120, 240, 480, 900, 900, 900], pauses.Select(pause => pause.TotalSeconds));
    }

    [Fact]
    public void Pauses_follow_the_settings_and_the_destinations_own_and_never_end_the_curve()
    {
        var retry = new RetryOptions { Jitter = 0.2 };
        var set = new BackOffOptions { First = TimeSpan.FromSeconds(10), Most = TimeSpan.FromSeconds(35) };
        var random = new Random(5);

        Assert.Equal(
            [10, 20, 35, 35], Enumerable.Range(1, 4).Select(n => set.Pause(n, null, retry with { Jitter = 0 }, random).TotalSeconds));
        Assert.Equal(60, set.Pause(1, TimeSpan.FromMinutes(1), retry with { Jitter = 0 }, random).TotalSeconds);
        Assert.All(Enumerable.Range(1, 1_000), n => Assert.InRange(set.Pause(n, null, retry, random).TotalSeconds, 8, 42));
    }
}
