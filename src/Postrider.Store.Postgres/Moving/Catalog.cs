using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Moving;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Moving;

/// <summary>What the database's own catalog says of the moved tables, so that a copy needs to be told nothing twice.</summary>
/// <param name="Types">Of columns, by table and name.</param>
/// <param name="MonthColumns">The id by which a table is partitioned.</param>
sealed record Catalog(
    IReadOnlyDictionary<(string Table, string Column), NpgsqlDbType> Types, IReadOnlyDictionary<string, string> MonthColumns)
{
    const string TypesSql = """
        select c.relname, a.attname, format_type(a.atttypid, null) from pg_attribute a
        join pg_class c on c.oid = a.attrelid
        where c.relname = any(@tables) and c.relnamespace = current_schema()::regnamespace and a.attnum > 0 and not a.attisdropped
        """;

    const string PartitionedSql = """
        select c.relname, a.attname from pg_partitioned_table p
        join pg_class c on c.oid = p.partrelid
        join pg_attribute a on a.attrelid = c.oid and a.attnum = p.partattrs[0]
        where c.relname = any(@tables) and c.relnamespace = current_schema()::regnamespace
        """;

    public static async Task<Catalog> ReadAsync(NpgsqlConnection connection)
    {
        List<string> tables = [.. MovedTables.All.Select(table => table.Name)];
        await using var types = new NpgsqlBatch(connection);
        types.Add(TypesSql).WithAll("tables", NpgsqlDbType.Text, tables);
        var columns = await types.ReadAllAsync(row => (Table: row.GetString(0), Column: row.GetString(1), Type: row.GetString(2)));
        await using var partitioned = new NpgsqlBatch(connection);
        partitioned.Add(PartitionedSql).WithAll("tables", NpgsqlDbType.Text, tables);
        var months = await partitioned.ReadAllAsync(row => (Table: row.GetString(0), Column: row.GetString(1)));
        return new Catalog(
            columns.ToDictionary(column => (column.Table, column.Column), column => TypeOf(column.Type)),
            months.ToDictionary(month => month.Table, month => month.Column));
    }

    static NpgsqlDbType TypeOf(string type) => type switch
    {
        "uuid" => NpgsqlDbType.Uuid,
        "uuid[]" => NpgsqlDbType.Uuid | NpgsqlDbType.Array,
        "smallint" => NpgsqlDbType.Smallint,
        "integer" => NpgsqlDbType.Integer,
        "bigint" => NpgsqlDbType.Bigint,
        "boolean" => NpgsqlDbType.Boolean,
        "timestamp with time zone" => NpgsqlDbType.TimestampTz,
        "text" => NpgsqlDbType.Text,
        "bytea" => NpgsqlDbType.Bytea,
        _ => NpgsqlDbType.Unknown,
    };
}
