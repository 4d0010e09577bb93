using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Store.Postgres.Connections;
using Postrider.Store.Postgres.Writing;

namespace Postrider.Store.Postgres.Queue;

/// <summary>Orders to whole batches, a page of messages a transaction.</summary>
/// <remarks>
/// A transaction locks the order's row first, then queue rows, then totals; what accepts or settles locks queue rows, then totals, and
/// never an order. So they do not wait for each other in a circle, and pages of two nodes come one after the other.
/// </remarks>
static class BatchOrders
{
    const string OrderSql = """
        insert into batch_order as o (lane, tenant_id, batch_id, action, target, due_at, cursor, created_at)
        select @lane, b.tenant_id, b.id, @action, coalesce(@target, b.state), @due_at, @start, @now
        from batch b
        where b.lane = @lane and b.tenant_id = @tenant and b.id = @batch
        on conflict (lane, tenant_id, batch_id) do update set
            action = excluded.action,
            target = coalesce(@target, o.target),
            -- A reschedule that was not finished goes on.
            due_at = coalesce(excluded.due_at, case when o.done_at is null then o.due_at end),
            cursor = excluded.cursor,
            changed = 0,
            created_at = excluded.created_at,
            done_at = null,
            owner = null,
            lease_until = null
        """;

    const string StateSql = """
        -- Waits for what is being accepted into the batch, so that the order's pages see it; what is accepted later sees the state.
        update batch b set state = coalesce(@target, b.state), unswept = 0
        where b.lane = @lane and b.tenant_id = @tenant and b.id = @batch
        """;

    public static async Task<bool> OrderAsync(NpgsqlConnection connection, BatchOrder order)
    {
        await using var write = new NpgsqlBatch(connection);
        Of(write.Add(OrderSql), order.Batch)
            .With("action", (short)order.Action).With("target", NpgsqlDbType.Smallint, (short?)order.Target).With("due_at", order.DueAt)
            .With("start", Guid.Empty).With("now", order.At);
        Of(write.Add(StateSql), order.Batch).With("target", NpgsqlDbType.Smallint, (short?)order.Target);
        return await write.ExecuteNonQueryAsync(CancellationToken.None) > 0;
    }

    const string PendingSql = """
        -- Indexes batch_order_pending, batch_unswept: the few that have work.
        select o.tenant_id, o.batch_id from batch_order o
        where o.lane = @lane and o.done_at is null and (o.lease_until is null or o.lease_until < @now)
        union
        select b.tenant_id, b.id from batch b
        where b.lane = @lane and b.unswept > 0
        limit @limit
        """;

    /// <summary>All lanes in one round trip.</summary>
    public static async Task<List<BatchKey>> PendingAsync(NpgsqlConnection connection, DateTimeOffset now, int limit)
    {
        await using var batch = new NpgsqlBatch(connection);
        foreach (var lane in Lane.All)
            batch.Add(PendingSql).With("lane", lane).With("now", now).With("limit", limit);
        var pending = await batch.ReadAllAsync(row => new BatchKey(new TenantId(row.GetGuid(0)), new BatchId(row.GetGuid(1))));
        return pending.Count > limit ? pending.GetRange(0, limit) : pending;
    }

    const string LockSql = """
        -- Primary key. Apart from the page, so that the page sees what the one before it left.
        select target, due_at, cursor, done_at is not null from batch_order
        where lane = @lane and tenant_id = @tenant and batch_id = @batch
            and (owner is null or owner = @owner or lease_until < @now or done_at is not null)
        for update
        """;

