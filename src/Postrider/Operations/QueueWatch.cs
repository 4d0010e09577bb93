using System.Diagnostics.Metrics;
using Postrider.Engine;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;

namespace Postrider.Operations;

/// <summary>
/// Looks at the whole queue every few seconds and shows it as gauges: what is live, leased, overdue, and how late the oldest due message
/// is.
/// </summary>
sealed class QueueWatch(IQueueStore queue, MailEngine engine, TimeProvider time, ILogger<QueueWatch> log) : BackgroundService
{
    /// <summary>A look costs milliseconds with a million messages queued.</summary>
    static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    readonly Meter _meter = new(EngineMetrics.MeterName);
    readonly OverdueTime _overdue = new(time);
    QueueSummary _last = new(0, 0, null, 0);

    /// <summary>As of the last look.</summary>
    public QueueSummary Last => Volatile.Read(ref _last);

    public TimeSpan OverdueFor => _overdue.Elapsed;

    protected override async Task ExecuteAsync(CancellationToken cancel)
    {
        _meter.CreateObservableGauge("postrider.queue.live", () => Last.Live, "{message}", "Messages not settled.");
        _meter.CreateObservableGauge("postrider.queue.leased", () => Last.Leased, "{message}", "Messages some node holds.");
        _meter.CreateObservableGauge(
            "postrider.queue.overdue", () => Last.Overdue, "{message}",
            "Ended leases nobody has taken over yet; a fault when it stays above 0.");
        _meter.CreateObservableGauge(
            "postrider.queue.oldest_due", () => Last.OldestDue is { } due ? (time.GetUtcNow() - due).TotalSeconds : 0, "s",
            "How long the message that has been due longest has been due, those behind destinations left alone included.");
        _meter.CreateObservableGauge(
            "postrider.dispatcher.lag", () => engine.DispatchLag.TotalSeconds, "s",
            "How late the dispatcher is with what could go out now.");

        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            do
                await LookAsync(cancel);
            while (await timer.WaitForNextTickAsync(cancel));
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // Told to stop.
        }
    }

    async Task LookAsync(CancellationToken cancel)
    {
        try
        {
            Volatile.Write(ref _last, await queue.SummaryAsync(time.GetUtcNow(), cancel));
            _overdue.Note(Last.Overdue);
        }
        catch (Exception e) when (!cancel.IsCancellationRequested)
        {
            log.QueueNotSeen(e is StoreUnavailableException ? null : e);
        }
    }

    public override void Dispose()
    {
        _meter.Dispose();
        base.Dispose();
    }
}
