using Postrider.Mail.Smtp.Client;
using Postrider.Testing;

namespace Postrider.Mail.Tests.Smtp.Client;

public sealed class BrokenTlsMemoryTests
{
    [Fact]
    public void Forgets_after_its_time()
    {
        var time = new ManualTime();
        var memory = new BrokenTlsMemory(time, TimeSpan.FromHours(1));

        memory.Remember("MX.example");

        Assert.True(memory.IsBroken("mx.EXAMPLE"));
        time.Advance(TimeSpan.FromHours(1));
        Assert.False(memory.IsBroken("mx.example"));
    }

    [Fact]
    public void Holds_no_more_than_its_capacity_and_drops_the_oldest()
    {
        var time = new ManualTime();
        var memory = new BrokenTlsMemory(time, TimeSpan.FromHours(1), capacity: 2);

        foreach (var host in new[] { "a", "b", "c" })
        {
            memory.Remember(host);
            time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal([false, true, true], new[] { "a", "b", "c" }.Select(memory.IsBroken));
    }
}
