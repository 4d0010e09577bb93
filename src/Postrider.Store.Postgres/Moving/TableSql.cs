using System.Collections.Frozen;
using Postrider.Engine.Moving;

namespace Postrider.Store.Postgres.Moving;

/// <summary>A moved table's statements. Those of tenants' tables name one lane.</summary>
sealed class TableSql
{
    static readonly FrozenDictionary<string, TableSql> All =
        MovedTables.All.ToFrozenDictionary(table => table.Name, table => new TableSql(table));

    TableSql(MovedTable table)
    {
        var key = string.Join(", ", table.Key.Select(column => column.Name));
        var columns = string.Join(", ", table.Columns.Select(column => column.Name));
        var after = $"({key}) > ({string.Join(", ", table.Key.Select(column => "@" + column.Name))})";
        var lane = table.IsTenants ? "where lane = @lane" : "";
        AnySql = $"select 1 from {table.Name} {lane} limit 1";
        AnalyzeSql = $"analyze {table.Name}";
        FirstSql = $"select {columns} from {table.Name} {lane} order by {key}";
        // Primary key, partition by partition: a seek each, and on from there.
        NextSql = $"""
            select {columns} from {table.Name}
            {(table.IsTenants ? $"{lane} and {after}" : $"where {after}")}
            order by {key}
            """;
        Derived = table.Name == "queue" ? "day" : null;
        string[] written = [.. table.IsTenants ? ["lane"] : (string[])[], columns, .. Derived is null ? (string[])[] : [Derived]];
        CopySql = $"copy {table.Name} ({string.Join(", ", written)}) from stdin (format binary)";
    }

    public string AnySql { get; }

    public string AnalyzeSql { get; }

    public string FirstSql { get; }

    /// <summary>Its parameters are the key's columns.</summary>
    public string NextSql { get; }

    /// <summary>Its columns: the lane for a tenants' table, the table's, and what <see cref="Derived"/> names.</summary>
    public string CopySql { get; }

    /// <summary>What this store keeps beside the moved columns: the day of a live message's counter.</summary>
    public string? Derived { get; }

    public static TableSql Of(MovedTable table) => All[table.Name];
}
