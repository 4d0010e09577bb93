using Npgsql;
using Postrider.Engine.Messages;

namespace Postrider.Store.Postgres.Connections;

/// <summary>Who is connected to the database.</summary>
static class Sessions
{
    public const string Name = "postrider";

    const string OthersSql = """
        select count(*) from pg_stat_activity
        where datname = current_database() and application_name like @name || '%' and application_name <> @own
        """;

    /// <exception cref="StoreUnavailableException">Somebody else is: a node, a command, another copy.</exception>
    public static async Task CheckAloneAsync(Database database, CancellationToken cancel)
    {
        var others = await database.ReadAsync(connection => CountOthersAsync(connection, database.ApplicationName), cancel);
        if (others > 0)
            throw new StoreUnavailableException(
                $"Others are connected to this database, with {others} sessions of Postrider: stop its servers first.");
    }

    static async Task<long> CountOthersAsync(NpgsqlConnection connection, string own)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(OthersSql).With("name", Name).With("own", own);
        return (await batch.ReadAllAsync(row => row.GetInt64(0)))[0];
    }
}
