using System.Runtime.CompilerServices;
using Npgsql;
using Postrider.Engine.Messages;
using Postrider.Engine.Moving;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Moving;

/// <summary>A connection of its own inside one read-only transaction; rows are read as they come, lane after lane.</summary>
sealed class Snapshot : IStoreSnapshot
{
    readonly NpgsqlConnection _connection;
    readonly NpgsqlTransaction _transaction;
    readonly Catalog _catalog;

    Snapshot(NpgsqlConnection connection, NpgsqlTransaction transaction, Catalog catalog) =>
        (_connection, _transaction, _catalog) = (connection, transaction, catalog);

    public static async Task<Snapshot> OpenAsync(Database database, CancellationToken cancel)
    {
        var connection = await database.OpenReaderAsync(cancel);
        try
        {
            var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancel);
            return new Snapshot(connection, transaction, await Catalog.ReadAsync(connection));
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    public async IAsyncEnumerable<MovedPage> ReadAsync(
        MovedTable table, ReadOnlyMemory<byte> after, PageLimits limits, [EnumeratorCancellation] CancellationToken cancel)
    {
        var page = new MovedPage();
        if (!table.IsTenants)
        {
            await foreach (var rows in ReadLaneAsync(page, table, null, after, limits, cancel))
                yield return rows;
            yield break;
        }
        var first = after.IsEmpty ? (short)0 : Lane.Of(new TenantId(new MovedRow(after).Id()));
        for (var lane = first; lane < Lane.Count; lane++)
        {
            await foreach (var rows in ReadLaneAsync(page, table, lane, lane == first ? after : default, limits, cancel))
                yield return rows;
        }
    }

    async IAsyncEnumerable<MovedPage> ReadLaneAsync(
        MovedPage page, MovedTable table, short? lane, ReadOnlyMemory<byte> after, PageLimits limits,
        [EnumeratorCancellation] CancellationToken cancel)
    {
        page.Clear();
        // No time limit: a large table may be long in its first row when it has to be sorted.
        await using var batch = new NpgsqlBatch(_connection, _transaction) { Timeout = 0 };
        Bind(batch.Add(after.IsEmpty ? TableSql.Of(table).FirstSql : TableSql.Of(table).NextSql), table, lane, after);
        await using var row = await batch.ExecuteReaderAsync(cancel);
        var tenant = default(Guid);
        while (await row.ReadAsync(cancel))
        {
            if (page.Count > 0 && (limits.AreReachedBy(page) || (table.IsTenants && row.GetGuid(0) != tenant)))
            {
                yield return page;
                page.Clear();
            }
            if (table.IsTenants)
                tenant = row.GetGuid(0);
            for (var i = 0; i < table.Columns.Count; i++)
                page.Add(row, i, table.Columns[i].Kind);
            page.EndRow();
        }
        if (page.Count > 0)
            yield return page;
    }

    void Bind(NpgsqlBatchCommand command, MovedTable table, short? lane, ReadOnlyMemory<byte> after)
    {
        if (lane is { } one)
            command.With("lane", one);
        if (after.IsEmpty)
            return;
        var key = new MovedRow(after);
        foreach (var column in table.Key)
        {
            var type = _catalog.Types[(table.Name, column.Name)];
            command.With(column.Name, type, MovedValues.Next(ref key, column.Kind, type));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _transaction.DisposeAsync();
        await _connection.DisposeAsync();
    }
}
