using System.Diagnostics;
using System.Text;
using Postrider.Testing;

namespace Postrider.Scenarios.Running;

/// <summary>
/// The <c>postrider</c> program, run with what it says captured: the published one that SCENARIOS_PROGRAM names, as <c>./test</c> does, for
/// it starts in a third of the time; else the one that was built beside the tests.
/// </summary>
sealed class ServerProcess : IAsyncDisposable
{
    static readonly string Program =
        Environment.GetEnvironmentVariable("SCENARIOS_PROGRAM") ?? Path.Combine(AppContext.BaseDirectory, "postrider");

    readonly Process _process;
    readonly Task _reading;
    readonly StringBuilder _output = new();
    readonly StringBuilder _errors = new();

    ServerProcess(Process process)
    {
        _process = process;
        process.Start();
        process.StandardInput.Close();
        _reading = Task.WhenAll(ReadAsync(process.StandardOutput, _output), ReadAsync(process.StandardError, _errors));
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Standard output so far.</summary>
    public string Output
    {
        get { lock (_output) return _output.ToString(); }
    }

    /// <summary>Standard error so far.</summary>
    public string Errors
    {
        get { lock (_errors) return _errors.ToString(); }
    }

    public static ServerProcess Start(IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        var start = new ProcessStartInfo(Program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var inherited in start.Environment.Keys.Where(name => name.StartsWith("POSTRIDER_", StringComparison.Ordinal)).ToArray())
            start.Environment.Remove(inherited);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return new ServerProcess(new Process { StartInfo = start });
    }

    /// <summary>Waits for its end.</summary>
    public async Task<CommandResult> FinishAsync(CancellationToken cancel)
    {
        await _process.WaitForExitAsync(cancel);
        await _reading;
        return new CommandResult(_process.ExitCode, Output, Errors);
    }

    public Task TerminateAsync() => Signal.SendAsync("TERM", _process.Id);

    /// <summary>SIGSTOP: it stands still, its connections open, until it goes on.</summary>
    public Task StandStillAsync() => Signal.SendAsync("STOP", _process.Id);

    public Task GoOnAsync() => Signal.SendAsync("CONT", _process.Id);

    /// <summary>SIGKILL: nothing in it gets to run any more.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        await _reading;
        _process.Dispose();
    }

    static async Task ReadAsync(StreamReader from, StringBuilder text)
    {
        while (await from.ReadLineAsync(CancellationToken.None) is { } line)
            lock (text) text.AppendLine(line);
    }
}

/// <param name="Output">Standard output.</param>
/// <param name="Errors">Standard error.</param>
sealed record CommandResult(int ExitCode, string Output, string Errors)
{
    public CommandResult Succeeded()
    {
        Assert.True(ExitCode == 0, $"exit code {ExitCode}: {Errors}");
        return this;
    }
}
