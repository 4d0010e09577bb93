namespace Postrider.Store.Postgres;

/// <param name="ConnectionString">Npgsql's form, <c>Host=…;Username=…;Database=…</c>; what is set here is added to it.</param>
public sealed record PostgresStoreOptions(string ConnectionString)
{
    /// <summary>Whether the store is refused while others of Postrider are connected to its database: for a copy.</summary>
    public bool Alone { get; init; }

    /// <summary>Whether a database into which a copy was interrupted is opened too: by the copy that goes on with it.</summary>
    public bool MayBeUnfinished { get; init; }

    /// <summary>Whether a database without a store gets one; else it is refused, so that a mistyped name is noticed.</summary>
    public bool MayCreate { get; init; } = true;

    /// <summary>
    /// Connections for each kind of write (accept, claim, step, settle); a lane keeps to one, so that its writes keep their order. 2: while
    /// one waits for the disk the other works.
    /// </summary>
    public int WriterShards { get; init; } = 2;

    /// <summary>Writes of one kind and shard that may wait; the next caller waits for room.</summary>
    public int WritesWaiting { get; init; } = 4096;

    /// <summary>
    /// The most writes that one transaction commits: past some hundred a larger group saves nothing and delays the first. Measured.
    /// </summary>
    public int GroupLimit { get; init; } = 256;

    /// <summary>
    /// How far apart a busy lane's steps and settlements begin; an idle one's begin at once. Measured with two nodes on one tenant: at 5 ms
    /// a quarter less is gathered, and 15 % fewer messages go out; one node does not notice.
    /// </summary>
    public TimeSpan GroupPace { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>
    /// Octets of new contents after which a group of accepts is full, so that large requests do not delay small ones. A guess.
    /// </summary>
    public int GroupOctets { get; init; } = 8 << 20;

    /// <summary>
    /// Octets of bodies just accepted that are kept for composing them; 0 reads each from the database. Some ten thousand bodies.
    /// </summary>
    public int ContentMemory { get; init; } = 32 << 20;

    /// <summary>Pooled connections for reading and for rare writes; more readers wait for one of them.</summary>
    public int Readers { get; init; } = 16;

    /// <summary>How long to wait for a connection: a server that is away is told within it.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a statement of a group writer may take before the database counts as away.</summary>
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long a read, or the renewal of leases, waits for each statement: short enough that a renewal which hangs on a dead connection
    /// can be made on another before the leases end.
    /// </summary>
    public TimeSpan ReadTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long one who sends is left waiting for the commit before the database counts as away to it. Less than clients wait. A guess.
    /// </summary>
    public TimeSpan AcceptTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long messages, their timelines and totals are kept, in whole months; null for ever.</summary>
    public TimeSpan? KeepMessages { get; init; }

    /// <summary>How long bodies and attachments are kept, in whole months; null as long as messages.</summary>
    public TimeSpan? KeepBodies { get; init; }

    /// <summary>Months beyond the current one that have their partitions ready.</summary>
    public int MonthsAhead { get; init; } = 2;
}
