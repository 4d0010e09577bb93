using Postrider.Api.Public;
using Postrider.Configuration;
using Postrider.Engine;
using Postrider.Engine.Queue;

namespace Postrider.Operations;

sealed class DatabaseCheck(IStore store) : IReadinessCheck
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public string Name => "database";

    public async ValueTask<Readiness> CheckAsync(CancellationToken cancel)
    {
        await store.CheckAsync(Patience, cancel);
        return new Readiness(true, "reads and writes");
    }
}

sealed class DispatcherCheck(MailEngine engine) : IReadinessCheck
{
    public string Name => "dispatcher";

    public ValueTask<Readiness> CheckAsync(CancellationToken cancel)
    {
        var since = engine.SinceDispatcherHeartbeat;
        return new(new Readiness(since <= engine.MostBetweenHeartbeats, $"last went round {since.TotalSeconds:0.0} s ago"));
    }
}

/// <summary>
/// What waits because its destination is left alone, or full, is not stuck; what could go out and does not, is. So is a lease nobody took
/// over.
/// </summary>
sealed class OldestDueCheck(MailEngine engine, QueueWatch watch, Settings settings, TimeProvider time) : IReadinessCheck
{
    public string Name => "oldest_due";

    public ValueTask<Readiness> CheckAsync(CancellationToken cancel)
    {
        var (lag, queue) = (engine.DispatchLag, watch.Last);
        var oldest = queue.OldestDue is { } due
            ? $"oldest due for {Math.Max(0, (time.GetUtcNow() - due).TotalSeconds):0} s" : "nothing due";
        return new(new Readiness(
            lag <= settings.OldestDue && watch.OverdueFor <= OverdueTime.Most,
            $"{oldest}; the dispatcher is {lag.TotalSeconds:0.0} s late; {queue.Overdue} leases overdue"));
    }
}

/// <summary>Nodes tell leases by their clocks.</summary>
sealed class ClockCheck(NodePresence presence) : IReadinessCheck
{
    public string Name => "clock";

    public ValueTask<Readiness> CheckAsync(CancellationToken cancel)
    {
        var skew = presence.Skew;
        return new(new Readiness(skew.Duration() <= NodePresence.MostSkew, $"{skew.TotalSeconds:+0.0;-0.0;0.0} s ahead of the database's"));
    }
}
