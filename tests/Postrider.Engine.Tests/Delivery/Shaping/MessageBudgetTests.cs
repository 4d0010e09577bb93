using Postrider.Engine.Delivery.Shaping;
using Postrider.Testing;

namespace Postrider.Engine.Tests.Delivery.Shaping;

public sealed class MessageBudgetTests
{
    readonly ManualTime _time = new();

    [Theory]
    [InlineData("20/s")]
    [InlineData("7/s")]
    [InlineData("600/min")]
    [InlineData("1000/h")]
    [InlineData("100000/d")]
    public void Lets_through_what_the_rate_says_over_hours_and_loses_nothing_to_rounding(string text)
    {
        var rate = Rate(text);
        var budget = new MessageBudget([rate], _time);
        var hours = TimeSpan.FromHours(10);
        var end = _time.GetUtcNow() + hours;

        var sent = TakeAll(budget);
        while (_time.GetUtcNow() < end)
        {
            _time.Advance(budget.UntilNextRound());
            sent += TakeAll(budget);
        }

        var expected = hours / rate.Period * rate.Messages;
        Assert.InRange(sent, expected, expected + 1 + rate.Messages / 10);
    }

    [Fact]
    public void Has_a_burst_of_a_tenth_of_the_period_after_a_pause_and_one_message_at_first()
    {
        var budget = new MessageBudget([Rate("600/min")], _time);

        var first = budget.Available();
        _time.Advance(TimeSpan.FromDays(30));
        var later = budget.Available();

        Assert.Equal((1, 60), (first, later));
    }

    [Fact]
    public void Holds_to_all_of_several_rates()
    {
        var budget = new MessageBudget([Rate("10/s"), Rate("100/min")], _time);
        _time.Advance(TimeSpan.FromMinutes(5));

        var sent = new List<int>();
        for (var second = 0; second < 60; second++)
        {
            var thisSecond = 0;
            for (var step = 0; step < 20; step++)
            {
                _time.Advance(TimeSpan.FromMilliseconds(50));
                thisSecond += TakeAll(budget);
            }
            sent.Add(thisSecond);
        }

        Assert.InRange(sent.Max(), 9, 11);
        Assert.InRange(sent.Sum(), 100, 110);
    }

    [Fact]
    public void Is_divided_by_the_nodes_from_the_moment_their_number_changes()
    {
        var budget = new MessageBudget([Rate("60/s")], _time);

        Assert.Equal([60, 20, 30, 60], new[] { 1, 3, 2, 1 }.Select(nodes =>
        {
            budget.Share(nodes, MessageBudget.FullPace);
            TakeAll(budget);
            return Enumerable.Range(0, 40).Sum(_ =>
            {
                _time.Advance(TimeSpan.FromMilliseconds(25));
                return TakeAll(budget);
            });
        }));
    }

    [Fact]
    public void What_was_not_made_use_of_comes_back()
    {
        var budget = new MessageBudget([Rate("100/s")], _time);
        _time.Advance(TimeSpan.FromSeconds(1));
        budget.Take(budget.Available());

        budget.Return(4);

        Assert.Equal(4, budget.Available());
    }

    [Fact]
    public void Whatever_is_asked_and_whenever_no_stretch_of_time_sees_more_than_rate_times_time_and_the_burst()
    {
        var random = new Random(11);
        string[] units = ["s", "min", "h"];
        for (var run = 0; run < 100; run++)
        {
            var rate = Rate($"{random.Next(1, 2_000)}/{units[random.Next(units.Length)]}");
            var budget = new MessageBudget([rate], _time);
            var sent = new List<(DateTimeOffset At, int Count)>();
            for (var step = 0; step < 60; step++)
            {
                budget.Share(random.Next(1, 4), random.Next(4, MessageBudget.FullPace + 1));
                _time.Advance(rate.Period * (random.NextDouble() * random.NextDouble() / 5));
                var taken = Math.Min(budget.Available(), random.Next(0, 500));
                budget.Take(taken);
                var returned = random.Next(0, taken / 4 + 1);
                budget.Return(returned);
                sent.Add((_time.GetUtcNow(), taken - returned));
            }
            for (var from = 0; from < sent.Count; from++)
            {
                var sum = 0;
                for (var to = from; to < sent.Count; to++)
                {
                    sum += sent[to].Count;
                    var most = Math.Max(1, rate.Messages / 10.0) + rate.Messages * ((sent[to].At - sent[from].At) / rate.Period);
                    Assert.True(sum <= most + 1e-6, $"{rate}: {sum} in {sent[to].At - sent[from].At}, at most {most}");
                }
            }
        }
    }

    [Fact]
    public void Counts_the_largest_rate_without_overflow()
    {
        var budget = new MessageBudget([Rate("1000000/d")], _time);
        budget.Share(10_000, 4);
        _time.Advance(TimeSpan.FromDays(10_000));

        Assert.Equal(1, budget.Available());
        budget.Share(1, MessageBudget.FullPace);
        Assert.InRange(budget.Available(), 1, 160_000);
        Assert.True(budget.UntilNextRound() >= TimeSpan.Zero);
    }

    static int TakeAll(MessageBudget budget)
    {
        var available = budget.Available();
        budget.Take(available);
        return available;
    }

    static MessageRate Rate(string text) =>
        MessageRate.TryParse(text, out var rate) ? rate : throw new ArgumentException(text, nameof(text));
}
