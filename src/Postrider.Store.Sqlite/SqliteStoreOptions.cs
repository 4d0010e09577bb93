namespace Postrider.Store.Sqlite;

/// <param name="Path">The database file; made when it is missing, its folder too.</param>
public sealed record SqliteStoreOptions(string Path)
{
    /// <summary>
    /// Whether this process is the server: it holds <c>&lt;path&gt;.lock</c>, so that a second one is refused, and checkpoints the WAL.
    /// </summary>
    public bool ServeLock { get; init; }

    /// <summary>Whether a database into which a copy was interrupted is opened too: by the copy that goes on with it.</summary>
    public bool MayBeUnfinished { get; init; }

    /// <summary>
    /// Connections that read at the same time; more readers wait for one of them. 4: two cores, and two that wait for the disk.
    /// </summary>
    public int Readers { get; init; } = 4;

    /// <summary>Writes that may wait, and so the most that one transaction commits; the next caller waits for room.</summary>
    public int WritesWaiting { get; init; } = 1024;

    /// <summary>
    /// A transaction takes no further write once it has run this long, so that large requests do not delay small ones. A guess.
    /// </summary>
    public TimeSpan TransactionBudget { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>How long to wait for another process, such as a command of the operator's, that is writing.</summary>
    public TimeSpan BusyTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The WAL's size at which it is copied back into the database; it stays below about three times this.</summary>
    public long CheckpointOctets { get; init; } = 64 << 20;

    /// <summary>Page cache of the writer, in octets.</summary>
    public long WriterCacheOctets { get; init; } = 32 << 20;
}
