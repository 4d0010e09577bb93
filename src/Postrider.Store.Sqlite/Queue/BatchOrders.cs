using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Store.Sqlite.Connections;
using Postrider.Store.Sqlite.Messages;
using Postrider.Store.Sqlite.Writing;

namespace Postrider.Store.Sqlite.Queue;

/// <summary>
/// Orders to whole batches, a page of messages a transaction. As there is one writer, what a page reads holds until its commit.
/// </summary>
static class BatchOrders
{
    const string OrderSql = """
        insert into batch_order (tenant_id, batch_id, action, target, due_at, cursor, created_at)
        select b.tenant_id, b.id, @action, coalesce(@target, b.state), @due_at, zeroblob(16), @now
        from batch b
        where b.tenant_id = @tenant and b.id = @batch
        on conflict do update set
            action = excluded.action,
            target = excluded.target,
            -- A reschedule that was not finished goes on.
            due_at = coalesce(excluded.due_at, case when done_at is null then due_at end),
            cursor = excluded.cursor,
            changed = 0,
            created_at = excluded.created_at,
            done_at = null,
            owner = null,
            lease_until = null
        """;

    const string StateSql = """
        update batch set state = coalesce(@target, state), unswept = 0
        where tenant_id = @tenant and id = @batch
        """;

    public static bool Order(WriteSession session, BatchOrder order)
    {
        var db = session.Connection;
        var (tenant, batch) = (order.Batch.Tenant.Value, order.Batch.Batch.Value);
        BindTarget(db.Prepare(OrderSql).Bind((long)order.Action), order).Bind(order.DueAt).Bind(order.At).Bind(tenant).Bind(batch).Run();
        if (db.Changes == 0)
            return false;
        BindTarget(db.Prepare(StateSql), order).Bind(tenant).Bind(batch).Run();
        return true;
    }

    static Statement BindTarget(Statement statement, BatchOrder order) =>
        order.Target is { } target ? statement.Bind((long)target) : statement.BindNull();

    const string PendingSql = """
        -- Indexes batch_order_pending, batch_unswept: the few that have work.
        select tenant_id, batch_id from batch_order indexed by batch_order_pending
        where done_at is null and (lease_until is null or lease_until < @now)
        union
        select tenant_id, id from batch indexed by batch_unswept
        where unswept > 0
        limit @limit
        """;

    public static List<BatchKey> Pending(Connection db, DateTimeOffset now, int limit)
    {
        var pending = new List<BatchKey>();
        var read = db.Prepare(PendingSql).Bind(now).Bind(limit);
        while (read.Step())
            pending.Add(new BatchKey(new TenantId(read.Guid(0)), new BatchId(read.Guid(1))));
        return pending;
    }

    const string ReadSql = """
        -- Primary key.
        select target, due_at, cursor, done_at is not null from batch_order
        where tenant_id = @tenant and batch_id = @batch
            and (owner is null or owner = @owner or lease_until < @now or done_at is not null)
        """;

    const string ScanSql = """
        -- Index message_batch: no index of the queue has to speak of batches.
        select id from message indexed by message_batch
        where tenant_id = @tenant and batch_id = @batch and id > @cursor
        order by id
        limit @limit
        """;

    const string LiveSql = """
        -- Primary key.
        select phase, partly_accepted, retry_count, domain, due_at, held_due_at from queue
        where tenant_id = @tenant and message_id = @message
        """;

    const string AdvanceSql = """
        update batch_order set
            cursor = @cursor, changed = changed + @changed, done_at = @done_at, owner = @owner, lease_until = @lease_until
        where tenant_id = @tenant and batch_id = @batch
        """;

    public static BatchPageResult RunPage(WriteSession session, BatchPage page)
    {
        var db = session.Connection;
        var (tenant, batch) = (page.Batch.Tenant.Value, page.Batch.Batch.Value);
        var read = db.Prepare(ReadSql).Bind(tenant).Bind(batch).Bind(page.Owner.Value).Bind(page.Now);
        if (!read.Step())
            return new BatchPageResult(BatchWork.NotOurs, []);
        var (order, cursor, isDone) = (new Progress((BatchState)read.Int32(0), read.TimeOrNull(1)), read.Guid(2), read.Bool(3));
        read.Reset();
        if (isDone)
            return new BatchPageResult(Reopen(db, page, cursor) ? BatchWork.More : BatchWork.Done, []);

        var scanned = new List<MessageId>();
        var scan = db.Prepare(ScanSql).Bind(tenant).Bind(batch).Bind(cursor).Bind(page.Messages);
        while (scan.Step())
            scanned.Add(new MessageId(scan.Guid(0)));
        var waiting = new Dictionary<BacklogKey, DateTimeOffset>();
        var changed = scanned.Count(message => Change(session, page, order, message, waiting));
        isDone = scanned.Count < page.Messages;
        db.Prepare(AdvanceSql)
            .Bind(scanned.Count > 0 ? scanned[^1].Value : cursor).Bind(changed).Bind(isDone ? page.Now : null)
            .Bind(page.Owner.Value).Bind(page.LeaseUntil).Bind(tenant).Bind(batch).Run();
        return new BatchPageResult(isDone ? BatchWork.Done : BatchWork.More, [.. waiting.Select(one => new Backlog(one.Key, one.Value))]);
    }

