using Postrider.Engine.Queue;

namespace Postrider.Engine.Tests.Queue;

public sealed class QueueOptionsTests
{
    static readonly TimeSpan Promised = TimeSpan.FromMinutes(1);

    /// <summary>What a claim and its commit may take at the end of it.</summary>
    static readonly TimeSpan Margin = TimeSpan.FromSeconds(5);

    [Fact]
    public void By_default_a_dead_nodes_messages_are_taken_over_within_a_minute()
    {
        var options = new QueueOptions();

        Assert.True(options.Lease + options.RescueInterval + Margin < Promised);
        // A node that has just started spares the others for one renewal, within what the lease had left.
        Assert.True(options.RenewInterval + options.RescueInterval <= options.Lease - options.RenewInterval);
    }

    [Fact]
    public void By_default_a_renewal_may_fail_and_the_next_still_comes_in_time()
    {
        var options = new QueueOptions();

        Assert.True(options.Lease >= options.RenewInterval * 3);
    }
}
