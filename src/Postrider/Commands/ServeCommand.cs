using System.CommandLine;
using Postrider.Configuration;
using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;
using Postrider.Hosting;

namespace Postrider.Commands;

/// <summary><c>postrider serve</c>: production.</summary>
static class ServeCommand
{
    public static Command Create()
    {
        var command = new Command("serve", "Serve the API and deliver mail.");
        command.Does(async (parsed, cancel) => await RunAsync(CommandLine.SettingsOf(parsed, demo: false), cancel));
        return command;
    }

    static async Task<int> RunAsync(Settings settings, CancellationToken cancel)
    {
        var ids = new IdGenerator(TimeProvider.System);
        using var secrets = new SecretBox(MasterKey.Load(settings));
        using var logs = LoggerFactory.Create(logging => ServerHost.ConfigureLogging(logging, settings));
        await using var store = await StoreOpening.OpenAsync(settings, StoreUse.Serve, secrets, ids, logs, cancel);
        await using var app = ServerHost.Build(settings, store, secrets, ids, captured: null);
        await ServerHost.StartAsync(app, cancel);
        await app.WaitForShutdownAsync(CancellationToken.None);
        return ExitCode.Done;
    }
}
