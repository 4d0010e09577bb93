using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Messages;
using Postrider.Engine.Moving;
using Postrider.Store.Postgres.Connections;
using Postrider.Store.Postgres.Writing;

namespace Postrider.Store.Postgres.Moving;

/// <summary>
/// A PostgreSQL store as the source or the target of a copy. Each page of rows is one tenant's, and so one lane's: it goes in by COPY.
/// </summary>
/// <param name="releaseLeases">Takes back all leases.</param>
sealed class MovableStore(Database database, Partitions partitions, Func<DateTimeOffset, CancellationToken, Task> releaseLeases)
    : IMovableStore
{
    readonly HashSet<Month> _months = [];
    Catalog? _catalog;

    const string InstallationSql = """
        select uid from installation
        where id = 1
        """;

    public Task<Guid> FindInstallationAsync(CancellationToken cancel) => database.ReadAsync(
        async connection =>
        {
            await using var batch = new NpgsqlBatch(connection);
            batch.Add(InstallationSql);
            return (await batch.ReadAllAsync(row => row.GetGuid(0)))[0];
        },
        cancel);

    public Task ReleaseLeasesAsync(DateTimeOffset now, CancellationToken cancel) => releaseLeases(now, cancel);

    public async Task<IStoreSnapshot> OpenSnapshotAsync(CancellationToken cancel)
    {
        try
        {
            return await Snapshot.OpenAsync(database, cancel);
        }
        catch (Exception e) when (PostgresFault.IsUnavailable(e))
        {
            throw PostgresFault.Unavailable(e);
        }
    }

    const string UnfinishedSql = """
        select installation, begun_at from store_copy
        where id = 1
        """;

    /// <summary>Whose copy into this database has not come to its end, and since when; null when there is none.</summary>
    public static async Task<(Guid Installation, DateTimeOffset Since)?> FindUnfinishedAsync(NpgsqlConnection connection)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(UnfinishedSql);
        return await batch.ReadAllAsync(row => (row.GetGuid(0), row.Time(1))) is [var found] ? found : null;
    }

    const string BeginSql = """
        insert into store_copy (id, installation, begun_at)
        values (1, @installation, @now)
        """;

    public async Task<TargetState> BeginAsync(Guid installation, DateTimeOffset now, CancellationToken cancel)
    {
        if (await database.ReadAsync(FindUnfinishedAsync, cancel) is var (other, since))
            return other == installation ? new TargetState.Continued(since) : new TargetState.OfAnother(other);
        foreach (var table in MovedTables.All)
        {
            if (await database.ReadAsync(connection => HasRowsAsync(connection, table), cancel))
                return new TargetState.NotEmpty(table.Name);
        }
        await ForgetAsync(cancel);
        await database.WriteAsync(
            async connection =>
            {
                await using var batch = new NpgsqlBatch(connection);
                batch.Add(BeginSql).With("installation", installation).With("now", now);
                return await batch.ExecuteNonQueryAsync(CancellationToken.None);
            },
            cancel);
        return new TargetState.Begun();
    }

    static async Task<bool> HasRowsAsync(NpgsqlConnection connection, MovedTable table)
    {
        await using var batch = new NpgsqlBatch(connection);
        if (!table.IsTenants)
            batch.Add(TableSql.Of(table).AnySql);
        else
            foreach (var lane in Lane.All)
                batch.Add(TableSql.Of(table).AnySql).With("lane", lane);
        return (await batch.ReadAllAsync(row => row.GetInt32(0))).Count > 0;
    }

    const string ProgressSql = """
        select rows, position from copy_progress
        where lane = @lane and relation = @relation
        """;

    public Task<MovedSoFar> FindProgressAsync(MovedTable table, CancellationToken cancel) => database.ReadAsync(
        async connection =>
        {
            await using var batch = new NpgsqlBatch(connection);
            foreach (var lane in Lane.All)
                batch.Add(ProgressSql).With("lane", lane).With("relation", table.Name);
            var lanes = await batch.ReadAllAsync(row => new MovedSoFar(row.GetInt64(0), row.GetFieldValue<byte[]>(1)));
            return lanes.Count == 0 ? default : lanes.MaxBy(lane => lane.Rows);
        },
        cancel);

    const string ReachedSql = """
        insert into copy_progress (lane, relation, rows, position)
        values (@lane, @relation, @rows, @position)
        on conflict (lane, relation) do update set rows = excluded.rows, position = excluded.position
        """;

    /// <summary>The directory has no lane; how far it has come is told in the first one.</summary>
    public async Task WriteAsync(MovedTable table, MovedPage page, MovedSoFar reached, CancellationToken cancel)
    {
        _catalog ??= await database.ReadAsync(Catalog.ReadAsync, cancel);
        var lane = table.IsTenants ? Lane.Of(new TenantId(new MovedRow(page[0]).Id())) : (short)0;
        if (_catalog.MonthColumns.TryGetValue(table.Name, out var month))
            await EnsureMonthsAsync(table, page, month, cancel);
        await database.WriteAsync(
            async connection =>
            {
                await CopyInAsync(connection, _catalog, table, lane, page);
                await using var batch = new NpgsqlBatch(connection);
                batch.Add(ReachedSql).With("lane", lane).With("relation", table.Name)
                    .With("rows", NpgsqlDbType.Bigint, reached.Rows).With("position", NpgsqlDbType.Bytea, reached.Position.ToArray());
                return await batch.ExecuteNonQueryAsync(CancellationToken.None);
            },
            cancel);
    }

    async Task EnsureMonthsAsync(MovedTable table, MovedPage page, string column, CancellationToken cancel)
    {
        var months = new HashSet<Month>();
        for (var i = 0; i < page.Count; i++)
        {
            var row = new MovedRow(page[i]);
            foreach (var one in table.Columns)
            {
                var value = MovedValues.Next(ref row, one.Kind, NpgsqlDbType.Bigint);
                if (one.Name != column)
                    continue;
                months.Add(Month.Of(new MessageId((Guid)value).CreatedAt));
                break;
            }
        }
        foreach (var month in months.Where(_months.Add))
            await partitions.EnsureAsync(month, month, cancel);
    }

    static async Task CopyInAsync(NpgsqlConnection connection, Catalog catalog, MovedTable table, short lane, MovedPage page)
    {
        var sql = TableSql.Of(table);
        await using var copy = await connection.BeginBinaryImportAsync(sql.CopySql, CancellationToken.None);
        for (var i = 0; i < page.Count; i++)
        {
            var row = new MovedRow(page[i]);
            await copy.StartRowAsync(CancellationToken.None);
            if (table.IsTenants)
                await copy.WriteAsync(lane, NpgsqlDbType.Smallint, CancellationToken.None);
            foreach (var column in table.Columns)
            {
                var type = catalog.Types[(table.Name, column.Name)];
                await copy.WriteAsync(MovedValues.Next(ref row, column.Kind, type), type, CancellationToken.None);
            }
            if (sql.Derived is not null)
                await copy.WriteAsync(DayOf(page[i]), NpgsqlDbType.Integer, CancellationToken.None);
        }
        await copy.CompleteAsync(CancellationToken.None);
    }

    /// <summary>Of a queue row: tenant and message are its key.</summary>
    static int DayOf(ReadOnlyMemory<byte> queued)
    {
        var row = new MovedRow(queued);
        row.Id();
        return Totals.DayOf(new MessageId(row.Id()).CreatedAt);
    }

    const string FinishSql = """
        delete from store_copy
        where id = 1
        """;

    const string RenameSql = """
        update installation set uid = @installation
        where id = 1
        """;

    public async Task FinishAsync(Guid installation, CancellationToken cancel)
    {
        // The planner knows nothing yet of what came in. Before the mark goes, so that no server meets it so.
        foreach (var table in MovedTables.All)
            await database.WriteAsync(connection => ExecuteAsync(connection, TableSql.Of(table).AnalyzeSql), cancel);
        await database.WriteAsync(
            async connection =>
            {
                await using var batch = new NpgsqlBatch(connection);
                batch.Add(RenameSql).With("installation", installation);
                batch.Add(FinishSql);
                return await batch.ExecuteNonQueryAsync(CancellationToken.None);
            },
            cancel);
        await ForgetAsync(cancel);
    }

    const string ForgetSql = """
        delete from copy_progress
        where lane = @lane
        """;

    /// <summary>After the mark, which alone gives it a meaning: one transaction a lane.</summary>
    async Task ForgetAsync(CancellationToken cancel)
    {
        foreach (var lane in Lane.All)
        {
            await database.WriteAsync(
                async connection =>
                {
                    await using var batch = new NpgsqlBatch(connection);
                    batch.Add(ForgetSql).With("lane", lane);
                    return await batch.ExecuteNonQueryAsync(CancellationToken.None);
                },
                cancel);
        }
    }

    static async Task<int> ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var batch = new NpgsqlBatch(connection) { Timeout = 0 };
        batch.Add(sql);
        return await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }
}
