using System.Diagnostics;
using Postrider.Bench.Load;
using Postrider.Bench.Products;
using Postrider.Bench.Sinks;

namespace Postrider.Bench;

/// <summary>
/// Large batches: one is cancelled in one call while all of it waits; one is due in a single second, and while it goes out its status is
/// asked for over and over.
/// </summary>
/// <remarks>postrider only: the others know no batches.</remarks>
sealed class BatchScenario(PostriderUnderTest product, Sink sink, BenchOptions options, Figures figures)
{
    const int MessagesARequest = 1_000;     // the contract's limit of personalizations
    const int FillingConnections = 4;

    static readonly TimeSpan Between = TimeSpan.FromMilliseconds(20);       // 50 reads a second: far more than any dashboard asks

    readonly int _requests = Math.Max(1, options.Scheduled / MessagesARequest);

    int Messages => _requests * MessagesARequest;

    public async Task RunAsync(CancellationToken cancel)
    {
        var (cancelled, fill) = await FillAsync(TimeProvider.System.GetUtcNow() + TimeSpan.FromDays(1), cancel);
        Progress.Say($"batches: {Messages} messages scheduled in {fill.TotalSeconds:f0} s");
        figures.Add(Metric.BatchCancelSeconds, (await CancelAsync(cancelled, cancel)).TotalSeconds);

        // Ahead by as long as it takes to fill it, and half as much again.
        var due = DateTimeOffset.FromUnixTimeSeconds(
            (TimeProvider.System.GetUtcNow() + fill * 1.5 + TimeSpan.FromSeconds(6)).ToUnixTimeSeconds());
        var (released, _) = await FillAsync(due, cancel);
        await ReleaseAsync(released, due, cancel);
    }

    async Task<(string Batch, TimeSpan Took)> FillAsync(DateTimeOffset at, CancellationToken cancel)
    {
        using var made = await product.AskAsync(HttpMethod.Post, "/v3/mail/batch", cancel);
        var batch = made.RootElement.GetProperty("batch_id").GetString()!;
        var fill = await LoadGenerator.RunAsync(
            token => product.ConnectToScheduleAsync(Destinations.SinkDomain, MessagesARequest, (batch, at), token),
            Math.Min(FillingConnections, _requests), _requests, cancel);
        return (batch, fill.Elapsed);
    }

    /// <summary>From the call to the moment its status says that all are cancelled.</summary>
    async Task<TimeSpan> CancelAsync(string batch, CancellationToken cancel)
    {
        var begun = Stopwatch.GetTimestamp();
        using (await product.AskAsync(HttpMethod.Post, $"/v3/mail/batch/{batch}/cancel", cancel))
        {
        }

        while (await CountAsync(batch, "cancelled", cancel) < Messages)
            await Task.Delay(Between, TimeProvider.System, cancel);
        return Stopwatch.GetElapsedTime(begun);
    }

    async Task ReleaseAsync(string batch, DateTimeOffset due, CancellationToken cancel)
    {
        var now = TimeProvider.System.GetUtcNow();
        if (now >= due)
            throw new BenchFault("the batch was due before all of it was accepted; try fewer messages");
        var dueAt = Stopwatch.GetTimestamp() + (long)((due - now).TotalSeconds * Stopwatch.Frequency);
        var all = sink.Received + Messages;

        using var reading = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var reads = ReadStatusAsync(batch, reading.Token);
        var lastAt = await sink.WaitForAsync(all, due - now, cancel);
        await reading.CancelAsync();
        var latencies = await reads;

        var took = Stopwatch.GetElapsedTime(dueAt, lastAt);
        if (took < TimeSpan.Zero)
            throw new BenchFault("mail went out before it was due");
        await product.WaitUntilSettledAsync(cancel);
        figures.Add(Metric.ReleaseSeconds, took.TotalSeconds);
        figures.Add(Metric.ReleasePerSecond, Messages / took.TotalSeconds);
        figures.Add(Metric.BatchStatusP99, latencies.Milliseconds(99));
    }

    async Task<Latencies> ReadStatusAsync(string batch, CancellationToken cancel)
    {
        var latencies = new List<long>();
        try
        {
            while (true)
            {
                var begun = Stopwatch.GetTimestamp();
                await CountAsync(batch, "delivered", cancel);
                latencies.Add(Stopwatch.GetTimestamp() - begun);
                await Task.Delay(Between, TimeProvider.System, cancel);
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return new Latencies([.. latencies]);
        }
    }

    async Task<long> CountAsync(string batch, string status, CancellationToken cancel)
    {
        using var answer = await product.AskAsync(HttpMethod.Get, $"/v3/mail/batch/{batch}", cancel);
        return answer.RootElement.GetProperty("status_counts").GetProperty(status).GetInt64();
    }
}
