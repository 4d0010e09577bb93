using SQLitePCL;

namespace Postrider.Store.Sqlite.Connections;

/// <summary>SQLite refused; <see cref="Code"/> is its extended result code.</summary>
sealed class SqliteFault(int code, string message) : Exception($"SQLite error {code}: {message}")
{
    public int Code { get; } = code;

    int Primary => Code & 0xFF;

    /// <summary>
    /// The fault is the machine's (disk, memory, another process), so that every write would have met it; not the statement's.
    /// </summary>
    public bool IsOurMachine =>
        Primary is raw.SQLITE_FULL or raw.SQLITE_IOERR or raw.SQLITE_BUSY or raw.SQLITE_LOCKED or raw.SQLITE_READONLY
        or raw.SQLITE_CANTOPEN or raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB or raw.SQLITE_NOMEM or raw.SQLITE_PERM or raw.SQLITE_PROTOCOL;

    /// <summary>The connection may hold on to the trouble (a file that is gone, a remounted disk): a new one is needed.</summary>
    public bool SpoilsConnection => IsOurMachine && Primary is not (raw.SQLITE_FULL or raw.SQLITE_BUSY or raw.SQLITE_LOCKED);

    /// <summary>A <c>check</c> or <c>unique</c> of the schema; the statement left nothing behind, the transaction goes on.</summary>
    public bool IsConstraint => Primary == raw.SQLITE_CONSTRAINT;

    public bool IsInterrupt => Primary == raw.SQLITE_INTERRUPT;
}
