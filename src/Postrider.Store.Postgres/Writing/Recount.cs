using Microsoft.Extensions.Logging;
using Npgsql;
using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Writing;

/// <summary>
/// Puts right totals that a check refuses to make negative: counted from the messages themselves. They are bookkeeping, and never keep an
/// outcome from being written; nothing of this is in the way of a write whose totals are right.
/// </summary>
/// <remarks>
/// In a transaction of its own, which locks the rows as all do who change totals and counts after that: what had changed its totals before
/// is in the count, what waits for the lock adds to it. Meanwhile the tenant's other writes wait, and with each of them all lanes that
/// share its connection, half of them: seconds for a million messages of one day.
/// </remarks>
sealed class Recount(Database database, ILogger log)
{
    /// <summary>
    /// Not that of other writes: a count that was given up would be begun again by the same write's next try, for ever. Tens of millions
    /// of messages of one day are read from a disk within it. A guess.
    /// </summary>
    static readonly TimeSpan CommandTimeout = TimeSpan.FromMinutes(10);

    /// <param name="message">Of the write that failed, alone in its transaction.</param>
    /// <returns>False when <paramref name="fault"/> was another.</returns>
    public async Task<bool> OfMessageAsync(Exception fault, TenantId tenant, MessageId message)
    {
        if (!IsNeeded(fault))
            return false;
        await database.WriteAsync(connection => OfMessageAsync(connection, fault, tenant, message), CancellationToken.None);
        return true;
    }

    /// <summary>A rare write about one message; again when its totals were wrong.</summary>
    public Task<T> WriteAsync<T>(TenantId tenant, MessageId message, Func<NpgsqlConnection, Task<T>> write, CancellationToken cancel) =>
        WriteAsync(write, (connection, fault) => OfMessageAsync(connection, fault, tenant, message), cancel);

    /// <summary>A page of a batch; again when the totals of the batch, or of the days of its live messages, were wrong.</summary>
    public Task<T> WriteAsync<T>(BatchKey batch, Func<NpgsqlConnection, Task<T>> write, CancellationToken cancel) =>
        WriteAsync(write, (connection, fault) => OfBatchAsync(connection, fault, batch), cancel);

    async Task<T> WriteAsync<T>(
        Func<NpgsqlConnection, Task<T>> write, Func<NpgsqlConnection, Exception, Task<bool>> recount, CancellationToken cancel)
    {
        try
        {
            return await database.WriteAsync(write, cancel);
        }
        catch (PostgresException e) when (IsNeeded(e))
        {
            await database.WriteAsync(connection => recount(connection, e), CancellationToken.None);
            return await database.WriteAsync(write, cancel);
        }
    }

    /// <remarks>By the names of the constraints: on a Citus cluster tables are called after their shards.</remarks>
    static bool IsNeeded(Exception fault) =>
        fault is PostgresException { SqlState: PostgresErrorCodes.CheckViolation, ConstraintName: { } name }
        && (name.StartsWith("counter_", StringComparison.Ordinal) || name.StartsWith("batch_", StringComparison.Ordinal));

    const string BatchOfSql = """
        -- Primary key.
        select batch_id from message
        where lane = @lane and tenant_id = @tenant and id = @message and batch_id is not null
        """;

    async Task<bool> OfMessageAsync(NpgsqlConnection connection, Exception fault, TenantId tenant, MessageId message)
    {
        await using var asking = new NpgsqlBatch(connection);
        asking.Add(BatchOfSql).With("lane", Lane.Of(tenant)).With("tenant", tenant.Value).With("message", message.Value);
        foreach (var batch in await asking.ReadAllAsync(row => new BatchId(row.GetGuid(0))))
            await CountBatchAsync(connection, fault, new BatchKey(tenant, batch));
        await CountDayAsync(connection, fault, tenant, Totals.DayOf(message.CreatedAt));
        return true;
    }

    const string DaysSql = """
        -- Index message_batch, then the queue's primary key.
        select distinct q.day
        from message m
        join queue q on q.lane = @lane and q.tenant_id = m.tenant_id and q.message_id = m.id
        where m.lane = @lane and m.tenant_id = @tenant and m.batch_id = @batch and m.status is null
        order by q.day
        """;

