using System.Globalization;
using Postrider.Engine.Messages;

namespace Postrider.Engine.Moving;

/// <summary>What was found of a table on both sides.</summary>
public sealed record TableComparison(MovedTable Table, TableDigest Source, TableDigest Target)
{
    public bool IsEqual => Source == Target;
}

public abstract record CopyOutcome
{
    CopyOutcome() { }

    /// <summary>Nothing was done.</summary>
    public sealed record Refused(string Why) : CopyOutcome;

    /// <summary>
    /// Everything is in the target. When a table differs the target stays marked as unfinished, and no server starts on it.
    /// </summary>
    public sealed record Compared(IReadOnlyList<TableComparison> Tables) : CopyOutcome
    {
        public bool AreEqual => Tables.All(table => table.IsEqual);
    }
}

/// <summary>
/// Moves an installation from one store to another: table by table, a page a transaction, with how far it has come in the same transaction.
/// So a copy that was interrupted anywhere goes on where it stopped. In the end both stores are read again from their first row to their
/// last and compared.
/// </summary>
/// <param name="tell">Told of progress, a line at a time.</param>
public sealed class StoreCopy(IMovableStore from, IMovableStore to, TimeProvider time, Action<string> tell)
{
    static readonly TimeSpan TellEvery = TimeSpan.FromSeconds(5);

    public PageLimits Limits { get; init; } = PageLimits.Default;

    /// <exception cref="StoreUnavailableException">One of the two is away; the copy can be run again.</exception>
    public async Task<CopyOutcome> RunAsync(CancellationToken cancel)
    {
        var installation = await from.FindInstallationAsync(cancel);
        switch (await to.BeginAsync(installation, time.GetUtcNow(), cancel))
        {
            case TargetState.NotEmpty { Table: var table }:
                return new CopyOutcome.Refused($"The target is not empty: there are rows in {table}. Copy into an empty database.");
            case TargetState.OfAnother { Installation: var other }:
                return new CopyOutcome.Refused(
                    $"The target holds an unfinished copy of another installation, {other}; this one is {installation}. "
                    + "Copy into an empty database.");
            case TargetState.Continued { Since: var since }:
                tell($"going on with the copy begun {since.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture)}");
                break;
        }
        // As a restart would: nobody serves the source any more, so whoever held these is gone.
        await from.ReleaseLeasesAsync(time.GetUtcNow(), cancel);
        await using var source = await from.OpenSnapshotAsync(cancel);
        foreach (var table in MovedTables.All)
            await CopyAsync(source, table, cancel);
        var compared = await CompareAsync(source, cancel);
        if (compared.AreEqual)
            await to.FinishAsync(installation, cancel);
        return compared;
    }

    async Task CopyAsync(IStoreSnapshot source, MovedTable table, CancellationToken cancel)
    {
        var reached = await to.FindProgressAsync(table, cancel);
        var told = time.GetTimestamp();
        await foreach (var page in source.ReadAsync(table, reached.Position, Limits, cancel))
        {
            reached = new MovedSoFar(reached.Rows + page.Count, MovedRow.KeyOf(table, page[page.Count - 1]).ToArray());
            await to.WriteAsync(table, page, reached, cancel);
            if (time.GetElapsedTime(told) < TellEvery)
                continue;
            Tell(table, reached.Rows, "rows copied so far");
            told = time.GetTimestamp();
        }
        Tell(table, reached.Rows, "rows copied");
    }

    /// <summary>Each side from its own rows, nothing of what the copy saw.</summary>
    async Task<CopyOutcome.Compared> CompareAsync(IStoreSnapshot source, CancellationToken cancel)
    {
        await using var target = await to.OpenSnapshotAsync(cancel);
        var compared = new List<TableComparison>(MovedTables.All.Count);
        foreach (var table in MovedTables.All)
        {
            // A store that reads without waiting would hold up the other: each on a thread of its own.
            var ours = Task.Run(() => TableDigest.OfAsync(source, table, Limits, cancel), cancel);
            var theirs = Task.Run(() => TableDigest.OfAsync(target, table, Limits, cancel), cancel);
            compared.Add(new TableComparison(table, await ours, await theirs));
            Tell(table, compared[^1].Source.Rows, compared[^1].IsEqual ? "rows compared" : "rows compared: NOT EQUAL");
        }
        return new CopyOutcome.Compared(compared);
    }

    void Tell(MovedTable table, long rows, string what) =>
        tell(string.Create(CultureInfo.InvariantCulture, $"{table.Name}: {rows} {what}"));
}
