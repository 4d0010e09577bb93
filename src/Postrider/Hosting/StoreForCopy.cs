using Postrider.Configuration;
using Postrider.Engine.Messages;
using Postrider.Engine.Moving;
using Postrider.Store.Postgres;
using Postrider.Store.Sqlite;

namespace Postrider.Hosting;

/// <summary>A store that a copy has for itself: no server works on it, and none starts meanwhile on a SQLite file.</summary>
sealed class StoreForCopy : IAsyncDisposable
{
    readonly IAsyncDisposable _store;

    StoreForCopy(IMovableStore rows, IAsyncDisposable store) => (Rows, _store) = (rows, store);

    public IMovableStore Rows { get; }

    /// <exception cref="StoreUnavailableException">It is not there, cannot be opened, or a server uses it.</exception>
    public static Task<StoreForCopy> OpenSourceAsync(StoreAddress address, CancellationToken cancel) =>
        address is StoreAddress.Sqlite { Path: var path } && !File.Exists(path)
            ? throw new StoreUnavailableException($"There is no store at {address}.")
            : OpenAsync(address, isTarget: false, cancel);

    /// <inheritdoc cref="OpenSourceAsync"/>
    public static Task<StoreForCopy> OpenTargetAsync(StoreAddress address, CancellationToken cancel) =>
        OpenAsync(address, isTarget: true, cancel);

    static async Task<StoreForCopy> OpenAsync(StoreAddress address, bool isTarget, CancellationToken cancel)
    {
        var ids = new IdGenerator(TimeProvider.System);
        switch (address)
        {
            case StoreAddress.Sqlite { Path: var path }:
                var file = new SqliteStoreOptions(path) { ServeLock = true, MayBeUnfinished = isTarget };
                var sqlite = await SqliteStore.OpenAsync(file, TimeProvider.System, ids, log: null, cancel);
                return new StoreForCopy(sqlite.Movable, sqlite);
            case StoreAddress.Postgres { Address: var server }:
                var database = new PostgresStoreOptions(server.ConnectionString)
                {
                    Alone = true,
                    MayCreate = isTarget,
                    MayBeUnfinished = isTarget,
                };
                var postgres = await PostgresStore.OpenAsync(database, TimeProvider.System, ids, log: null, cancel);
                return new StoreForCopy(postgres.Movable, postgres);
            default:
                throw new ArgumentOutOfRangeException(nameof(address));
        }
    }

    public ValueTask DisposeAsync() => _store.DisposeAsync();
}
