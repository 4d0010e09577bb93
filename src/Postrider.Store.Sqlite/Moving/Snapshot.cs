using System.Runtime.CompilerServices;
using Postrider.Engine.Moving;
using Postrider.Store.Sqlite.Connections;

namespace Postrider.Store.Sqlite.Moving;

/// <summary>A connection of its own inside one read transaction.</summary>
sealed class Snapshot : IStoreSnapshot
{
    readonly Connection _db;
    bool _namesContents;

    Snapshot(Connection db) => _db = db;

    public static Snapshot Open(SqliteStoreOptions options)
    {
        var db = Connection.Open(options.Path, readOnly: true, options.BusyTimeout);
        try
        {
            db.Execute("pragma temp_store = file; begin");
            return new Snapshot(db);
        }
        catch
        {
            db.Dispose();
            throw;
        }
    }

    public async IAsyncEnumerable<MovedPage> ReadAsync(
        MovedTable table, ReadOnlyMemory<byte> after, PageLimits limits, [EnumeratorCancellation] CancellationToken cancel)
    {
        await Task.CompletedTask;       // SQLite reads on its caller's thread
        var page = new MovedPage();
        var tenant = default(Guid);
        var row = Begin(table, after);
        while (row.Step())
        {
            cancel.ThrowIfCancellationRequested();
            var ends = page.Count > 0 && (limits.AreReachedBy(page) || (table.IsTenants && row.Guid(0) != tenant));
            if (ends)
            {
                yield return page;
                page.Clear();
            }
            if (table.IsTenants)
                tenant = row.Guid(0);
            Add(page, table, row);
        }
        if (page.Count > 0)
            yield return page;
    }

    Statement Begin(MovedTable table, ReadOnlyMemory<byte> after)
    {
        if (table.Name == "content" && !_namesContents)
        {
            NamedContents.Find(_db);
            _namesContents = true;
        }
        var sql = TableSql.Of(table);
        if (after.IsEmpty)
            return _db.Prepare(sql.FirstSql);
        var statement = _db.Prepare(sql.NextSql);
        var key = new MovedRow(after);
        foreach (var column in table.Key)
            statement.Bind(column.Kind, ref key);
        return statement;
    }

    static void Add(MovedPage page, MovedTable table, Statement row)
    {
        for (var i = 0; i < table.Columns.Count; i++)
        {
            if (row.IsNull(i))
            {
                page.AddNull();
                continue;
            }
            switch (table.Columns[i].Kind)
            {
                case ColumnKind.Id:
                    page.Add(row.Guid(i));
                    break;
                case ColumnKind.Text:
                    page.AddText(row.Octets(i));
                    break;
                case ColumnKind.Octets or ColumnKind.Ids:
                    page.AddOctets(row.Octets(i));
                    break;
                default:
                    page.Add(row.Int64(i));
                    break;
            }
        }
        page.EndRow();
    }

    public ValueTask DisposeAsync()
    {
        _db.Dispose();
        return ValueTask.CompletedTask;
    }
}

static class MovedBinding
{
    public static Statement Bind(this Statement statement, ColumnKind kind, ref MovedRow row)
    {
        if (row.TryNull())
            return statement.BindNull();
        return kind switch
        {
            ColumnKind.Id => statement.Bind(row.Id()),
            ColumnKind.Text => statement.Bind(row.Text()),
            ColumnKind.Octets or ColumnKind.Ids => statement.Bind(row.Octets().Span),
            _ => statement.Bind(row.Number()),
        };
    }
}
