using Microsoft.Extensions.Logging.Abstractions;
using Postrider.Configuration;
using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;
using Postrider.Store.Sqlite;

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
    CommandContext(Settings settings, SqliteStore store, SecretBox secrets, IdGenerator ids) =>
        (Settings, Store, Secrets, Ids) = (settings, store, secrets, ids);

    public Settings Settings { get; }

    public SqliteStore Store { get; }

    public SecretBox Secrets { get; }

    public IdGenerator Ids { get; }

    /// <param name="mayCreate">Whether a store that is not there is made: by the command that begins an installation, not by a mistyped path.</param>
    public static async Task<CommandContext> OpenAsync(Settings settings, bool mayCreate, CancellationToken cancel)
    {
        if (!mayCreate && !File.Exists(settings.Store.Path))
            throw new StoreUnavailableException($"There is no store at {settings.Store}; serve, demo or tenant add make one.");
        var ids = new IdGenerator(TimeProvider.System);
        var secrets = new SecretBox(MasterKey.Load(settings));
        var store = await SqliteStore.OpenAsync(new SqliteStoreOptions(settings.Store.Path), TimeProvider.System, ids, NullLogger.Instance, cancel);
        return new CommandContext(settings, store, secrets, ids);
    }

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        Secrets.Dispose();
    }
}
