using Npgsql;
using NpgsqlTypes;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Conformance.Postgres;

/// <summary>
/// Where a statement stands still, so that something else can happen meanwhile: an advisory lock, held by the test and asked for by what it
/// has put into the statement's way.
/// </summary>
sealed class Gate : IAsyncDisposable
{
    /// <summary>What stands at the gate does this.</summary>
    public const string PassSql = "perform pg_advisory_xact_lock_shared(7);";

    readonly NpgsqlConnection _connection;
    readonly long _number;

    Gate(NpgsqlConnection connection, long number) => (_connection, _number) = (connection, number);

    /// <param name="number">That of <see cref="PassSql"/>, or of a lock that the store itself asks for.</param>
    public static async Task<Gate> CloseAsync(PostgresFixture store, long number = 7)
    {
        var gate = new Gate(await store.Postgres.Database.OpenReaderAsync(CancellationToken.None), number);
        await gate.RunAsync("select pg_advisory_lock(@number)");
        return gate;
    }

    /// <summary>A session's lock would outlive its connection in the pool, so it is opened at the latest here.</summary>
    public async ValueTask DisposeAsync()
    {
        await OpenAsync();
        await _connection.DisposeAsync();
    }

    public Task OpenAsync() => RunAsync("select pg_advisory_unlock(@number)");

    async Task RunAsync(string sql)
    {
        await using var batch = new NpgsqlBatch(_connection);
        batch.Add(sql).With("number", NpgsqlDbType.Bigint, _number);
        await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }
}
