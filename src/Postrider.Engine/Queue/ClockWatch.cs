using Microsoft.Extensions.Logging;

namespace Postrider.Engine.Queue;

/// <summary>Notices that the wall clock leapt, by the clock that does not, and has the queue follow it.</summary>
/// <remarks>
/// Ahead: what has come due with it goes out at once, instead of with the next sweep. Back: mail that was accepted or deferred by the old
/// clock would wait until that time comes again, an hour without a word; so it is moved. Leases need nothing: renewals write their ends
/// anew.
/// </remarks>
sealed class ClockWatch(IQueueStore queue, Dispatcher dispatcher, Func<int> liveNodes, TimeProvider time, ILogger log)
{
    /// <summary>How often it looks: what is scheduled in between by the new clock may be taken for due by the old one.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Clocks are slewed by half a thousandth (adjtime); a late look measures a little wrong. A guess at what is neither.
    /// </summary>
    static readonly TimeSpan Least = TimeSpan.FromSeconds(2);

    DateTimeOffset _wall = time.GetUtcNow();
    long _timestamp = time.GetTimestamp();

    internal async Task LookAsync(CancellationToken cancel)
    {
        var (wall, timestamp) = (time.GetUtcNow(), time.GetTimestamp());
        var leap = wall - (_wall + time.GetElapsedTime(_timestamp, timestamp));
        if (leap.Duration() >= Least)
        {
            log.ClockLeapt(leap);
            if (leap < TimeSpan.Zero)
                await queue.SetBackAsync(new ClockSetBack(wall - leap, wall, WroteAll: liveNodes() == 1), cancel);
            dispatcher.LookAgain();
        }
        // Only now: what could not be written is seen again by the next look.
        (_wall, _timestamp) = (wall, timestamp);
    }
}