    const string UnsweptSql = """
        select unswept from batch
        where tenant_id = @tenant and id = @batch and unswept > 0
        """;

    const string SweptSql = """
        update batch set unswept = 0
        where tenant_id = @tenant and id = @batch
        """;

    const string ReopenSql = """
        update batch_order set cursor = @cursor, due_at = null, done_at = null, owner = @owner, lease_until = @lease_until
        where tenant_id = @tenant and batch_id = @batch
        """;

    /// <returns>False when nothing came since the order was done.</returns>
    static bool Reopen(Connection db, BatchPage page, Guid cursor)
    {
        var (tenant, batch) = (page.Batch.Tenant.Value, page.Batch.Batch.Value);
        var read = db.Prepare(UnsweptSql).Bind(tenant).Bind(batch);
        if (!read.Step())
            return false;
        // New messages are behind the cursor, or just before it.
        var isTail = read.Int32(0) == 1 && cursor != Guid.Empty;
        read.Reset();
        db.Prepare(SweptSql).Bind(tenant).Bind(batch).Run();
        db.Prepare(ReopenSql)
            .Bind(isTail ? IdRange.FirstAt(new MessageId(cursor).CreatedAt - Held.Tail) : Guid.Empty)
            .Bind(page.Owner.Value).Bind(page.LeaseUntil).Bind(tenant).Bind(batch).Run();
        return true;
    }

    const string ReleaseSql = """
        update queue set
            due_at = @due_at,
            held_due_at = null,
            -- Its lifetime counts from its release, or from the new time.
            first_due_at = case when @is_moved then @due_at else max(first_due_at, @now) end
        where tenant_id = @tenant and message_id = @message
        """;

    const string HoldSql = """
        update queue set
            phase = 0,
            due_at = @held,
            held_due_at = @due_at,
            first_due_at = case when @is_moved then @due_at else first_due_at end,
            generation = generation + (phase > 0),
            lease_owner = null,
            lease_until = null
        where tenant_id = @tenant and message_id = @message
        """;

    const string MoveSql = """
        update message set due_at = @due_at
        where tenant_id = @tenant and id = @message
        """;

    /// <summary>
    /// In the states that a cancel is taken in. What is leased is taken back only to be held; what was tried keeps the time of its next
    /// try.
    /// </summary>
    /// <returns>Whether there was anything to change.</returns>
    static bool Change(
        WriteSession session, BatchPage page, Progress order, MessageId message, Dictionary<BacklogKey, DateTimeOffset> waiting)
    {
        var db = session.Connection;
        var tenant = page.Batch.Tenant;
        var read = db.Prepare(LiveSql).Bind(tenant.Value).Bind(message.Value);
        if (!read.Step())
            return false;
        var state = new LiveState((Phase)read.Int32(0), read.Bool(1), read.Int32(2), page.Batch.Batch);
        var (backlog, dueAt, heldDueAt) = (new BacklogKey(tenant, read.Text(3)), read.Time(4), read.TimeOrNull(5));
        read.Reset();
        if (ControlRules.Of(ControlAction.Cancel, state.Status, state.RetryCount > 0) != ControlRule.Taken)
            return false;

        if (order.Target == BatchState.Cancelled)
        {
            var write = new ControlWrite(tenant, message, ControlAction.Cancel, page.Now, new EventId(session.Ids.Next()));
            return Controls.Change(session, write, EncodedEvent.From(write.AuditEvent)) is ControlResult.Changed;
        }
        var hold = order.Target == BatchState.Paused;
        var isMoved = order.DueAt is not null && state is { Phase: Phase.Waiting, RetryCount: 0 };
        if (hold == heldDueAt is not null && !isMoved || !hold && state.Phase != Phase.Waiting)
            return false;
        var due = isMoved ? order.DueAt!.Value : heldDueAt ?? dueAt;
        if (hold)
            db.Prepare(HoldSql).Bind(Held.DueAt).Bind(due).Bind(isMoved).Bind(tenant.Value).Bind(message.Value).Run();
        else
            db.Prepare(ReleaseSql).Bind(due).Bind(isMoved).Bind(page.Now).Bind(tenant.Value).Bind(message.Value).Run();
        if (isMoved)
            db.Prepare(MoveSql).Bind(due).Bind(tenant.Value).Bind(message.Value).Run();
        session.Counters.Move(tenant, message, page.Batch.Batch, state.Status, MessageStatus.Queued, page.Now);
        if (!hold && (!waiting.TryGetValue(backlog, out var earliest) || due < earliest))
            waiting[backlog] = due;
        return true;
    }

    readonly record struct Progress(BatchState Target, DateTimeOffset? DueAt);
}
