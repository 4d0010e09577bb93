using Postrider.Engine.Messages;

namespace Postrider.Engine.Moving;

/// <summary>How much is moved by one transaction, and held in memory.</summary>
/// <param name="Rows">2,000: past some hundred a larger transaction saves little. A guess.</param>
/// <param name="Octets">4 MiB: sixteen contents' chunks. A guess.</param>
public readonly record struct PageLimits(int Rows, int Octets)
{
    public static PageLimits Default { get; } = new(2_000, 4 << 20);

    public bool AreReachedBy(MovedPage page) => page.Count >= Rows || page.Octets >= Octets;
}

/// <summary>How far a table has come.</summary>
/// <param name="Position">The key of the last row that is there; empty before the first.</param>
public readonly record struct MovedSoFar(long Rows, ReadOnlyMemory<byte> Position);

/// <summary>What a store says to being copied into.</summary>
public abstract record TargetState
{
    TargetState() { }

    /// <summary>It was empty, and says from now on whose copy it is to become.</summary>
    public sealed record Begun : TargetState;

    /// <summary>An earlier copy of the same installation was interrupted.</summary>
    public sealed record Continued(DateTimeOffset Since) : TargetState;

    /// <param name="Table">One that has rows already.</param>
    public sealed record NotEmpty(string Table) : TargetState;

    /// <summary>A copy of another installation was interrupted in it.</summary>
    public sealed record OfAnother(Guid Installation) : TargetState;

    /// <summary>What everybody but the copy hears who opens such a store.</summary>
    public static StoreUnavailableException Unfinished(Guid installation, DateTimeOffset since) => new(
        $"A copy of installation {installation} into this database, begun {since:u}, is not finished: run it again, or drop the database.");
}

/// <summary>
/// What a store offers to <see cref="StoreCopy"/>: its rows as they are, in and out. Nobody else may work on it meanwhile.
/// </summary>
public interface IMovableStore
{
    /// <summary>Who this is: a copy takes over the name.</summary>
    Task<Guid> FindInstallationAsync(CancellationToken cancel);

    /// <summary>Takes back what was leased by servers that are gone, as a restart would.</summary>
    Task ReleaseLeasesAsync(DateTimeOffset now, CancellationToken cancel);

    Task<IStoreSnapshot> OpenSnapshotAsync(CancellationToken cancel);

    Task<TargetState> BeginAsync(Guid installation, DateTimeOffset now, CancellationToken cancel);

    Task<MovedSoFar> FindProgressAsync(MovedTable table, CancellationToken cancel);

    /// <summary>Writes the rows and how far that is in one transaction.</summary>
    /// <exception cref="StoreUnavailableException">Nothing was written, or all of it: <see cref="FindProgressAsync"/> tells.</exception>
    Task WriteAsync(MovedTable table, MovedPage page, MovedSoFar reached, CancellationToken cancel);

    /// <summary>From here on the store may be served.</summary>
    Task FinishAsync(Guid installation, CancellationToken cancel);
}

/// <summary>The rows of a store as they were at one moment.</summary>
public interface IStoreSnapshot : IAsyncDisposable
{
    /// <summary>
    /// The rows after a key, in this store's order of keys. A page ends where its limits are reached, and where the tenant changes in a
    /// table of tenants. The pages are one object, filled anew each time.
    /// </summary>
    IAsyncEnumerable<MovedPage> ReadAsync(MovedTable table, ReadOnlyMemory<byte> after, PageLimits limits, CancellationToken cancel);
}
