using System.Net;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;
using Postrider.Testing;

namespace Postrider.Scenarios.NameServing;

/// <summary>
/// A zone served by nsd, and MX hosts at addresses of their own in 127.0.0.0/8, all on one port as in the world.
/// </summary>
sealed class Zone : IAsyncDisposable
{
    public const string Name = "postrider.test";

    const string Records = """
        $TTL 60
        @ IN SOA ns.postrider.test. root.postrider.test. 1 7200 3600 86400 60
        @ IN NS ns
        ns IN A 192.0.2.53
        two IN MX 20 mx2
        two IN MX 10 mx1
        null IN MX 0 .
        implicit IN A 127.0.0.2
        xn--bcher-kva IN MX 10 mx1
        mx1 IN A 127.0.0.2
        mx2 IN A 127.0.0.3
        """;

    Nsd? _nsd;

    Zone(int port) => Port = port;

    /// <summary>Of the name server.</summary>
    public int Port { get; }

    /// <summary>Of the MX hosts.</summary>
    public int SmtpPort { get; } = Ports.Free();

    public string[] Settings =>
    [
        $"Smtp:Resolver=127.0.0.1:{Port}", $"Smtp:Port={SmtpPort}", "Smtp:AllowPrivateTargets=true",
        "Retry:Delays=100ms", "Retry:Jitter=0", "Smtp:Timeouts:Connect=2s",
    ];

    public static async Task<Zone> ServeAsync()
    {
        var zone = Silent();
        await zone.StartAsync();
        return zone;
    }

    /// <summary>Nobody answers at its port yet.</summary>
    public static Zone Silent() => new(Ports.Free());

    public async Task StartAsync() => _nsd = await Nsd.StartAsync(Name, Records, Port, TestContext.Current.CancellationToken);

    public async Task StopAsync()
    {
        if (_nsd is not null)
            await _nsd.DisposeAsync();
        _nsd = null;
    }

    /// <param name="number">2 for mx1, 3 for mx2.</param>
    public ScriptedMx StartMx(int number, MxScript? script = null) =>
        ScriptedMx.StartAt(new IPEndPoint(new IPAddress([127, 0, 0, (byte)number]), SmtpPort), script);

    public async ValueTask DisposeAsync() => await StopAsync();
}
