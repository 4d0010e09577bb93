using Postrider.Operations;
using Postrider.Testing;

namespace Postrider.Tests.Operations;

public sealed class OverdueTimeTests
{
    [Fact]
    public void Counts_from_the_first_look_that_found_any_until_one_finds_none()
    {
        var time = new ManualTime();
        var overdue = new OverdueTime(time);

        overdue.Note(0);
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(TimeSpan.Zero, overdue.Elapsed);
        overdue.Note(3);
        time.Advance(TimeSpan.FromSeconds(10));
        overdue.Note(1);
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(TimeSpan.FromSeconds(20), overdue.Elapsed);
        overdue.Note(0);

        Assert.Equal(TimeSpan.Zero, overdue.Elapsed);
    }
}
