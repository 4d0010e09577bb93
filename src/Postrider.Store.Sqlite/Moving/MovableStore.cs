using Postrider.Engine.Messages;
using Postrider.Engine.Moving;
using Postrider.Store.Sqlite.Connections;
using Postrider.Store.Sqlite.Messages;
using Postrider.Store.Sqlite.Queue;
using Postrider.Store.Sqlite.Search;
using Postrider.Store.Sqlite.Writing;

namespace Postrider.Store.Sqlite.Moving;

/// <summary>A SQLite store as the source or the target of a copy. Whoever uses it holds the serve lock.</summary>
sealed class MovableStore(SqliteStoreOptions options, Writer writer, ReaderPool readers) : IMovableStore
{
    const string InstallationSql = """
        select uid from installation
        where id = 1
        """;

    public Task<Guid> FindInstallationAsync(CancellationToken cancel) => readers.ReadAsync(
        db =>
        {
            var row = db.Prepare(InstallationSql);
            row.Step();
            var installation = row.Guid(0);
            row.Reset();
            return installation;
        },
        cancel);

    public Task ReleaseLeasesAsync(DateTimeOffset now, CancellationToken cancel) =>
        writer.RunAsync(session => LeaseRelease.Release(session, now, alsoOf: _ => true), cancel);

    public Task<IStoreSnapshot> OpenSnapshotAsync(CancellationToken cancel)
    {
        try
        {
            return Task.FromResult<IStoreSnapshot>(Snapshot.Open(options));
        }
        catch (SqliteFault e)
        {
            throw new StoreUnavailableException("The database cannot be read.", e);
        }
    }

    const string UnfinishedSql = """
        select installation, begun_at from store_copy
        where id = 1
        """;

    const string BeginSql = """
        insert into store_copy (id, installation, begun_at)
        values (1, @installation, @now)
        """;

    const string ForgetSql = """
        delete from copy_progress
        """;

    public Task<TargetState> BeginAsync(Guid installation, DateTimeOffset now, CancellationToken cancel) => writer.RunAsync<TargetState>(
        session =>
        {
            var db = session.Connection;
            if (FindUnfinished(db) is var (other, since))
                return other == installation ? new TargetState.Continued(since) : new TargetState.OfAnother(other);
            if (MovedTables.All.FirstOrDefault(table => HasRows(db, table)) is { } table)
                return new TargetState.NotEmpty(table.Name);
            db.Prepare(ForgetSql).Run();
            db.Prepare(BeginSql).Bind(installation).Bind(now).Run();
            return new TargetState.Begun();
        },
        cancel);

    /// <summary>Whose copy into this database has not come to its end, and since when; null when there is none.</summary>
    public static (Guid Installation, DateTimeOffset Since)? FindUnfinished(Connection db)
    {
        var row = db.Prepare(UnfinishedSql);
        if (!row.Step())
            return null;
        var found = (row.Guid(0), row.Time(1));
        row.Reset();
        return found;
    }

    static bool HasRows(Connection db, MovedTable table)
    {
        var row = db.Prepare(TableSql.Of(table).AnySql);
        var any = row.Step();
        row.Reset();
        return any;
    }

    const string ProgressSql = """
        select rows, position from copy_progress
        where relation = @relation
        """;

    public Task<MovedSoFar> FindProgressAsync(MovedTable table, CancellationToken cancel) => readers.ReadAsync(
        db =>
        {
            var row = db.Prepare(ProgressSql).Bind(table.Name);
            if (!row.Step())
                return default;
            var reached = new MovedSoFar(row.Int64(0), row.Octets(1).ToArray());
            row.Reset();
            return reached;
        },
        cancel);

    const string ReachedSql = """
        insert into copy_progress (relation, rows, position)
        values (@relation, @rows, @position)
        on conflict (relation) do update set rows = excluded.rows, position = excluded.position
        """;

    public Task WriteAsync(MovedTable table, MovedPage page, MovedSoFar reached, CancellationToken cancel) => writer.RunAsync(
        session =>
        {
            var db = session.Connection;
            for (var i = 0; i < page.Count; i++)
                Insert(db, table, new MovedRow(page[i]));
            db.Prepare(ReachedSql).Bind(table.Name).Bind(reached.Rows).Bind(reached.Position.Span).Run();
            return true;
        },
        cancel);

    static void Insert(Connection db, MovedTable table, MovedRow row)
    {
        if (table.Name == "message")
        {
            var key = row;
            SubjectIndex.Number(db, new TenantId(key.Id()), new MessageId(key.Id()));
        }
        var insert = db.Prepare(TableSql.Of(table).InsertSql);
        var hash = ReadOnlyMemory<byte>.Empty;
        foreach (var column in table.Columns)
        {
            if (column.Kind == ColumnKind.Month)
                row.Number();       // contents are not kept by month here
            else if (column is { Name: "sha256" })
                insert.Bind((hash = row.Octets()).Span);
            else
                insert.Bind(column.Kind, ref row);
        }
        if (!hash.IsEmpty)
            insert.Bind(ContentRows.TagOf(hash.Span));
        insert.Run();
    }

    const string FinishSql = """
        delete from store_copy
        """;

    const string RenameSql = """
        update installation set uid = @installation
        where id = 1
        """;

    public Task FinishAsync(Guid installation, CancellationToken cancel) => writer.RunAsync(
        session =>
        {
            session.Connection.Prepare(RenameSql).Bind(installation).Run();
            session.Connection.Prepare(FinishSql).Run();
            session.Connection.Prepare(ForgetSql).Run();
            return true;
        },
        cancel);
}
