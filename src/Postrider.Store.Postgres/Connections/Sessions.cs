using Npgsql;

namespace Postrider.Store.Postgres.Connections;

/// <summary>Who is connected to the database.</summary>
static class Sessions
{
    public const string Name = "postrider";

    const string OthersSql = """
        select count(*) from pg_stat_activity
        where datname = current_database() and application_name like @name || '%' and application_name <> @own
        """;

    /// <param name="own">What the caller's own sessions are called.</param>
    public static async Task<long> CountOthersAsync(NpgsqlConnection connection, string own)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(OthersSql).With("name", Name).With("own", own);
        return (await batch.ReadAllAsync(row => row.GetInt64(0)))[0];
    }
}
