using Postrider.Engine.Queue;
using Postrider.Engine.Tests.Rig;

namespace Postrider.Engine.Tests.Queue;

public sealed class BacklogScheduleTests
{
    static readonly DateTimeOffset Start = new(2026, 3, 2, 8, 15, 0, TimeSpan.Zero);

    readonly BacklogSchedule _schedule = new();

    static BacklogKey Key(int number) => new(Sender.Tenant, $"d{number}.example");

    [Fact]
    public void A_backlog_comes_up_when_it_is_due_and_once()
    {
        Assert.True(_schedule.Note(Key(1), Start.AddSeconds(5)));
        Assert.False(_schedule.TryTakeDue(Start, out _));
        Assert.Equal(Start.AddSeconds(5), _schedule.NextAt);

        Assert.True(_schedule.TryTakeDue(Start.AddSeconds(5), out var key));
        Assert.Equal(Key(1), key);
        Assert.False(_schedule.TryTakeDue(Start.AddHours(1), out _));
        Assert.Null(_schedule.NextAt);
    }

    [Fact]
    public void The_earlier_of_two_times_counts_and_only_a_new_earliest_wakes()
    {
        Assert.True(_schedule.Note(Key(1), Start.AddSeconds(10)));
        Assert.False(_schedule.Note(Key(1), Start.AddSeconds(20)));
        Assert.False(_schedule.Note(Key(2), Start.AddSeconds(15)));
        Assert.True(_schedule.Note(Key(2), Start.AddSeconds(5)));

        Assert.Equal((Start.AddSeconds(5), 2), (_schedule.NextAt, _schedule.Count));
    }

    [Fact]
    public void Each_of_many_due_backlogs_is_served_within_as_many_turns()
    {
        const int Backlogs = 50;
        var lastServed = Enumerable.Repeat(0, Backlogs).ToArray();
        for (var i = 0; i < Backlogs; i++)
            _schedule.Note(Key(i), Start);

        for (var turn = 1; turn <= 5_000; turn++)
        {
            var now = Start.AddMilliseconds(turn / 32);     // as many claims bear the same time
            Assert.True(_schedule.TryTakeDue(now, out var key));
            var index = int.Parse(key.Domain.AsSpan(1, key.Domain.IndexOf('.', StringComparison.Ordinal) - 1));
            Assert.InRange(turn - lastServed[index], 1, Backlogs);
            lastServed[index] = turn;
            _schedule.Note(key, now);
        }
    }

    [Fact]
    public void Nothing_noted_is_lost_and_nothing_comes_up_late()
    {
        var random = new Random(11);
        var model = new Dictionary<BacklogKey, DateTimeOffset>();
        var now = Start;
        for (var step = 0; step < 20_000; step++)
        {
            if (random.Next(2) == 0)
            {
                var (key, at) = (Key(random.Next(30)), now.AddSeconds(random.Next(-5, 20)));
                _schedule.Note(key, at);
                model[key] = model.TryGetValue(key, out var known) && known < at ? known : at;
            }
            else
            {
                now = now.AddSeconds(random.Next(3));
                var due = model.Count > 0 && model.Values.Min() <= now;
                Assert.Equal(due, _schedule.TryTakeDue(now, out var key));
                if (due)
                {
                    Assert.Equal(model.Values.Min(), model[key]);
                    model.Remove(key);
                }
            }
            Assert.Equal(model.Count, _schedule.Count);
            Assert.Equal(model.Count == 0 ? null : model.Values.Min(), _schedule.NextAt);
        }
    }
}
