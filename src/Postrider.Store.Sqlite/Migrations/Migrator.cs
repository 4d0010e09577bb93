using System.Globalization;
using System.Reflection;
using Postrider.Engine.Messages;
using Postrider.Store.Sqlite.Connections;

namespace Postrider.Store.Sqlite.Migrations;

/// <summary>
/// Brings the schema up to date: each numbered file that the database has not seen, in order, each in its own transaction.
/// </summary>
static class Migrator
{
    const string TableSql = """
        create table if not exists schema_migration (
            version integer primary key,
            name text not null,
            applied_at integer not null
        )
        """;

    const string VersionSql = """
        select coalesce(max(version), 0) from schema_migration
        """;

    const string IsAppliedSql = """
        select exists (select 1 from schema_migration where version = @version)
        """;

    const string AppliedSql = """
        insert into schema_migration (version, name, applied_at)
        values (@version, @name, @now)
        """;

    /// <returns>The schema's version.</returns>
    /// <exception cref="StoreUnavailableException">A newer Postrider made this database.</exception>
    public static int Migrate(Connection db, DateTimeOffset now)
    {
        var migrations = Load();
        db.Execute(TableSql);
        var (newest, found) = (migrations[^1].Version, CurrentVersion(db));
        if (found > newest)
            throw new StoreUnavailableException(
                $"The database has schema {found}, made by a newer Postrider; this one knows schemas up to {newest}. It was not changed.");
        foreach (var (version, name, sql) in migrations)
            Apply(db, version, name, sql, now);
        return newest;
    }

    static void Apply(Connection db, int version, string name, string sql, DateTimeOffset now)
    {
        // Another process may be migrating as well: the version is read under the lock.
        db.Execute("begin immediate");
        try
        {
            if (!IsApplied(db, version))
            {
                db.Execute(sql);
                db.Prepare(AppliedSql).Bind(version).Bind(name).Bind(now).Run();
            }
            db.Execute("commit");
        }
        catch
        {
            db.RollBack();
            throw;
        }
    }

    static bool IsApplied(Connection db, int version)
    {
        var read = db.Prepare(IsAppliedSql).Bind(version);
        read.Step();
        var applied = read.Int32(0) != 0;
        read.Reset();
        return applied;
    }

    static int CurrentVersion(Connection db)
    {
        var read = db.Prepare(VersionSql);
        read.Step();
        var version = read.Int32(0);
        read.Reset();
        return version;
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