    public static async Task<BatchPageResult> RunPageAsync(NpgsqlConnection connection, BatchPage page, IdGenerator ids)
    {
        await using var locking = new NpgsqlBatch(connection);
        Of(locking.Add(LockSql), page.Batch).With("owner", page.Owner.Value).With("now", page.Now);
        var held = await locking.ReadAllAsync(
            row => new Progress((BatchState)row.GetInt16(0), row.TimeOrNull(1), row.GetGuid(2), row.GetBoolean(3)));
        if (held.Count == 0)
            return new BatchPageResult(BatchWork.NotOurs, []);
        var order = held[0];
        if (order.IsDone)
            return new BatchPageResult(await ReopenAsync(connection, page, order) ? BatchWork.More : BatchWork.Done, []);

        await using var batch = new NpgsqlBatch(connection);
        var command = Of(batch.Add(order.Target == BatchState.Cancelled ? CancelSql : HoldSql), page.Batch)
            .With("cursor", order.Cursor).With("limit", page.Messages).With("now", page.Now)
            .With("owner", page.Owner.Value).With("lease_until", page.LeaseUntil)
            .With("takes", ControlRules.StatesTaking(ControlAction.Cancel));
        if (order.Target == BatchState.Cancelled)
            command.WithAll("event_ids", NpgsqlDbType.Uuid, [.. Enumerable.Range(0, page.Messages).Select(_ => ids.Next())]);
        else
            command.With("hold", order.Target == BatchState.Paused).With("due_at", order.DueAt).With("held", Held.DueAt);
        var rows = await batch.ReadAllAsync(row => (
            IsDone: row.GetBoolean(0),
            Waiting: row.IsDBNull(1) ? default(Backlog?) : new Backlog(new BacklogKey(page.Batch.Tenant, row.GetString(1)), row.Time(2))));
        return new BatchPageResult(
            rows[0].IsDone ? BatchWork.Done : BatchWork.More, [.. rows.Select(row => row.Waiting).OfType<Backlog>()]);
    }

    const string UnsweptSql = """
        with before as materialized (
            select b.unswept from batch b
            where b.lane = @lane and b.tenant_id = @tenant and b.id = @batch and b.unswept > 0
            for update)
        update batch b set unswept = 0
        from before
        where b.lane = @lane and b.tenant_id = @tenant and b.id = @batch
        returning before.unswept
        """;

    const string ReopenSql = """
        update batch_order o set cursor = @cursor, due_at = null, done_at = null, owner = @owner, lease_until = @lease_until
        where o.lane = @lane and o.tenant_id = @tenant and o.batch_id = @batch
        """;

    /// <summary>In a transaction without queue rows, for it locks the batch.</summary>
    /// <returns>False when nothing came since the order was done.</returns>
    static async Task<bool> ReopenAsync(NpgsqlConnection connection, BatchPage page, Progress order)
    {
        await using var asking = new NpgsqlBatch(connection);
        Of(asking.Add(UnsweptSql), page.Batch);
        var unswept = await asking.ReadAllAsync(row => row.GetInt16(0));
        if (unswept.Count == 0)
            return false;
        // New messages are behind the cursor, or just before it.
        var tail = order.Cursor == Guid.Empty ? Guid.Empty : IdRange.FirstAt(new MessageId(order.Cursor).CreatedAt - Held.Tail);
        await using var reopening = new NpgsqlBatch(connection);
        Of(reopening.Add(ReopenSql), page.Batch)
            .With("cursor", unswept[0] == 1 ? tail : Guid.Empty).With("owner", page.Owner.Value).With("lease_until", page.LeaseUntil);
        await reopening.ExecuteNonQueryAsync(CancellationToken.None);
        return true;
    }

    const string Scanned = """
        -- Index message_batch: no index of the queue has to speak of batches. A message that is live has a queue row, by its primary key.
        with scanned as materialized (
            select m.id, m.status from message m
            where m.lane = @lane and m.tenant_id = @tenant and m.batch_id = @batch and m.id > @cursor
            order by m.id
            limit @limit)
        """;

    /// <summary>The order's cursor, in the transaction of its page. The row is locked already.</summary>
    const string Advanced = """
        advanced as (
            update batch_order o set
                cursor = coalesce((select id from scanned order by id desc limit 1), o.cursor),
                changed = o.changed + (select count(*) from won),
                done_at = case when (select count(*) from scanned) < @limit then @now end,
                owner = @owner,
                lease_until = @lease_until
            where o.lane = @lane and o.tenant_id = @tenant and o.batch_id = @batch)
        """;

