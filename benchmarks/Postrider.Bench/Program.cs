using System.Runtime.InteropServices;
using Postrider.Bench;
using Postrider.Bench.Machine;

if (args is ["--help" or "-h"])
{
    Console.WriteLine(BenchOptions.Usage);
    return 0;
}

if (!BenchOptions.TryParse(args, out var options, out var refusal))
{
    Console.Error.WriteLine($"bench: {refusal}");
    Console.Error.WriteLine(BenchOptions.Usage);
    return 2;
}

SocketTuning.ApplyToThisProcess();
using var interrupted = new CancellationTokenSource();
void Interrupt(PosixSignalContext signal)
{
    signal.Cancel = true;       // what was started is stopped first
    interrupted.Cancel();
}

using var onInterrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
using var onTerminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
using var onHangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Interrupt);
try
{
    var report = await new Benchmark(options).RunAsync(interrupted.Token);
    Console.WriteLine(options.Json ? report.Json() : report.Table());
    return 0;
}
catch (OperationCanceledException) when (interrupted.IsCancellationRequested)
{
    Console.Error.WriteLine("bench: interrupted");
    return 130;
}
catch (BenchFault fault)
{
    Console.Error.WriteLine($"bench: {fault.Message}");
    return 1;
}
