using System.Diagnostics;
using Postrider.Bench.Load;
using Postrider.Bench.Products;
using Postrider.Bench.Sinks;

namespace Postrider.Bench;

/// <summary>A million messages wait for another day, for the same domain: how late are the hundred that are due now?</summary>
/// <remarks>postrider only: the others know no times to send at.</remarks>
sealed class DueScenario(PostriderUnderTest product, FirstByteSink firstByte, BenchOptions options, Figures figures)
{
    const int MessagesARequest = 1_000;     // the contract's limit of personalizations
    const int FillingConnections = 4;
    const int Due = 100;

    /// <summary>Past what counts as now (ScaiSend:ScheduleSlack).</summary>
    static readonly TimeSpan Ahead = TimeSpan.FromSeconds(8);

    public async Task RunAsync(CancellationToken cancel)
    {
        using var made = await product.AskAsync(HttpMethod.Post, "/v3/mail/batch", cancel);
        var batch = made.RootElement.GetProperty("batch_id").GetString()!;
        var requests = Math.Max(1, options.Backlog / MessagesARequest);
        var fill = await ScheduleAsync(MessagesARequest, requests, TimeProvider.System.GetUtcNow() + TimeSpan.FromDays(1));
        Progress.Say($"schedule: {requests * MessagesARequest} messages for tomorrow in {fill.Elapsed.TotalSeconds:f0} s");

        var due = DateTimeOffset.FromUnixTimeSeconds((TimeProvider.System.GetUtcNow() + Ahead).ToUnixTimeSeconds());
        await ScheduleAsync(Due, 1, due);
        var now = TimeProvider.System.GetUtcNow();
        if (now >= due)
            throw new BenchFault("the messages were due before they were accepted");
        var dueAt = Stopwatch.GetTimestamp() + (long)((due - now).TotalSeconds * Stopwatch.Frequency);

        var late = new long[Due];
        for (var i = 0; i < Due; i++)
            late[i] = (await firstByte.NextAsync(cancel)).TransactionAt - dueAt;
        var latencies = new Latencies(late);
        if (latencies.Milliseconds(0) < 0)
            throw new BenchFault("mail went out before it was due");
        figures.Add(Metric.DueP50, latencies.Milliseconds(50));
        figures.Add(Metric.DueLast, latencies.Milliseconds(100));

        Task<LoadResult> ScheduleAsync(int messages, int times, DateTimeOffset at) => LoadGenerator.RunAsync(
            token => product.ConnectToScheduleAsync(Destinations.IdleDomain, messages, (batch, at), token),
            Math.Min(FillingConnections, times), times, cancel);
    }
}
