namespace Postrider.Store.Postgres.Writing;

/// <summary>
/// The part of a statement that keeps the totals by status: it takes <c>moves (tenant_id, day, batch_id, from_status, to_status, at)</c>
/// and changes a row a day and a row a batch by the sum of them.
/// </summary>
/// <remarks>
/// A message that nobody's MX has accepted counts as queued until it settles: which of those are leased, and how far they are, is in the
/// queue, a few rows with an index of their own, where readers count them. So the many steps of a lease change no total, and do not wait
/// for each other at the one row of a busy tenant's day: that row would else be the line in which all commits stand.
///
/// Every transaction that changes totals does so in its last statement, rows of <c>batch</c> before rows of <c>counter</c>, each in the
/// order of their keys: so no two transactions wait for each other, and a row is held for no longer than a commit. The condition that
/// counts <c>batch_moved</c> is always true; it is what makes the batches come first. Sums are made from what the lock returned: an update
/// first sees the row of the statement's snapshot, and the check on its sum would fail where another transaction has added since.
/// </remarks>
static class Totals
{
    /// <summary>Statuses up to sending are one.</summary>
    const string Counts = "greatest(from_status, 3) <> greatest(to_status, 3)";

    /// <summary>It waits again.</summary>
    const string Returns = "(to_status = 0 and from_status > 0)";

    const string Sums = """
                count(*) filter (where to_status < 4) - count(*) filter (where from_status < 4) as queued,
                count(*) filter (where to_status = 4) - count(*) filter (where from_status = 4) as sent,
                count(*) filter (where to_status = 5) - count(*) filter (where from_status = 5) as delivered,
                count(*) filter (where to_status = 6) - count(*) filter (where from_status = 6) as bounced,
                count(*) filter (where to_status = 7) - count(*) filter (where from_status = 7) as failed,
                count(*) filter (where to_status = 8) - count(*) filter (where from_status = 8) as cancelled,
                count(*) filter (where to_status = 9) - count(*) filter (where from_status = 9) as sandbox
        """;

    const string Additions = """
                queued = h.queued + d.queued,
                sent = h.sent + d.sent,
                delivered = h.delivered + d.delivered,
                bounced = h.bounced + d.bounced,
                failed = h.failed + d.failed,
                cancelled = h.cancelled + d.cancelled,
                sandbox = h.sandbox + d.sandbox
        """;

    const string BatchHeld = """
        batch_held as materialized (
            select b.*
            from batch_delta d
            join batch b on b.lane = @lane and b.tenant_id = d.tenant_id and b.id = d.batch_id
            order by b.tenant_id, b.id
            for update of b)
        """;

    /// <summary>The days exist: their first message made them.</summary>
    public const string OfMoves = $"""
        batch_delta as materialized (
            select tenant_id, batch_id,
        {Sums},
                count(*) filter (where {Returns}) as returned,
                max(at) as at
            from moves
            where ({Counts} or {Returns}) and batch_id is not null
            group by tenant_id, batch_id),
        {BatchHeld},
        batch_moved as (
            update batch t set
        {Additions},
                -- What waits again in a cancelled batch is for its order to cancel.
                unswept = case when d.returned > 0 and h.state = 2 then 2 else h.unswept end,
        {Completion}
            from batch_held h
            join batch_delta d on d.tenant_id = h.tenant_id and d.batch_id = h.id
            where t.lane = @lane and t.tenant_id = h.tenant_id and t.id = h.id
            returning 1),
        day_delta as materialized (
            select tenant_id, day,
        {Sums}
            from moves
            where {Counts}
            group by tenant_id, day),
        day_held as materialized (
            select c.*
            from day_delta d
            join counter c on c.lane = @lane and c.tenant_id = d.tenant_id and c.day = d.day
            where (select count(*) from batch_moved) >= 0
            order by c.tenant_id, c.day
            for update of c),
        day_moved as (
            update counter t set
        {Additions}
            from day_held h
            join day_delta d on d.tenant_id = h.tenant_id and d.day = h.day
            where t.lane = @lane and t.tenant_id = h.tenant_id and t.day = h.day)
        """;

