using Microsoft.Extensions.Logging;
using Npgsql;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres;

/// <summary>
/// Lets go of what has been kept long enough, a month at a time: whole partitions, which costs nothing however much they hold.
/// </summary>
/// <remarks>
/// A month stays while a message of it, or of one before, is live: scheduled far ahead, or retried by hand after all. Its table
/// <c>message</c> goes first, and behind the lock it is asked once more: who retries by hand needs that table, so either the retry is seen
/// or it finds no message. Without it nothing finds the rest, which may follow at any time. Bodies go months before the record of their
/// messages, and are not asked for again: a message retried then fails and says why.
/// </remarks>
sealed class Retention(Database database, Partitions partitions, PostgresStoreOptions options, ILogger log)
{
    const string MessageTable = "message";
    const string BodyTable = "content";

    static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    DateTimeOffset _next = DateTimeOffset.MinValue;
    Month? _forgotten;

    /// <summary>Asked as often as one likes, it looks every hour.</summary>
    /// <returns>How many partitions went.</returns>
    public async Task<int> RunAsync(DateTimeOffset now, CancellationToken cancel)
    {
        if (now < _next)
            return 0;
        _next = now + Interval;     // also when it fails: else every node tries each minute, each time behind a lock
        var existing = await partitions.ExistingAsync(cancel);
        var dropped = 0;
        if ((options.KeepBodies ?? options.KeepMessages) is { } keepBodies)
        {
            foreach (var (_, month) in Past(existing.Where(one => one.Table == BodyTable), now - keepBodies))
                dropped += await TryDropAsync(BodyTable, month, cancel) ? 1 : 0;
        }
        if (options.KeepMessages is { } keepMessages)
        {
            var first = Month.Of(now - keepMessages);
            // One that stays keeps those after it: totals are forgotten from the first day on.
            foreach (var (table, month) in Past(existing.Where(one => one.Table != BodyTable), now - keepMessages))
            {
                var goes = await TryDropAsync(table, month, cancel);
                dropped += goes ? 1 : 0;
                if (!goes && table == MessageTable)
                {
                    first = month;
                    break;
                }
            }
            if (_forgotten != first)
                await ForgetTotalsAsync(first, cancel);
            _forgotten = first;
        }
        return dropped;
    }

    static IEnumerable<(string Table, Month Month)> Past(IEnumerable<(string Table, Month Month)> existing, DateTimeOffset before) =>
        existing.Where(one => one.Month.CompareTo(Month.Of(before)) < 0).OrderBy(one => one.Month).ThenBy(one => one.Table != MessageTable);

    async Task<bool> TryDropAsync(string table, Month month, CancellationToken cancel)
    {
        if (await database.ReadAsync(connection => IsLiveAsync(connection, month), cancel))
        {
            log.MonthKept(table, month.ToString());
            return false;
        }
        return await partitions.DropAsync(
            table, month, async connection => table != MessageTable || !await IsLiveAsync(connection, month), cancel);
    }

    const string LiveSql = """
        -- Primary key: a loose scan, from each tenant's oldest message to the next tenant's.
        with recursive oldest as (
            (select q.tenant_id, q.message_id from queue q
            where q.lane = @lane
            order by q.tenant_id, q.message_id
            limit 1)
            union all
            select n.tenant_id, n.message_id
            from oldest o
            cross join lateral (
                select q.tenant_id, q.message_id from queue q
                where q.lane = @lane and q.tenant_id > o.tenant_id
                order by q.tenant_id, q.message_id
                limit 1) n)
        select exists (select 1 from oldest where message_id < @before)
        """;

    /// <summary>All lanes in one round trip: it is asked behind a lock that all wait for.</summary>
    static async Task<bool> IsLiveAsync(NpgsqlConnection connection, Month month)
    {
        await using var batch = new NpgsqlBatch(connection);
        foreach (var lane in Lane.All)
            batch.Add(LiveSql).With("lane", lane).With("before", month.Next.FirstId);
        return (await batch.ReadAllAsync(row => row.GetBoolean(0))).Contains(true);
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
    /// Lists tell their totals from the counters of days. Of all months before <paramref name="first"/>, and once after each start: a
    /// process that ended between a drop and this has left some.
    /// </summary>
    async Task ForgetTotalsAsync(Month first, CancellationToken cancel)
    {
        var day = (int)(first.Begin - DateTimeOffset.UnixEpoch).TotalDays;
        foreach (var lane in Lane.All)
        {
            await database.WriteAsync(
                async connection =>
                {
                    await using var batch = new NpgsqlBatch(connection);
                    // In the order of all who change totals.
                    batch.Add(BatchesSql).With("lane", lane).With("before", first.FirstId);
                    batch.Add(CountersSql).With("lane", lane).With("day", day);
                    return await batch.ExecuteNonQueryAsync(CancellationToken.None);
                },
                cancel);
        }
    }
}
