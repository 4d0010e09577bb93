using Postrider.Scenarios.Peers;

namespace Postrider.Scenarios.Nodes;

/// <summary>Settings of nodes that notice within seconds what takes them most of a minute by default, and that say little.</summary>
static class Hasty
{
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(2);

    public static string[] Settings(ScriptedMx mx, params string[] more) =>
    [
        mx.Route, "Queue:Lease=2s", "Queue:RenewInterval=500ms", "Queue:RescueInterval=250ms", "Log:Level=Warning",
        "RateLimits:OthersPerSecond=1000000", "RateLimits:MessageListsPerSecond=1000000", .. more,
    ];
}
