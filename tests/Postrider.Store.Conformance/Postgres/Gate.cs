using Npgsql;

namespace Postrider.Store.Conformance.Postgres;

/// <summary>
/// Where a statement stands still, so that something else can happen meanwhile: an advisory lock, held by the test and asked for by what it
/// has put into the statement's way.
/// </summary>
sealed class Gate(NpgsqlConnection connection) : IAsyncDisposable
{
    /// <summary>What stands at the gate does this.</summary>
    public const string PassSql = "perform pg_advisory_xact_lock_shared(7);";

    public static async Task<Gate> CloseAsync(PostgresFixture store)
    {
        var gate = new Gate(await store.Postgres.Database.OpenReaderAsync(CancellationToken.None));
        await gate.RunAsync("select pg_advisory_lock(7)");
        return gate;
    }

    public Task OpenAsync() => RunAsync("select pg_advisory_unlock(7)");

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    async Task RunAsync(string sql)
    {
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // One of the two above.
        command.CommandText = sql;
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }
}
