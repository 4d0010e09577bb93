using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Postrider.Testing;

/// <summary>
/// An independent program that a test talks to or lets talk: started with its output captured, killed when disposed.
/// A program that is not installed fails the test; it never skips it.
/// </summary>
public sealed class ExternalProgram : IAsyncDisposable
{
    static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(10);
    static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(5);

    readonly Process _process;
    readonly StringBuilder _output = new();
    readonly string _commandLine;

    ExternalProgram(Process process, string commandLine) => (_process, _commandLine) = (process, commandLine);

    /// <summary>Standard output and error so far, in the order in which lines came.</summary>
    public string Output
    {
        get { lock (_output) return _output.ToString(); }
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <param name="name">Looked for in PATH, and where Debian puts servers.</param>
    public static ExternalProgram Start(string name, params IEnumerable<string> arguments) => Start(name, null, arguments);

    public static ExternalProgram Start(string name, string? workingDirectory, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Find(name), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = workingDirectory ?? "",
        };
        var program = new ExternalProgram(new Process { StartInfo = start }, $"{name} {string.Join(' ', start.ArgumentList)}");
        program._process.OutputDataReceived += program.Keep;
        program._process.ErrorDataReceived += program.Keep;
        program._process.Start();
        program._process.StandardInput.Close();
        program._process.BeginOutputReadLine();
        program._process.BeginErrorReadLine();
        return program;
    }

    /// <summary>Runs a program to its end.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(string name, IEnumerable<string> arguments, CancellationToken cancel)
    {
        await using var program = Start(name, arguments);
        return (await program.WaitForExitAsync(cancel), program.Output);
    }

    /// <summary>A TCP port of the loopback address that was free a moment ago, for programs that cannot be told to take any.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <returns>The exit code; all output is captured by then.</returns>
    public async Task<int> WaitForExitAsync(CancellationToken cancel)
    {
        await _process.WaitForExitAsync(cancel);
        return _process.ExitCode;
    }

    /// <summary>Until somebody accepts connections on the port; there is no signal for that but trying.</summary>
    public async Task WaitForPortAsync(int port, CancellationToken cancel)
    {
        var started = Stopwatch.GetTimestamp();
        while (!await TryConnectAsync(port, cancel))
        {
            if (_process.HasExited)
                throw new InvalidOperationException($"\"{_commandLine}\" ended with {_process.ExitCode}: {Output}");
            if (Stopwatch.GetElapsedTime(started) > StartLimit)
                throw new TimeoutException($"\"{_commandLine}\" does not listen on port {port} after {StartLimit}: {Output}");
            await Task.Delay(PollInterval, TimeProvider.System, cancel);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
    }

    static async Task<bool> TryConnectAsync(int port, CancellationToken cancel)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, cancel);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    static string Find(string name)
    {
        if (Path.IsPathRooted(name))
            return name;
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Concat(["/usr/sbin", "/sbin"]);
        return folders.Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException($"This test needs the program \"{name}\"; ./test installs it.");
    }

    void Keep(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is not null)
            lock (_output) _output.AppendLine(line.Data);
    }
}
