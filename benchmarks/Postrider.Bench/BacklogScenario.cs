using System.Diagnostics;
using Postrider.Bench.Load;
using Postrider.Bench.Machine;
using Postrider.Bench.Products;
using Postrider.Bench.Sinks;

namespace Postrider.Bench;

/// <summary>
/// A destination is down and a million messages wait for it: what that costs those who go on sending, the memory it takes, and how soon
/// after kill -9 mail for somebody else flows again.
/// </summary>
/// <remarks>
/// postrider only: to fill Postfix's queue with a million files takes the better part of an hour, and it has no such promise.
/// </remarks>
sealed class BacklogScenario(PostriderUnderTest product, FirstByteSink firstByte, BenchOptions options, Figures figures)
{
    const int MessagesARequest = 1_000;     // the contract's limit of personalizations
    const int FillingConnections = 4;

    public async Task RunAsync(CancellationToken cancel)
    {
        await AcceptAsync(cancel);      // warms up
        var empty = await AcceptAsync(cancel);

        var requests = Math.Max(1, options.Backlog / MessagesARequest);
        var fill = await LoadGenerator.RunAsync(
            token => product.ConnectForManyAsync(Destinations.DownDomain, MessagesARequest, token),
            Math.Min(FillingConnections, requests), requests, cancel);
        Progress.Say($"backlog: {requests * MessagesARequest} messages queued in {fill.Elapsed.TotalSeconds:f0} s");

        var full = await AcceptAsync(cancel);
        Progress.Say($"backlog: accepted {empty.PerSecond:f0}/s before it, {full.PerSecond:f0}/s on top of it");
        figures.Add(Metric.BacklogAcceptedPerSecond, full.PerSecond);
        figures.Add(Metric.BacklogPaceKept, full.PerSecond / empty.PerSecond);
        figures.Add(Metric.BacklogResident, ProcessStats.ResidentOctets(product.Nodes) / 1e6);
        figures.Add(Metric.BacklogFirstDelivery, (await RestartAsync(cancel)).TotalSeconds);
    }

    Task<LoadResult> AcceptAsync(CancellationToken cancel) => LoadGenerator.RunAsync(
        token => product.ConnectAsync(Destinations.DownDomain, token), options.Connections ?? Product.Backlogged(options.Store).Connections,
        options.Messages, cancel);

    /// <summary>From the start of the new process to the first byte of a message posted to it as soon as it takes one.</summary>
    async Task<TimeSpan> RestartAsync(CancellationToken cancel)
    {
        var startedAt = await product.KillAndStartAsync();
        await product.WaitUntilListeningAsync(cancel);
        await LoadGenerator.RunAsync(token => product.ConnectAsync(Destinations.IdleDomain, token), connections: 1, count: 1, cancel);
        return Stopwatch.GetElapsedTime(startedAt, (await firstByte.NextAsync(cancel)).TransactionAt);
    }
}
