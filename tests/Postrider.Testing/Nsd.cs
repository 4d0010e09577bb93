using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Postrider.Testing;

/// <summary>
/// A real authoritative name server (Debian's nsd) for one zone, on a loopback port of its own; stopped and swept away by dispose.
/// </summary>
public sealed class Nsd : IAsyncDisposable
{
    const string Program = "/usr/sbin/nsd";
    const int MaxStarts = 5;    // another process may take the port between our look and nsd's

    readonly Process _process;
    readonly DirectoryInfo _directory;
    readonly Task _draining;

    Nsd(Process process, DirectoryInfo directory, int port, Task draining)
    {
        (_process, _directory, _draining) = (process, directory, draining);
        EndPoint = new IPEndPoint(IPAddress.Loopback, port);
    }

    public IPEndPoint EndPoint { get; }

    public int Port => EndPoint.Port;

    /// <param name="zoneText">RFC 1035 §5 master file; names without a final dot are below <paramref name="zoneName"/>.</param>
    /// <exception cref="InvalidOperationException">nsd is not installed, or refuses the zone; says what it said.</exception>
    public static Task<Nsd> StartAsync(string zoneName, string zoneText, CancellationToken cancel = default) =>
        StartAsync(zoneName, zoneText, null, cancel);

    /// <param name="fixedPort">Where it must listen, for one that comes back; else any port that is free.</param>
    public static async Task<Nsd> StartAsync(string zoneName, string zoneText, int? fixedPort, CancellationToken cancel = default)
    {
        var said = "";
        for (var start = 0; start < MaxStarts; start++)
        {
            var directory = Directory.CreateTempSubdirectory("postrider-nsd-");
            var port = fixedPort ?? FreePort();
            await File.WriteAllTextAsync(Path.Combine(directory.FullName, "zone"), $"$ORIGIN {zoneName}.\n{zoneText}\n", cancel);
            var configuration = Configuration(directory.FullName, zoneName, port);
            await File.WriteAllTextAsync(Path.Combine(directory.FullName, "nsd.conf"), configuration, cancel);

            var process = Start(directory.FullName);
            (var ready, said) = await ReadUntilReadyAsync(process, cancel);
            if (ready)
                return new Nsd(process, directory, port, process.StandardError.ReadToEndAsync(CancellationToken.None));

            await StopAsync(process);
            process.Dispose();
            directory.Delete(recursive: true);
            if (!said.Contains("in use", StringComparison.OrdinalIgnoreCase))
                break;
        }
        throw new InvalidOperationException($"nsd did not start: {said}");
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(_process);
        await _draining;
        _process.Dispose();
        _directory.Delete(recursive: true);
    }

    /// <summary>
    /// A SIGTERM first: nsd then ends its own children and waits for them. Killed, it would leave them to whoever is init here.
    /// </summary>
    static async Task StopAsync(Process process)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        using var kill = Process.Start("kill", [process.Id.ToString(CultureInfo.InvariantCulture)]);
        try
        {
            await kill.WaitForExitAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
        }
    }

    static Process Start(string directory)
    {
        var info = new ProcessStartInfo(Program) { RedirectStandardError = true, WorkingDirectory = directory };
        foreach (var argument in (string[])["-d", "-c", Path.Combine(directory, "nsd.conf")])
            info.ArgumentList.Add(argument);
        try
        {
            return Process.Start(info) ?? throw new InvalidOperationException($"{Program} did not start.");
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new InvalidOperationException($"{Program} is needed: apt-get install nsd", e);
        }
    }

    static async Task<(bool Ready, string Said)> ReadUntilReadyAsync(Process process, CancellationToken cancel)
    {
        var said = new List<string>();
        while (await process.StandardError.ReadLineAsync(cancel) is { } line)
        {
            said.Add(line);
            // The sockets are bound by then, so what is asked from now on waits for an answer.
            if (line.Contains("nsd started", StringComparison.Ordinal))
                return (!said.Exists(earlier => earlier.Contains("error", StringComparison.OrdinalIgnoreCase)), string.Join('\n', said));
        }
        return (false, string.Join('\n', said));
    }

    /// <summary>Free for UDP and for TCP.</summary>
    static int FreePort()
    {
        while (true)
        {
            using var tcp = new TcpListener(IPAddress.Loopback, 0);
            tcp.Start();
            var endPoint = (IPEndPoint)tcp.LocalEndpoint;
            using var udp = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            try
            {
                udp.Bind(endPoint);
                return endPoint.Port;
            }
            catch (SocketException)
            {
                // taken for UDP: the next one
            }
        }
    }

    static string Configuration(string directory, string zoneName, int port) => string.Create(CultureInfo.InvariantCulture, $"""
        server:
          ip-address: 127.0.0.1@{port}
          server-count: 1
          verbosity: 1
          username: ""
          chroot: ""
          database: ""
          zonesdir: "{directory}"
          pidfile: "{directory}/nsd.pid"
          zonelistfile: "{directory}/zone.list"
          xfrdfile: "{directory}/xfrd.state"
          xfrdir: "{directory}"
        remote-control:
          control-enable: no
        zone:
          name: "{zoneName}"
          zonefile: "{directory}/zone"
        """);
}
