using Npgsql;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Distribution;

/// <summary>Whether the database is the coordinator of a Citus cluster.</summary>
static class Citus
{
    const string InstalledSql = """
        select exists (select 1 from pg_extension where extname = 'citus')
        """;

    const string AvailableSql = """
        select exists (select 1 from pg_available_extensions where name = 'citus')
        """;

    public static Task<bool> IsInstalledAsync(NpgsqlConnection connection) => AskAsync(connection, InstalledSql);

    public static Task<bool> IsAvailableAsync(NpgsqlConnection connection) => AskAsync(connection, AvailableSql);

    static async Task<bool> AskAsync(NpgsqlConnection connection, string sql)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(sql);
        return (await batch.ReadAllAsync(row => row.GetBoolean(0)))[0];
    }
}
