using System.Collections.Frozen;
using Postrider.Engine.Moving;

namespace Postrider.Store.Sqlite.Moving;

/// <summary>A moved table's statements. One object a table, as statements are known by reference.</summary>
sealed class TableSql
{
    static readonly FrozenDictionary<string, TableSql> All =
        MovedTables.All.ToFrozenDictionary(table => table.Name, table => new TableSql(table));

    TableSql(MovedTable table)
    {
        var key = string.Join(", ", table.Key.Select(column => column.Name));
        var columns = string.Join(", ", table.Columns.Select(column => column.Name));
        AnySql = $"select 1 from {table.Name} limit 1";
        InsertSql = $"insert into {table.Name} ({columns}) values ({string.Join(", ", table.Columns.Select(column => "@" + column.Name))})";
        FirstSql = $"select {columns} from {table.Name} order by {key}";
        // Primary key: one seek, and on from there.
        NextSql = $"""
            select {columns} from {table.Name}
            where ({key}) > ({string.Join(", ", table.Key.Select(column => "@" + column.Name))})
            order by {key}
            """;
        if (table.Name == "content")
            (FirstSql, NextSql, InsertSql) = (NamedContents.FirstSql, NamedContents.NextSql, NamedContents.InsertSql);
    }

    public string AnySql { get; }

    /// <summary>Its parameters in the order of the table's columns.</summary>
    public string InsertSql { get; }

    public string FirstSql { get; }

    /// <summary>Its parameters are the key's columns.</summary>
    public string NextSql { get; }

    public static TableSql Of(MovedTable table) => All[table.Name];
}
