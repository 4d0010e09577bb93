using System.Diagnostics.Metrics;
using Postrider.Engine;
using Postrider.Engine.Delivery.Shaping;

namespace Postrider.Operations;

/// <summary>
/// Tells what this node's destinations are held back by: in the store for <c>postrider queue</c>, which is another process, and as gauges.
/// </summary>
sealed class DestinationWatch(IDestinationReports reports, MailEngine engine, TimeProvider time, ILogger<DestinationWatch> log)
    : BackgroundService
{
    /// <summary>One small write when something has changed.</summary>
    static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    /// <summary>A report is written again though it is the same: it also says that the node lives.</summary>
    static readonly TimeSpan Renewal = TimeSpan.FromSeconds(30);

    /// <summary>A report older than this is a dead node's.</summary>
    public static readonly TimeSpan Lifetime = Renewal * 3;

    readonly Meter _meter = new(EngineMetrics.MeterName);
    IReadOnlyList<DestinationView> _limited = [];
    string? _published;
    long _publishedAt;

    protected override async Task ExecuteAsync(CancellationToken cancel)
    {
        _meter.CreateObservableGauge(
            "postrider.destinations.limited", CountByLimit, "{destination}",
            "Destinations that some limit holds back on this node, by limit.");
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            do
                await LookAsync(cancel);
            while (await timer.WaitForNextTickAsync(cancel));
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            await WithdrawAsync();
        }
    }

    async Task LookAsync(CancellationToken cancel)
    {
        try
        {
            var limited = engine.Destinations.Where(destination => destination.Binds != BindingLimit.None).ToArray();
            Volatile.Write(ref _limited, limited);
            var now = time.GetUtcNow();
            var report = new NodeReport(
                engine.Node, now, [.. limited.OrderBy(one => one.Key, StringComparer.Ordinal).Take(NodeReport.MostDestinations)]);
            var text = report.Encode();
            if (text == _published && time.GetElapsedTime(_publishedAt) < Renewal)
                return;
            await reports.PublishAsync(report, now - Lifetime, cancel);
            (_published, _publishedAt) = (text, time.GetTimestamp());
        }
        catch (Exception e) when (!cancel.IsCancellationRequested)
        {
            log.DestinationsNotReported(e);
        }
    }

    async Task WithdrawAsync()
    {
        try
        {
            await reports.WithdrawAsync(engine.Node, CancellationToken.None);       // the stop must not leave it to be believed
        }
        catch (Exception e)
        {
            log.DestinationsNotReported(e);     // it grows old by itself
        }
    }

    IEnumerable<Measurement<int>> CountByLimit()
    {
        var counts = Volatile.Read(ref _limited).CountBy(destination => destination.Binds).ToDictionary();
        return Enum.GetValues<BindingLimit>().Where(limit => limit != BindingLimit.None)
            .Select(limit => new Measurement<int>(
                counts.GetValueOrDefault(limit), KeyValuePair.Create("limit", (object?)LimitWords.Of(limit))));
    }

    public override void Dispose()
    {
        _meter.Dispose();
        base.Dispose();
    }
}

/// <summary>Limits as the operator reads them, in commands and metrics.</summary>
static class LimitWords
{
    public static string Of(BindingLimit limit) => limit switch
    {
        BindingLimit.Concurrency => "concurrency",
        BindingLimit.Rate => "rate",
        BindingLimit.BackOff => "back-off",
        BindingLimit.Dns => "dns",
        BindingLimit.Room => "room",
        _ => "none",
    };
}
