using Microsoft.Extensions.Logging;
using Postrider.Engine.Messages;
using Postrider.Store.Sqlite.Connections;

namespace Postrider.Store.Sqlite.Writing;

/// <summary>
/// Changes of the totals by status, gathered over one transaction and written as one row a day and one a batch, so that a thousand
/// transitions cost a few updates.
/// </summary>
/// <remarks>
/// Totals that cannot be right, for this would make them negative, are counted anew; why they were wrong, nobody knows then.
/// </remarks>
sealed class CounterDeltas(ILogger log)
{
    readonly Dictionary<(TenantId Tenant, long Day), long[]> _days = [];
    readonly Dictionary<(TenantId Tenant, BatchId Batch), BatchDelta> _batches = [];

    /// <param name="from">Null for a new message.</param>
    /// <param name="at">When: a batch whose last open message settles here is complete since then.</param>
    public void Move(TenantId tenant, MessageId message, BatchId? batch, MessageStatus? from, MessageStatus to, DateTimeOffset at)
    {
        if (from == to)
            return;
        var day = DayOf(message.CreatedAt);
        if (!_days.TryGetValue((tenant, day), out var counts))
            _days.Add((tenant, day), counts = new long[MessageStatuses.Count]);
        Move(counts, from, to);
        if (batch is not { } id)
            return;
        if (!_batches.TryGetValue((tenant, id), out var delta))
            _batches.Add((tenant, id), delta = new BatchDelta());
        Move(delta.Counts, from, to);
        delta.HasNew |= from is null && to == MessageStatus.Queued;
        delta.HasReturned |= from is not null && to == MessageStatus.Queued;
        if (at > delta.At)
            delta.At = at;
    }

    public static long DayOf(DateTimeOffset at) => at.ToUnixTimeMilliseconds() / (24 * 60 * 60 * 1000L);

    public void Clear()
    {
        _days.Clear();
        _batches.Clear();
    }

    const string FirstOfDaySql = """
        insert into counter (
            tenant_id, day, queued, processing, rendered, sending, sent, delivered, bounced, failed, cancelled, sandbox)
        values (@tenant, @day, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        on conflict do nothing
        """;

    const string Additions = """
            queued = queued + @queued,
            processing = processing + @processing,
            rendered = rendered + @rendered,
            sending = sending + @sending,
            sent = sent + @sent,
            delivered = delivered + @delivered,
            bounced = bounced + @bounced,
            failed = failed + @failed,
            cancelled = cancelled + @cancelled,
            sandbox = sandbox + @sandbox
        """;

    const string AddDaySql = $"""
        update counter set
        {Additions}
        where tenant_id = @tenant and day = @day
        """;

    const string AddBatchSql = $"""
        update batch set
        {Additions},
            -- What is new in a cancelled batch, or waits again in it, is for its order to cancel.
            unswept = case
                when @has_returned and state = 2 then 2
                when @has_new and state = 2 then max(unswept, 1)
                else unswept
            end,
            -- Open messages after this: complete since the last one settled, or not complete.
            completed_at = case
                when queued + processing + rendered + sending + sent + @open = 0 then coalesce(completed_at, @at)
            end
        where tenant_id = @tenant and id = @batch
        """;

    public void Flush(Connection db)
    {
        foreach (var ((tenant, day), counts) in _days)
        {
            if (!counts.AsSpan().ContainsAnyExcept(0))
                continue;
            try
            {
                AddDay(db, tenant, day, counts);
            }
            catch (SqliteFault e) when (e.IsConstraint)
            {
                log.TotalsRecounted(e, tenant, $"day {DateTimeOffset.UnixEpoch.AddDays(day):yyyy-MM-dd}");
                new Recount(db, tenant, counts).OfDay(day);
                AddDay(db, tenant, day, counts);
            }
        }
        foreach (var ((tenant, batch), delta) in _batches)
        {
            try
            {
                AddBatch(db, tenant, batch, delta);
            }
            catch (SqliteFault e) when (e.IsConstraint)
            {
                log.TotalsRecounted(e, tenant, $"batch {batch}");
                new Recount(db, tenant, delta.Counts).OfBatch(batch);
                AddBatch(db, tenant, batch, delta);
            }
        }
        Clear();
    }

    static void AddDay(Connection db, TenantId tenant, long day, long[] counts)
    {
        BindCounts(db.Prepare(AddDaySql), counts).Bind(tenant.Value).Bind(day).Run();
        if (db.Changes != 0)
            return;
        db.Prepare(FirstOfDaySql).Bind(tenant.Value).Bind(day).Run();
        BindCounts(db.Prepare(AddDaySql), counts).Bind(tenant.Value).Bind(day).Run();
    }

    static void AddBatch(Connection db, TenantId tenant, BatchId batch, BatchDelta delta)
    {
        var open = delta.Counts.AsSpan(0, (int)MessageStatus.Delivered);
        BindCounts(db.Prepare(AddBatchSql), delta.Counts)
            .Bind(delta.HasReturned).Bind(delta.HasNew).Bind(Sum(open)).Bind(delta.At).Bind(tenant.Value).Bind(batch.Value).Run();
    }

    static Statement BindCounts(Statement statement, long[] counts)
    {
        foreach (var count in counts)
            statement.Bind(count);
        return statement;
    }

    static long Sum(ReadOnlySpan<long> counts)
    {
        var sum = 0L;
        foreach (var count in counts)
            sum += count;
        return sum;
    }

    static void Move(long[] counts, MessageStatus? from, MessageStatus to)
    {
        if (from is { } left)
            counts[(int)left]--;
        counts[(int)to]++;
    }

    sealed class BatchDelta
    {
        public long[] Counts { get; } = new long[MessageStatuses.Count];

        public DateTimeOffset At { get; set; }

        public bool HasNew { get; set; }

        /// <summary>Anything that was under way, or settled, waits again.</summary>
        public bool HasReturned { get; set; }
    }
}
