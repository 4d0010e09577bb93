using Postrider.Engine.Messages;
using Postrider.Store.Sqlite.Connections;

namespace Postrider.Store.Sqlite.Writing;

/// <summary>
/// Puts right totals that a check refuses to make negative: counted from the messages themselves. They are bookkeeping, and never keep an
/// outcome from being written. It reads a whole day of a tenant, or a whole batch, while other writes wait; a million messages take
/// seconds.
/// </summary>
/// <param name="Gathered">What the transaction under way has yet to add: the rows get the totals of before it.</param>
readonly record struct Recount(Connection Db, TenantId Tenant, long[] Gathered)
{
    const string LiveOfDaySql = """
        -- Primary key.
        select case when partly_accepted then 4 else phase end, count(*) from queue
        where tenant_id = @tenant and message_id >= @first and message_id < @next
        group by 1
        """;

    const string SettledOfDaySql = """
        -- Primary key.
        select status, count(*) from message
        where tenant_id = @tenant and id >= @first and id < @next and status is not null
        group by status
        """;

    const string SetDaySql = $"""
        update counter set {Set}
        where tenant_id = @tenant and day = @day
        """;

    public void OfDay(long day)
    {
        var (first, next) = (
            IdRange.FirstAt(DateTimeOffset.UnixEpoch.AddDays(day)), IdRange.FirstAt(DateTimeOffset.UnixEpoch.AddDays(day + 1)));
        var counts = new long[MessageStatuses.Count];
        Count(Db.Prepare(LiveOfDaySql).Bind(Tenant.Value).Bind(first).Bind(next), counts);
        Count(Db.Prepare(SettledOfDaySql).Bind(Tenant.Value).Bind(first).Bind(next), counts);
        BindBefore(Db.Prepare(SetDaySql), counts).Bind(Tenant.Value).Bind(day).Run();
    }

    const string LiveOfBatchSql = """
        -- Index message_batch, then the queue's primary key.
        select case when q.partly_accepted then 4 else q.phase end, count(*)
        from message m indexed by message_batch
        join queue q on q.tenant_id = m.tenant_id and q.message_id = m.id
        where m.tenant_id = @tenant and m.batch_id = @batch
        group by 1
        """;

    const string SettledOfBatchSql = """
        -- Index message_batch.
        select status, count(*) from message indexed by message_batch
        where tenant_id = @tenant and batch_id = @batch and status is not null
        group by status
        """;

    const string SetBatchSql = $"""
        update batch set {Set}
        where tenant_id = @tenant and id = @batch
        """;

    public void OfBatch(BatchId batch)
    {
        var counts = new long[MessageStatuses.Count];
        Count(Db.Prepare(LiveOfBatchSql).Bind(Tenant.Value).Bind(batch.Value), counts);
        Count(Db.Prepare(SettledOfBatchSql).Bind(Tenant.Value).Bind(batch.Value), counts);
        BindBefore(Db.Prepare(SetBatchSql), counts).Bind(Tenant.Value).Bind(batch.Value).Run();
    }

    const string Set = """
        queued = @queued, processing = @processing, rendered = @rendered, sending = @sending, sent = @sent, delivered = @delivered,
            bounced = @bounced, failed = @failed, cancelled = @cancelled, sandbox = @sandbox
        """;

    static void Count(Statement read, long[] counts)
    {
        while (read.Step())
            counts[read.Int32(0)] += read.Int64(1);
    }

    Statement BindBefore(Statement set, long[] counts)
    {
        for (var status = 0; status < counts.Length; status++)
            set.Bind(Math.Max(0, counts[status] - Gathered[status]));
        return set;
    }
}