    /// <summary>
    /// The same for messages that wait again and change no total: it takes <c>returned (tenant_id, batch_id)</c>. Those of a cancelled
    /// batch are for its order to cancel. The row is locked whatever its state, which may just be changing.
    /// </summary>
    public const string OfReturned = """
        batch_held as materialized (
            select b.tenant_id, b.id, b.state
            from (select distinct tenant_id, batch_id from returned where batch_id is not null) r
            join batch b on b.lane = @lane and b.tenant_id = r.tenant_id and b.id = r.batch_id
            order by b.tenant_id, b.id
            for update of b),
        batch_unswept as (
            update batch b set unswept = 2
            from batch_held h
            where b.lane = @lane and b.tenant_id = h.tenant_id and b.id = h.id and h.state = 2)
        """;

    /// <summary>
    /// Whether a row of <c>(tenant_id, batch_id)</c> that comes back to the queue belongs to a batch that is paused or cancelled: it is
    /// held in the same statement, so that no claim comes before the order. A hashed look-up among the few; false without a batch.
    /// </summary>
    public const string IsOfHeldBatch = "((tenant_id, batch_id) in (select tenant_id, id from batch_held where state > 0)) is true";

    /// <summary>A batch is complete since its last open message settled, and opens again with a new one.</summary>
    const string Completion = """
                completed_at = case
                    when h.queued + h.sent + d.queued + d.sent = 0
                    then coalesce(h.completed_at, d.at)
                end
        """;

    /// <summary>
    /// For accepted messages, which come from nowhere: it makes the day's row when it is the first. Those of a batch that is paused or
    /// cancelled are held: its row is locked here, so either they are seen by the order that changed it, or the change is seen by them.
    /// </summary>
    public const string AcceptedSql = $"""
        with moves as materialized (
            select * from unnest(@tenants, @ids, @days, @batches, @statuses) as m (tenant_id, message_id, day, batch_id, to_status)),
        batch_delta as materialized (
            select tenant_id, batch_id, count(*) filter (where to_status = 0) as queued, count(*) filter (where to_status = 9) as sandbox
            from moves
            where batch_id is not null
            group by tenant_id, batch_id),
        {BatchHeld},
        late as materialized (
            select m.tenant_id, m.message_id
            from batch_held h
            join moves m on m.tenant_id = h.tenant_id and m.batch_id = h.id
            where h.state > 0),
        late_held as (
            update queue q set due_at = @held, held_due_at = q.due_at
            from late l
            where q.lane = @lane and q.tenant_id = l.tenant_id and q.message_id = l.message_id),
        batch_moved as (
            update batch t set
                queued = h.queued + d.queued,
                sandbox = h.sandbox + d.sandbox,
                unswept = case when d.queued > 0 and h.state = 2 then greatest(h.unswept, 1) else h.unswept end,
                completed_at = case
                    when h.queued + h.sent + d.queued = 0 then coalesce(h.completed_at, @now)
                end
            from batch_held h
            join batch_delta d on d.tenant_id = h.tenant_id and d.batch_id = h.id
            where t.lane = @lane and t.tenant_id = h.tenant_id and t.id = h.id
            returning 1)
        insert into counter as t (lane, tenant_id, day, queued, sandbox)
        select @lane, tenant_id, day, count(*) filter (where to_status = 0), count(*) filter (where to_status = 9)
        from moves
        where (select count(*) from batch_moved) >= 0
        group by tenant_id, day
        order by tenant_id, day
        on conflict (lane, tenant_id, day) do update set
            queued = t.queued + excluded.queued,
            sandbox = t.sandbox + excluded.sandbox
        """;

    public static int DayOf(DateTimeOffset at) => (int)Math.DivRem(at.ToUnixTimeMilliseconds(), 24 * 60 * 60 * 1000L).Quotient;
}
