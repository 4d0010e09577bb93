using Microsoft.Extensions.Logging;
using Npgsql;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres;

/// <summary>
/// Lets go of what has been kept long enough, a month at a time: whole partitions, which costs nothing however much they hold.
/// </summary>
/// <remarks>
/// A month stays while a message of it, or of one before, is live: scheduled far ahead, or retried by hand after all. Bodies go months
/// before the record of their messages; a message retried then fails and says why.
/// </remarks>
sealed class Retention(Database database, Partitions partitions, PostgresStoreOptions options, ILogger log)
{
    const string BodyTable = "content";

    static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    DateTimeOffset _next = DateTimeOffset.MinValue;

    /// <summary>Asked as often as one likes, it looks every hour.</summary>
    /// <returns>How many partitions went.</returns>
    public async Task<int> RunAsync(DateTimeOffset now, CancellationToken cancel)
    {
        if (now < _next)
            return 0;
        var dropped = 0;
        foreach (var (table, month) in (await partitions.ExistingAsync(cancel)).OrderBy(partition => partition.Month))
        {
            var kept = table == BodyTable ? options.KeepBodies ?? options.KeepMessages : options.KeepMessages;
            if (kept is null || month.CompareTo(Month.Of(now - kept.Value)) >= 0)
                continue;
            if (await IsLiveAsync(month, cancel))
            {
                log.MonthKept(table, month.ToString());
                continue;
            }
            if (table != BodyTable)
                await ForgetTotalsAsync(month, cancel);
            if (await partitions.DropAsync(table, month, cancel))
                dropped++;
        }
        _next = now + Interval;
        return dropped;
    }

    const string LiveSql = """
        -- Of the primary key only the lane is sought by; asked of few lanes twice, as a month that can go goes.
        select exists (select 1 from queue where lane = @lane and message_id < @before)
        """;

    async Task<bool> IsLiveAsync(Month month, CancellationToken cancel)
    {
        foreach (var lane in Lane.All)
        {
            var live = await database.ReadAsync(
                async connection =>
                {
                    await using var batch = new NpgsqlBatch(connection);
                    batch.Add(LiveSql).With("lane", lane).With("before", month.Next.FirstId);
                    return (await batch.ReadAllAsync(row => row.GetBoolean(0)))[0];
                },
                cancel);
            if (live)
                return true;
        }
        return false;
    }

    const string CountersSql = """
        delete from counter
        where lane = @lane and day < @day
        """;

    const string BatchesSql = """
        delete from batch
        where lane = @lane and id < @before and completed_at is not null
        """;

    /// <summary>
    /// Lists tell their totals from the counters of days: those go first, so that for a moment a total is too small rather than for ever
    /// too large.
    /// </summary>
    async Task ForgetTotalsAsync(Month month, CancellationToken cancel)
    {
        var day = (int)(month.Next.Begin - DateTimeOffset.UnixEpoch).TotalDays;
        foreach (var lane in Lane.All)
        {
            await database.WriteAsync(
                async connection =>
                {
                    await using var batch = new NpgsqlBatch(connection);
                    // In the order of all who change totals.
                    batch.Add(BatchesSql).With("lane", lane).With("before", month.Next.FirstId);
                    batch.Add(CountersSql).With("lane", lane).With("day", day);
                    return await batch.ExecuteNonQueryAsync(CancellationToken.None);
                },
                cancel);
        }
    }
}
