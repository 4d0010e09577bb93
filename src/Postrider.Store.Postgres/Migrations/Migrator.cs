using System.Globalization;
using System.Reflection;
using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Messages;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Migrations;

/// <summary>
/// Brings the schema up to date: each numbered file that the database has not seen, in order, each in its own transaction, under a lock
/// that one node holds and the others wait for.
/// </summary>
static class Migrator
{
    const long Lock = 0x706F_7374_7269_6401;

    const string LockSql = """
        select pg_advisory_xact_lock(@lock)
        """;

    const string IsThereSql = """
        select to_regclass('schema_migration') is not null
        """;

    const string TableSql = """
        create table if not exists schema_migration (
            version integer primary key,
            name text not null,
            applied_at timestamptz not null
        )
        """;

    const string VersionsSql = """
        select version from schema_migration
        """;

    const string AppliedSql = """
        insert into schema_migration (version, name, applied_at)
        values (@version, @name, @now)
        """;

    /// <returns>The schema's version.</returns>
    /// <exception cref="StoreUnavailableException">
    /// A newer Postrider made this database, or it holds no store and none may be made.
    /// </exception>
    public static async Task<int> MigrateAsync(Database database, bool mayCreate, DateTimeOffset now, CancellationToken cancel)
    {
        var migrations = Load();
        if (!mayCreate && !await database.ReadAsync(IsThereAsync, cancel))
            throw new StoreUnavailableException("There is no store in this database; serve, demo or tenant add make one.");
        var applied = await database.WriteAsync(
            async connection =>
            {
                await LockAsync(connection);
                await ExecuteAsync(connection, TableSql);
                return await AppliedAsync(connection);
            },
            cancel);
        var (newest, found) = (migrations[^1].Version, applied.DefaultIfEmpty().Max());
        if (found > newest)
            throw new StoreUnavailableException(
                $"The database has schema {found}, made by a newer Postrider; this one knows schemas up to {newest}. It was not changed.");
        foreach (var (version, name, sql) in migrations.Where(migration => !applied.Contains(migration.Version)))
            await database.WriteAsync(connection => ApplyAsync(connection, version, name, sql, now), cancel);
        return newest;
    }

    static async Task<bool> IsThereAsync(NpgsqlConnection connection)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(IsThereSql);
        return (await batch.ReadAllAsync(row => row.GetBoolean(0)))[0];
    }

    static async Task<bool> ApplyAsync(NpgsqlConnection connection, int version, string name, string sql, DateTimeOffset now)
    {
        await LockAsync(connection);
        // Another node may have applied it while this one waited.
        if ((await AppliedAsync(connection)).Contains(version))
            return false;
        await ExecuteAsync(connection, sql);
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(AppliedSql).With("version", version).With("name", name).With("now", now);
        await batch.ExecuteNonQueryAsync(CancellationToken.None);
        return true;
    }

    static async Task LockAsync(NpgsqlConnection connection)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(LockSql).With("lock", NpgsqlDbType.Bigint, Lock);
        await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }

    static async Task<List<int>> AppliedAsync(NpgsqlConnection connection)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(VersionsSql);
        return await batch.ReadAllAsync(row => row.GetInt32(0));
    }

    static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The migrations are part of this assembly.
        command.CommandText = sql;
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    static List<(int Version, string Name, string Sql)> Load()
    {
        var assembly = Assembly.GetExecutingAssembly();
        var prefix = typeof(Migrator).Namespace + ".";
        return [.. assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(prefix, StringComparison.Ordinal) && name.EndsWith(".sql", StringComparison.Ordinal))
            .Select(name =>
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
                var file = name[prefix.Length..];
                return (int.Parse(file[..4], CultureInfo.InvariantCulture), file, reader.ReadToEnd());
            })
            .OrderBy(migration => migration.Item1)];
    }
}