    const string CancelSql = $"""
        {Scanned},
        live as materialized (
            -- All of them: a page waits for a settlement in flight, and sees what it left.
            select q.tenant_id, q.message_id, q.day, q.batch_id, q.generation, q.retry_count, q.phase,
                case when q.partly_accepted then 4 else q.phase end as from_status
            from scanned s
            join queue q on q.lane = @lane and q.tenant_id = @tenant and q.message_id = s.id
            where s.status is null
            order by q.tenant_id, q.message_id
            for update of q),
        won as materialized (
            -- The states that cancel is taken in, a bit each, as ControlSql has them.
            select l.*, row_number() over (order by l.message_id) as place from live l
            where (@takes >> case when l.from_status = 0 and l.retry_count > 0 then 10 else l.from_status end) & 1 = 1),
        dequeued as (
            delete from queue q
            using won w
            where q.lane = @lane and q.tenant_id = w.tenant_id and q.message_id = w.message_id),
        noted as (
            update message m set status = 8, settled_at = @now, retry_count = w.retry_count, generation = w.generation
            from won w
            where m.lane = @lane and m.tenant_id = w.tenant_id and m.id = w.message_id),
        told as (
            update recipient r set state = 5, settled_at = @now
            from won w
            where r.lane = @lane and r.tenant_id = w.tenant_id and r.message_id = w.message_id and r.state = 0),
        recorded as (
            -- Of the audit trail: 100 is cancelled.
            insert into event (lane, tenant_id, message_id, id, type, recipient, at)
            select @lane, w.tenant_id, w.message_id, e.id, 100, 0, @now
            from won w
            join unnest(@event_ids) with ordinality as e (id, place) on e.place = w.place),
        moves as materialized (
            select tenant_id, day, batch_id, from_status, 8 as to_status, @now as at from won),
        {Totals.OfMoves},
        {Advanced}
        select (select count(*) from scanned) < @limit, null::text, null::timestamptz
        """;

    /// <remarks>No total changes: what is held or released counts as queued before and after (Totals).</remarks>
    const string HoldSql = $"""
        {Scanned},
        live as materialized (
            -- All of them: a page waits for a settlement in flight, and sees what it left.
            select q.tenant_id, q.message_id, q.domain, q.day, q.batch_id, q.phase, q.retry_count, q.partly_accepted,
                q.held_due_at is not null as was_held,
                @due_at is not null and q.phase = 0 and q.retry_count = 0 as is_moved, coalesce(q.held_due_at, q.due_at) as due_at
            from scanned s
            join queue q on q.lane = @lane and q.tenant_id = @tenant and q.message_id = s.id
            where s.status is null
            order by q.tenant_id, q.message_id
            for update of q),
        won as materialized (
            select l.tenant_id, l.message_id, l.domain, l.day, l.batch_id, l.phase, l.was_held, l.is_moved,
                case when l.is_moved then @due_at else l.due_at end as due_at
            from live l
            -- The same states as for a cancel. What is leased is taken back only to be held; what was tried keeps the time of its next try.
            where (@takes >> case when l.partly_accepted then 4 when l.phase = 0 and l.retry_count > 0 then 10 else l.phase end) & 1 = 1
                and ((@hold and not l.was_held) or (not @hold and l.was_held) or l.is_moved)),
        changed as (
            update queue q set
                phase = 0,
                due_at = case when @hold then @held else w.due_at end,
                held_due_at = case when @hold then w.due_at end,
                -- Its lifetime counts from its release.
                first_due_at = case
                    when w.is_moved then w.due_at
                    when w.was_held and not @hold then greatest(q.first_due_at, @now)
                    else q.first_due_at
                end,
                generation = q.generation + case when w.phase > 0 then 1 else 0 end,
                lease_owner = null,
                lease_until = null,
                claim_id = null
            from won w
            where q.lane = @lane and q.tenant_id = w.tenant_id and q.message_id = w.message_id),
        noted as (
            update message m set due_at = w.due_at
            from won w
            where m.lane = @lane and m.tenant_id = w.tenant_id and m.id = w.message_id and w.is_moved),
        {Advanced}
        select (select count(*) from scanned) < @limit, w.domain, w.due_at
        from (select 1) one
        left join (select domain, min(due_at) as due_at from won where not @hold group by domain) w on true
        """;

    static NpgsqlBatchCommand Of(NpgsqlBatchCommand command, BatchKey key) =>
        command.With("lane", Lane.Of(key.Tenant)).With("tenant", key.Tenant.Value).With("batch", key.Batch.Value);

    readonly record struct Progress(BatchState Target, DateTimeOffset? DueAt, Guid Cursor, bool IsDone);
}
