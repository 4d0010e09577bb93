using Postrider.Engine.Messages;
using Postrider.Testing;

namespace Postrider.Engine.Tests.Messages;

public sealed class IdGeneratorTests
{
    sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 3, 2, 8, 15, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }

    [Fact]
    public void Ids_ascend_while_the_clock_stands_runs_and_steps_back()
    {
        var clock = new Clock();
        var ids = new IdGenerator(clock);
        var made = new List<string>();
        for (var i = 0; i < 20_000; i++)
        {
            clock.Now += TimeSpan.FromMilliseconds(i switch { < 10_000 => 0, < 15_000 => 1, 15_000 => -3_600_000, _ => 0 });
            made.Add(Base32.Format(ids.Next()));
        }

        Assert.Equal(made.Order(StringComparer.Ordinal), made);
        Assert.Equal(made.Count, made.Distinct().Count());
    }

    [Fact]
    public void An_id_tells_when_it_was_made_and_is_a_uuid_of_version_7()
    {
        var time = new ManualTime();
        var id = new IdGenerator(time).Next();

        Assert.Equal(time.GetUtcNow(), new MessageId(id).CreatedAt);
        Assert.Equal((7, 2), (id.Version, id.Variant >> 2));
    }

    [Fact]
    public async Task Ids_made_by_several_threads_are_all_different()
    {
        var ids = new IdGenerator(new ManualTime());

        var made = await Task.WhenAll(
            Enumerable.Range(0, 4).Select(_ => Task.Run(() => Enumerable.Range(0, 5_000).Select(_ => ids.Next()).ToArray())));

        Assert.Equal(20_000, made.SelectMany(one => one).Distinct().Count());
        Assert.All(made, one => Assert.Equal(one.Select(Base32.Format).Order(StringComparer.Ordinal), one.Select(Base32.Format)));
    }
}
