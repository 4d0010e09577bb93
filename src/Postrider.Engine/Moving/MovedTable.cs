namespace Postrider.Engine.Moving;

/// <summary>What a column holds, whatever type a store gives it.</summary>
public enum ColumnKind
{
    /// <summary>16 octets, in network order.</summary>
    Id,
    Number,
    Flag,

    /// <summary>A time, in whole milliseconds: what all stores keep.</summary>
    Instant,

    /// <summary>Unicode without NUL: one that a peer sent has become U+FFFD.</summary>
    Text,
    Octets,

    /// <summary>Ids, 16 octets each.</summary>
    Ids,

    /// <summary>The first instant of a calendar month in UTC.</summary>
    Month,
}

public readonly record struct MovedColumn(string Name, ColumnKind Kind);

/// <summary>A table that belongs to an installation and goes where that goes.</summary>
/// <param name="Key">Names a row, and orders the rows.</param>
public sealed record MovedTable(string Name, IReadOnlyList<MovedColumn> Key, IReadOnlyList<MovedColumn> Values)
{
    /// <summary>It grows with mail, and its key begins with the tenant; the others are the directory, small and known everywhere.</summary>
    public bool IsTenants { get; init; }

    public IReadOnlyList<MovedColumn> Columns { get; } = [.. Key, .. Values];

    public override string ToString() => Name;
}
