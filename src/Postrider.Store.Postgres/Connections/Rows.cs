using Npgsql;

namespace Postrider.Store.Postgres.Connections;

/// <summary>Columns that may be null.</summary>
static class Rows
{
    public static string? TextOrNull(this NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    public static Guid? GuidOrNull(this NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetGuid(column);

    public static DateTimeOffset Time(this NpgsqlDataReader row, int column) => row.GetFieldValue<DateTimeOffset>(column);

    public static DateTimeOffset? TimeOrNull(this NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.Time(column);

    public static T[] Array<T>(this NpgsqlDataReader row, int column) => row.IsDBNull(column) ? [] : row.GetFieldValue<T[]>(column);

    public static async Task<List<T>> ReadAllAsync<T>(this NpgsqlBatch batch, Func<NpgsqlDataReader, T> read)
    {
        var all = new List<T>();
        await using var rows = await batch.ExecuteReaderAsync(CancellationToken.None);
        do
        {
            while (await rows.ReadAsync(CancellationToken.None))
                all.Add(read(rows));
        }
        while (await rows.NextResultAsync(CancellationToken.None));
        return all;
    }
}
