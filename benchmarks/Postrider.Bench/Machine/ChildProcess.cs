using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Postrider.Bench.Machine;

/// <summary>A program this run started, which ends with it. What it prints goes to a log file, read only when it fails.</summary>
sealed partial class ChildProcess : IAsyncDisposable
{
    const int Sigterm = 15;
    static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(40);    // more than postrider's 30 s of graceful shutdown

    readonly Process _process;
    readonly string _name;
    readonly string? _log;

    ChildProcess(Process process, string name, string? log) => (_process, _name, _log) = (process, name, log);

    public int Id => _process.Id;

    /// <summary>The program's standard output, when it was started without a log.</summary>
    public Stream Output => _process.StandardOutput.BaseStream;

    /// <param name="log">Where its output goes; null leaves standard output to <see cref="Output"/>.</param>
    public static ChildProcess Start(
        string program, IEnumerable<string> arguments, string? log, IReadOnlyDictionary<string, string>? environment = null)
    {
        // A shell redirects the output, so that no octet of it passes through the process that measures.
        var start = log is null
            ? new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true }
            : new ProcessStartInfo(
                "/bin/sh", ["-c", "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1 </dev/null", "sh", log, program, .. arguments]);
        SocketTuning.RemoveFrom(start.Environment);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        var process = Process.Start(start) ?? throw new BenchFault($"{program} did not start");
        return new(process, Path.GetFileName(program), log);
    }

    /// <summary>Runs a program to its end.</summary>
    /// <returns>Its standard output, without the last line's end.</returns>
    public static async Task<string> RunAsync(
        string program, IEnumerable<string> arguments, CancellationToken cancel, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        SocketTuning.RemoveFrom(start.Environment);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        using var process = Process.Start(start) ?? throw new BenchFault($"{program} did not start");
        var output = process.StandardOutput.ReadToEndAsync(cancel);
        var errors = process.StandardError.ReadToEndAsync(cancel);
        await process.WaitForExitAsync(cancel);
        if (process.ExitCode != 0)
            throw new BenchFault(
                $"{start.FileName} {string.Join(' ', start.ArgumentList)} ended with {process.ExitCode}: {await errors}{await output}");
        return (await output).TrimEnd('\n');
    }

    public void ThrowIfEnded()
    {
        if (_process.HasExited) throw new BenchFault($"{_name} ended with {_process.ExitCode}{LogTail()}");
    }

    /// <summary>SIGKILL, as the power cut that no program can prepare for.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(CancellationToken.None);
    }

    /// <summary>SIGTERM, and SIGKILL for it and its descendants when that is not enough.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            if (SendSignal(_process.Id, Sigterm) != 0) _process.Kill();
            // Not the run's token: what was started is stopped also when the run was interrupted.
            using var timeout = new CancellationTokenSource(StopTimeout, TimeProvider.System);
            try
            {
                await _process.WaitForExitAsync(timeout.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill(entireProcessTree: true);
                await _process.WaitForExitAsync(CancellationToken.None);
            }
        }

        _process.Dispose();
    }

    public string LogTail()
    {
        if (_log is null || !File.Exists(_log)) return "";
        var lines = File.ReadLines(_log).TakeLast(30);
        return ":\n" + string.Join('\n', lines);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int process, int signal);
}
