using System.CommandLine;
using System.Net;
using Postrider.Capture;
using Postrider.Configuration;
using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;
using Postrider.Hosting;

namespace Postrider.Commands;

/// <summary>
/// <c>postrider demo</c>: everything on one machine, no DNS, nothing leaves it. All mail goes to the capture MX, whose captured mail the
/// same server lists under <c>/captured</c>.
/// </summary>
static class DemoCommand
{
    const string TenantName = "demo";
    const string SenderDomain = "demo.example";

    public static Command Create()
    {
        var command = new Command("demo", "Serve, with a demo tenant and a capture MX that receives all mail.");
        command.Does(async (parsed, cancel) => await RunAsync(CommandLine.SettingsOf(parsed, demo: true), cancel));
        return command;
    }

    static async Task<int> RunAsync(Settings settings, CancellationToken cancel)
    {
        settings = WithCaptureRoute(settings);
        var ids = new IdGenerator(TimeProvider.System);
        using var secrets = new SecretBox(MasterKey.Load(settings));
        using var logs = LoggerFactory.Create(logging => ServerHost.ConfigureLogging(logging, settings));
        await using var store = await StoreOpening.OpenAsync(settings, StoreUse.Serve, secrets, ids, logs, cancel);
        var captured = new CaptureFolder(Path.Combine(FolderOf(settings.Store), "captured"));
        await using var app = ServerHost.Build(settings, store, secrets, ids, captured);

        var key = await SetUpAsync(new TenantDesk(store, secrets, ids, TimeProvider.System), cancel);
        await ServerHost.StartAsync(app, cancel);
        await Console.Out.WriteLineAsync(Greeting(settings, key));
        await app.WaitForShutdownAsync(CancellationToken.None);
        return ExitCode.Done;
    }

    /// <summary>Beside the database; where that is a server's, below the folder of the default one.</summary>
    static string FolderOf(StoreAddress store) =>
        Path.GetDirectoryName(Path.GetFullPath(((store as StoreAddress.Sqlite) ?? (StoreAddress.Sqlite)StoreAddress.Default).Path))!;

    /// <summary>Unless the operator has routes of their own, everything goes to the capture MX.</summary>
    static Settings WithCaptureRoute(Settings settings)
    {
        if (settings.Inbound is not { } inbound)
            throw new SettingsException(["Inbound:Listen: the demo needs its capture MX; give it an address"]);
        if (inbound.Port == 0)
            inbound = new IPEndPoint(inbound.Address, FreePort(inbound.Address));
        var routes = settings.Delivery.Routes.Count > 0
            ? settings.Delivery.Routes
            : new Dictionary<string, DnsEndPoint> { ["*"] = new(inbound.Address.ToString(), inbound.Port) };
        return settings with { Inbound = inbound, Delivery = settings.Delivery with { Routes = routes } };
    }

    static int FreePort(IPAddress address)
    {
        using var listener = new System.Net.Sockets.TcpListener(address, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>
    /// A demo key is made at every start: only its hash is kept, so an old one cannot be shown again. Old ones go on working.
    /// </summary>
    static async Task<string> SetUpAsync(TenantDesk desk, CancellationToken cancel)
    {
        var tenant = await desk.FindAsync(TenantName, cancel) ?? await desk.AddTenantAsync(TenantName, cancel)
            ?? throw new InvalidOperationException("The demo tenant is there or can be made.");
        if (!Mail.Addresses.Domain.TryParse(SenderDomain, out var domain))
            throw new InvalidOperationException($"{SenderDomain} is a domain.");
        var sending = await desk.AddDomainAsync(tenant, domain, cancel);
        if (sending.VerifiedAt is null)
            await desk.SetVerifiedAsync(sending, cancel);
        return await desk.AddKeyAsync(tenant, Dialect.ScaiSend, "demo", ApiKeyScopes.ScaiSend, test: false, cancel);
    }

    static string Greeting(Settings settings, string key)
    {
        var address = ServerHost.AddressOf(settings);
        return $$"""

            Postrider's demo is running. Mail to anybody ends in the capture MX at {{settings.Inbound}}; nothing leaves this machine.

              API (ScaiSend, SendGrid-v3-like)   {{address}}/v3
              Key                                {{key}}
              Sender domain                      {{SenderDomain}} (verified)
              Captured mail                      {{address}}/captured

            Send a message:

              curl -X POST {{address}}/v3/mail/send \
                -H "Authorization: Bearer {{key}}" -H "Content-Type: application/json" \
                -d '{"personalizations":[{"to":[{"email":"ada@example.com"}]}],"from":{"email":"hello@{{SenderDomain}}","name":"Demo"},"subject":"Hello","content":[{"type":"text/plain","value":"It works."}]}'

            See what became of it, and what arrived:

              curl -H "Authorization: Bearer {{key}}" {{address}}/v3/messages
              curl {{address}}/captured

            """;
    }
}
