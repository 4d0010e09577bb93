using Postrider.Configuration;
using Postrider.Engine;
using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;
using Postrider.Store.Postgres;
using Postrider.Store.Sqlite;

namespace Postrider.Hosting;

/// <summary>What a process opens a store for.</summary>
enum StoreUse
{
    /// <summary>To serve from it: made where there is none. A SQLite file serves one process.</summary>
    Serve,

    /// <summary>A command that begins an installation, beside servers that may be running.</summary>
    Begin,

    /// <summary>A command on an installation that is there: a mistyped address makes none.</summary>
    Operate,
}

static class StoreOpening
{
    /// <summary>Before the master key is looked for, which would be made beside a store that is not there.</summary>
    /// <exception cref="StoreUnavailableException">A command is to operate on a store that is not there.</exception>
    public static void CheckIsThere(StoreAddress address, StoreUse use)
    {
        if (use is StoreUse.Operate && address is StoreAddress.Sqlite { Path: var path } && !File.Exists(path))
            throw new StoreUnavailableException($"There is no store at {address}; serve, demo or tenant add make one.");
    }

    /// <exception cref="StoreUnavailableException">It cannot be opened, is not there, or another server has it.</exception>
    /// <exception cref="System.Security.Cryptography.CryptographicException">Its secrets were sealed with another master key.</exception>
    public static async Task<IStore> OpenAsync(
        Settings settings, StoreUse use, SecretBox secrets, IdGenerator ids, ILoggerFactory logs, CancellationToken cancel)
    {
        var store = await OpenAsync(settings, use, ids, logs, cancel);
        try
        {
            await MasterKey.CheckAsync(store, secrets, cancel);
            return store;
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
    }

    static async Task<IStore> OpenAsync(Settings settings, StoreUse use, IdGenerator ids, ILoggerFactory logs, CancellationToken cancel)
    {
        switch (settings.Store)
        {
            case StoreAddress.Sqlite { Path: var path }:
                var options = new SqliteStoreOptions(path) { ServeLock = use is StoreUse.Serve };
                return await SqliteStore.OpenAsync(options, TimeProvider.System, ids, logs.CreateLogger<SqliteStore>(), cancel);
            case StoreAddress.Postgres { Address: var server }:
                var shared = new PostgresStoreOptions(server.ConnectionString)
                {
                    MayCreate = use is not StoreUse.Operate,
                    KeepMessages = settings.KeepMessages,
                    KeepBodies = settings.KeepBodies,
                };
                return await PostgresStore.OpenAsync(shared, TimeProvider.System, ids, logs.CreateLogger<PostgresStore>(), cancel);
            default:
                throw new ArgumentOutOfRangeException(nameof(settings));
        }
    }
}
