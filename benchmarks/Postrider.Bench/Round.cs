using System.Diagnostics;
using Postrider.Bench.Load;
using Postrider.Bench.Machine;
using Postrider.Bench.Products;
using Postrider.Bench.Sinks;

namespace Postrider.Bench;

/// <summary>
/// One product, freshly started: warm-up, idle latency, end to end, acceptance. The destination that is down comes last, so that its
/// waiting mail burdens nothing else.
/// </summary>
sealed class Round(IProductUnderTest product, Sink sink, FirstByteSink firstByte, BenchOptions options, Product kind, Figures figures)
{
    const int IdleMessages = 200;
    static readonly TimeSpan IdleGap = TimeSpan.FromMilliseconds(50);

    public async Task RunAsync(CancellationToken cancel)
    {
        await WarmUpAsync(cancel);
        await MeasureIdleAsync(cancel);
        await MeasureEndToEndAsync(cancel);
        await MeasureAcceptanceAsync(cancel);
        figures.Add(Metric.PeakResident, ProcessStats.PeakResidentOctets(product.Processes.Except(Database)) / 1e6);
        if (product.Database is { } database) figures.Add(Metric.DatabaseMemory, database.MemoryOctets / 1e6);
    }

    int[] Database => product.Database is { } database ? [database.ProcessId] : [];

    /// <summary>
    /// A server runs for months: what only its first seconds cost (just-in-time compiling, forking) is no part of its speed.
    /// </summary>
    async Task WarmUpAsync(CancellationToken cancel) => await SendToSinkAsync(Math.Max(100, options.Messages / kind.Divisor), cancel);

    async Task MeasureIdleAsync(CancellationToken cancel)
    {
        await using var submitter = await product.ConnectAsync(Destinations.IdleDomain, cancel);
        var (firstBytes, contents) = (new long[IdleMessages], new long[IdleMessages]);
        for (var i = 0; i < IdleMessages; i++)
        {
            await Task.Delay(IdleGap, TimeProvider.System, cancel);
            var calledAt = Stopwatch.GetTimestamp();
            if (!await submitter.SubmitAsync(LoadGenerator.NextNumber(), cancel)) throw new BenchFault("an idle product says it is busy");
            var arrival = await firstByte.NextAsync(cancel);
            if (arrival.Signed != kind.Signed)
                throw new BenchFault($"a message of {kind.Title} {(arrival.Signed ? "is" : "is not")} signed");
            (firstBytes[i], contents[i]) = (arrival.TransactionAt - calledAt, arrival.ContentAt - calledAt);
        }

        var latencies = new Latencies(firstBytes);
        figures.Add(Metric.IdleFirstByteP50, latencies.Milliseconds(50));
        figures.Add(Metric.IdleFirstByteP99, latencies.Milliseconds(99));
        figures.Add(Metric.IdleContentP50, new Latencies(contents).Milliseconds(50));
    }

    async Task MeasureEndToEndAsync(CancellationToken cancel)
    {
        var count = options.Messages / kind.Divisor;
        var (cpuBefore, sinkBefore, machineBefore) = (ProcessStats.Cpu(product.Processes), sink.Cpu, MachineLoad.Busy());
        if (options.Statements && product.Database is { } counting) await counting.ForgetStatementsAsync(cancel);
        var workBefore = product.Database is { } database ? await database.ReadWorkAsync(cancel) : null;
        var startedAt = Stopwatch.GetTimestamp();

        var (load, lastAt) = await SendToSinkAsync(count, cancel);

        var elapsed = Stopwatch.GetElapsedTime(load.StartedAt, lastAt);
        var cpu = ProcessStats.Cpu(product.Processes) - cpuBefore;
        var sinkCpu = sink.Cpu - sinkBefore;
        var others = MachineLoad.Busy() - machineBefore - cpu - load.OwnCpu - sinkCpu;
        var othersShare = others / (Stopwatch.GetElapsedTime(startedAt) * Environment.ProcessorCount);
        figures.Add(Metric.EndToEndPerSecond, count / elapsed.TotalSeconds);
        figures.Add(Metric.CpuMilliseconds, cpu.TotalMilliseconds / count);
        Progress.Say(
            $"end to end: {count} messages in {elapsed.TotalSeconds:f1} s, accepted at {load.PerSecond:f0}/s; CPU ms a message: product "
            + $"{cpu.TotalMilliseconds / count:f2}, load {load.OwnCpu.TotalMilliseconds / count:f3}, "
            + $"sink {sinkCpu.TotalMilliseconds / count:f3}; everything else took {othersShare:p0} of the machine");
        if (workBefore is null) return;
        AddWork(workBefore, await product.Database!.ReadWorkAsync(cancel), count);
        await TellStatementsAsync(product.Database, cancel);
    }

    async Task TellStatementsAsync(PostgresServer database, CancellationToken cancel)
    {
        if (!options.Statements) return;
        Progress.Say("statements of the database: calls, ms altogether, text");
        foreach (var line in (await database.DescribeStatementsAsync(cancel)).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            Progress.Say("  " + line);
    }

    void AddWork(DatabaseWork before, DatabaseWork after, double messages)
    {
        figures.Add(Metric.DatabaseCpuMilliseconds, (after.Cpu - before.Cpu).TotalMilliseconds / messages);
        figures.Add(Metric.StatementsAMessage, (after.Statements - before.Statements) / messages);
        figures.Add(Metric.CommitsAMessage, (after.Commits - before.Commits) / messages);
        figures.Add(Metric.LogOctetsAMessage, (after.LogOctets - before.LogOctets) / messages);
        figures.Add(Metric.StoredOctetsAMessage, (after.Octets - before.Octets) / messages);
        figures.Add(Metric.DatabaseConnections, after.Connections);
    }

    async Task MeasureAcceptanceAsync(CancellationToken cancel)
    {
        var count = options.Messages / kind.Divisor * 3 / 2;
        var load = await LoadGenerator.RunAsync(
            token => product.ConnectAsync(Destinations.DownDomain, token), options.Connections ?? kind.Connections, count, cancel);
        figures.Add(Metric.AcceptedPerSecond, load.PerSecond);
        figures.Add(Metric.AcceptanceP50, load.Latency.Milliseconds(50));
        figures.Add(Metric.AcceptanceP99, load.Latency.Milliseconds(99));
        Progress.Say(
            $"accepted: {count} messages in {load.Elapsed.TotalSeconds:f1} s, {load.PerSecond:f0}/s, told to wait {load.Busy} times; "
            + $"CPU ms a message of the load generator: {load.OwnCpu.TotalMilliseconds / count:f3}");
    }

    /// <returns>When the last one was at the sink; by the time this returns, every state is recorded too.</returns>
    async Task<(LoadResult Load, long LastAt)> SendToSinkAsync(int count, CancellationToken cancel)
    {
        var expected = sink.Received + count;
        // Watched from the start: the sink stalls when nobody reads its counters.
        var arriving = sink.WaitForAsync(expected, cancel);
        var load = await LoadGenerator.RunAsync(
            token => product.ConnectAsync(Destinations.SinkDomain, token), options.Connections ?? kind.Connections, count, cancel);
        var lastAt = await arriving;
        await product.WaitUntilSettledAsync(cancel);
        if (sink.Received != expected) throw new BenchFault($"the sink has {sink.Received - expected} messages more than were sent");
        return (load, lastAt);
    }
}