    async Task<bool> OfBatchAsync(NpgsqlConnection connection, Exception fault, BatchKey batch)
    {
        await using var asking = Counting(connection);
        asking.Add(DaysSql).With("lane", Lane.Of(batch.Tenant)).With("tenant", batch.Tenant.Value).With("batch", batch.Batch.Value);
        var days = await asking.ReadAllAsync(row => row.GetInt32(0));
        await CountBatchAsync(connection, fault, batch);
        foreach (var day in days)
            await CountDayAsync(connection, fault, batch.Tenant, day);
        return true;
    }

    const string LockBatchSql = """
        select 1 from batch
        where lane = @lane and tenant_id = @tenant and id = @batch
        for update
        """;

    const string CountBatchSql = $"""
        -- Index message_batch twice; then the queue's primary key, for live messages alone. A statement of its own, so that it sees what
        -- the lock waited for; one, so that no message is counted by both halves or by neither.
        update batch t set {Set}
        from (
            select {LiveCounts}
            from message m
            join queue q on q.lane = @lane and q.tenant_id = m.tenant_id and q.message_id = m.id
            where m.lane = @lane and m.tenant_id = @tenant and m.batch_id = @batch and m.status is null) live
        cross join (
            select {SettledCounts}
            from message m
            where m.lane = @lane and m.tenant_id = @tenant and m.batch_id = @batch and m.status is not null) settled
        where t.lane = @lane and t.tenant_id = @tenant and t.id = @batch
        """;

    async Task CountBatchAsync(NpgsqlConnection connection, Exception fault, BatchKey key)
    {
        log.TotalsRecounted(fault, key.Tenant, $"batch {key.Batch}");
        await using var batch = Counting(connection);
        foreach (var sql in (string[])[LockBatchSql, CountBatchSql])
            batch.Add(sql).With("lane", Lane.Of(key.Tenant)).With("tenant", key.Tenant.Value).With("batch", key.Batch.Value);
        await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }

    const string LockDaySql = """
        select 1 from counter
        where lane = @lane and tenant_id = @tenant and day = @day
        for update
        """;

    const string CountDaySql = $"""
        -- Primary keys, a range of each: no look-up a message. A statement of its own, so that it sees what the lock waited for; one, so
        -- that no message is counted by both halves or by neither.
        update counter t set {Set}
        from (
            select {LiveCounts}
            from queue q
            where q.lane = @lane and q.tenant_id = @tenant and q.message_id >= @first and q.message_id < @next) live
        cross join (
            select {SettledCounts}
            from message m
            where m.lane = @lane and m.tenant_id = @tenant and m.id >= @first and m.id < @next and m.status is not null) settled
        where t.lane = @lane and t.tenant_id = @tenant and t.day = @day
        """;

    async Task CountDayAsync(NpgsqlConnection connection, Exception fault, TenantId tenant, int day)
    {
        var begin = DateTimeOffset.UnixEpoch.AddDays(day);
        log.TotalsRecounted(fault, tenant, $"day {begin:yyyy-MM-dd}");
        await using var batch = Counting(connection);
        batch.Add(LockDaySql).With("lane", Lane.Of(tenant)).With("tenant", tenant.Value).With("day", day);
        batch.Add(CountDaySql).With("lane", Lane.Of(tenant)).With("tenant", tenant.Value).With("day", day)
            .With("first", IdRange.FirstAt(begin)).With("next", IdRange.FirstAt(begin.AddDays(1)));
        await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }

    static NpgsqlBatch Counting(NpgsqlConnection connection) => new(connection) { Timeout = (int)CommandTimeout.TotalSeconds };

    /// <summary>As <see cref="Totals"/> counts: what is live is queued, or sent when somebody has accepted it.</summary>
    const string LiveCounts = """
        count(*) filter (where not q.partly_accepted) as queued,
                count(*) filter (where q.partly_accepted) as sent
        """;

    const string SettledCounts = """
        count(*) filter (where m.status = 5) as delivered,
                count(*) filter (where m.status = 6) as bounced,
                count(*) filter (where m.status = 7) as failed,
                count(*) filter (where m.status = 8) as cancelled,
                count(*) filter (where m.status = 9) as sandbox
        """;

    const string Set = """
        queued = live.queued, sent = live.sent, delivered = settled.delivered, bounced = settled.bounced, failed = settled.failed,
            cancelled = settled.cancelled, sandbox = settled.sandbox
        """;
}
