using System.Diagnostics.Metrics;

namespace Postrider.Engine;

/// <summary>The engine's instruments; names are in docs/operate/metrics.md.</summary>
static class EngineMetrics
{
    public const string MeterName = "Postrider";

    static readonly Meter Meter = new(MeterName);

    public static Counter<long> Accepted { get; } = Meter.CreateCounter<long>("postrider.messages.accepted", "{message}", "Messages stored.");
}
