using Microsoft.Extensions.Logging.Abstractions;
using Postrider.Configuration;
using Postrider.Engine;
using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;
using Postrider.Hosting;

namespace Postrider.Commands;

/// <summary>The exit codes of every command.</summary>
static class ExitCode
{
    public const int Done = 0;

    /// <summary>What was asked for is not there, or may not be.</summary>
    public const int Refused = 1;
    public const int WrongUsage = 2;
}

/// <summary>What an operator's command works with: the store beside a server that may be running on it, and the master key.</summary>
sealed class CommandContext : IAsyncDisposable
{
    CommandContext(Settings settings, IStore store, SecretBox secrets, IdGenerator ids) =>
        (Settings, Store, Secrets, Ids) = (settings, store, secrets, ids);

    public Settings Settings { get; }

    public IStore Store { get; }

    public SecretBox Secrets { get; }

    public IdGenerator Ids { get; }

    /// <param name="mayCreate">Whether a store that is not there is made: by the command that begins an installation, not by a mistyped
    /// path.</param>
    public static async Task<CommandContext> OpenAsync(Settings settings, bool mayCreate, CancellationToken cancel)
    {
        var use = mayCreate ? StoreUse.Begin : StoreUse.Operate;
        StoreOpening.CheckIsThere(settings.Store, use);
        var ids = new IdGenerator(TimeProvider.System);
        var secrets = new SecretBox(MasterKey.Load(settings));
        var store = await StoreOpening.OpenAsync(settings, use, secrets, ids, NullLoggerFactory.Instance, cancel);
        return new CommandContext(settings, store, secrets, ids);
    }

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        Secrets.Dispose();
    }
}
