using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Store.Postgres.Connections;
using Postrider.Store.Postgres.Messages;
using Postrider.Store.Postgres.Writing;

namespace Postrider.Store.Postgres.Queue;

/// <summary>Answered with null when the message changed under the statement: it is asked again.</summary>
sealed class ControlPending(ControlWrite write, EncodedEvent audit, CancellationToken cancel)
    : PendingWrite<ControlResult?>(Postgres.Lane.Of(write.Tenant), cancel)
{
    public ControlWrite Write => write;

    public EncodedEvent Audit => audit;

    /// <summary>Each sees what the one before it left.</summary>
    public override object? GroupKey => (write.Tenant, write.Message);
}

/// <summary>Cancel, retry and fail: one statement for a group, so that a thousand cancels at once cost a few round trips.</summary>
sealed class ControlWriter(Database database, Recount recount, PostgresStoreOptions options, Action<Backlog> requeued, ILogger log)
    : GroupWriter<ControlPending>(database, options, TimeSpan.Zero, log)
{
    /// <summary>A message goes from the queue to the settled, or back, between two looks; not so many times in a row. A guess.</summary>
    const int MostAsked = 100;

    public async Task<ControlResult> ChangeAsync(ControlWrite write, CancellationToken cancel)
    {
        var audit = EncodedEvent.From(write.AuditEvent);
        for (var asked = 0; asked < MostAsked; asked++)
        {
            var pending = new ControlPending(write, audit, cancel);
            await EnqueueAsync(pending, cancel);
            if (await AnswerToAsync(pending) is { } result)
                return result;
        }
        throw new StoreUnavailableException($"Message {write.Message} changes too often to be changed.");
    }

    /// <remarks>
    /// Of a write that is there already the event stands in the way: another node has done it for this one (<see cref="IOtherNodes"/>), or
    /// this one did and did not hear of it.
    /// </remarks>
    async Task<ControlResult?> AnswerToAsync(ControlPending pending)
    {
        try
        {
            return await pending.Done;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            var done = new ControlPending(pending.Write, pending.Audit, CancellationToken.None);
            await Database.ReadAsync(
                async connection =>
                {
                    await RecheckAsync(connection, done.Lane, [done]);
                    return true;
                },
                CancellationToken.None);
            if (!done.IsAnswered)
                throw;
            done.Complete();
            return await done.Done;
        }
    }

    const string ControlSql = $"""
        -- Primary keys. Live rows are locked in the queue's order, as settlements lock them, then settled ones in theirs. A message that
        -- went from one to the other meanwhile is in neither, and asked for again. takes has a bit for each state that the action is taken
        -- in (ControlRules); state 10 is queued and tried before. action: 0 cancel, 1 retry, 2 fail.
        with asked as materialized (
            select * from unnest(@writes, @tenants, @messages, @days, @actions, @takes, @given_ups, @ats, @reasons)
                as g (write, tenant_id, message_id, day, action, takes, given_up, at, reason)),
        live as materialized (
            select g.*, q.retry_count, q.generation, q.batch_id,
                case when q.partly_accepted then 4 else q.phase end as from_status,
                case when q.partly_accepted then 4 when q.phase = 0 and q.retry_count > 0 then 10 else q.phase end as state
            from asked g
            join queue q on q.lane = @lane and q.tenant_id = g.tenant_id and q.message_id = g.message_id
            order by q.tenant_id, q.message_id
            for update of q),
        settled as materialized (
            select g.*, m.retry_count, m.generation, m.batch_id, m.status as from_status
            from asked g
            join message m on m.lane = @lane and m.tenant_id = g.tenant_id and m.id = g.message_id and m.status is not null
            where (select count(*) from live) >= 0
            order by m.tenant_id, m.id
            for update of m),
        found as materialized (
            select write, tenant_id, message_id, day, action, at, reason, retry_count, generation, batch_id, from_status, true as is_live,
                (takes >> state) & 1 = 1 or (action = 1 and state = 3 and generation = given_up) as is_taken
            from live
            union all
            select write, tenant_id, message_id, day, action, at, reason, retry_count, generation, batch_id, from_status, false,
                (takes >> from_status) & 1 = 1
            from settled),
        won as materialized (
            select f.*,
                case when f.action = 0 then 8 when f.action = 2 then 7 else 0 end as to_status,
                case when o.domains = 1 then o.domain else '' end as domain
            from found f
            cross join lateral (
                select count(*) filter (where r.state <> 1) as unaccepted,
                    count(distinct split_part(r.address_key, '@', -1)) filter (where r.state <> 1) as domains,
                    min(split_part(r.address_key, '@', -1)) filter (where r.state <> 1) as domain
                from recipient r
                where f.action = 1 and r.lane = @lane and r.tenant_id = f.tenant_id and r.message_id = f.message_id) o
            -- A message that everybody has already is not retried: failed by hand, and then its answer came.
            where f.is_taken and (f.action <> 1 or o.unaccepted > 0)),
        moves as materialized (
            select tenant_id, day, batch_id, from_status, to_status, at from won),
        {Totals.OfMoves},
        dequeued as (
            delete from queue q
            using won w
            where q.lane = @lane and q.tenant_id = w.tenant_id and q.message_id = w.message_id and w.action <> 1),
        retried as materialized (
            select *, to_status = 0 and {Totals.IsOfHeldBatch} as is_held from won where action = 1),
        requeued as (
            update queue q set
                phase = 0,
                -- Held, it is due when it is released.
                due_at = case when w.is_held or q.held_due_at is not null then @held else w.at end,
                held_due_at = case when w.is_held or q.held_due_at is not null then w.at end,
                first_due_at = w.at,
                domain = w.domain,
                retry_count = w.retry_count + 1,
                retries_before = w.retry_count + 1,
                generation = w.generation + 1,
                lease_owner = null,
                lease_until = null,
                claim_id = null
            from retried w
            where q.lane = @lane and q.tenant_id = w.tenant_id and q.message_id = w.message_id and w.is_live),
        enqueued as (
            insert into queue (lane, tenant_id, message_id, domain, due_at, held_due_at, first_due_at, phase, partly_accepted, retry_count,
                retries_before, generation, batch_id, day)
            -- Whoever has it already is not mailed again; that a part was accepted shows with the next answer
            -- (contracts/scaisend.md §4.5.4).
            select @lane, w.tenant_id, w.message_id, w.domain, case when w.is_held then @held else w.at end,
                case when w.is_held then w.at end, w.at, 0, false, w.retry_count + 1, w.retry_count + 1, w.generation + 1, w.batch_id, w.day
            from retried w
            where not w.is_live),
        noted as (
            update message m set
                status = case when w.action <> 1 then w.to_status end,
                settled_at = case when w.action <> 1 then w.at end,
                queued_at = case when w.action = 1 then w.at else m.queued_at end,
                sent_at = case when w.action <> 1 then m.sent_at end,
                retry_count = case when w.action <> 1 then w.retry_count else m.retry_count end,
                generation = w.generation,
                error_message = case when w.action <> 1 then coalesce(w.reason, m.error_message) end
            from won w
            where m.lane = @lane and m.tenant_id = w.tenant_id and m.id = w.message_id),
        told as (
            update recipient r set
                state = case w.action when 0 then 5 when 1 then 0 else 3 end,
                settled_at = case when w.action <> 1 then w.at end
            from won w
            where r.lane = @lane and r.tenant_id = w.tenant_id and r.message_id = w.message_id
                and case when w.action = 1 then r.state > 1 else r.state = 0 end),
        recorded as (
            insert into event (lane, tenant_id, message_id, id, type, recipient, at, data)
            select @lane, e.tenant_id, e.message_id, e.id, e.type, e.recipient, e.at, e.data
            from unnest(
                    @event_writes, @event_tenants, @event_messages, @event_ids, @event_types, @event_recipients, @event_ats, @event_data)
                as e (write, tenant_id, message_id, id, type, recipient, at, data)
            where (e.write in (select write from won)) is true)
        select a.write, m.id is not null, f.from_status::smallint, f.retry_count, f.generation, w.to_status::smallint, w.domain
        from asked a
        left join message m on m.lane = @lane and m.tenant_id = a.tenant_id and m.id = a.message_id
        left join found f on f.write = a.write
        left join won w on w.write = a.write
        """;

    protected override async Task CommitAsync(NpgsqlConnection connection, short lane, List<ControlPending> group)
    {
        await using var batch = new NpgsqlBatch(connection);
        Bind(batch.Add(ControlSql), lane, group);
        Database.Count(batch.BatchCommands.Count);
        foreach (var (index, result) in await batch.ReadAllAsync(row => Read(row, group)))
        {
            group[index].Answer(result);
            Tell(result);
        }
    }

    static (int Write, ControlResult? Result) Read(NpgsqlDataReader row, List<ControlPending> group)
    {
        var index = row.GetInt32(0);
        if (!row.GetBoolean(1))
            return (index, ControlResult.NotFound.Instance);
        if (row.IsDBNull(2))
            return (index, null);
        if (row.IsDBNull(5))
            return (index, new ControlResult.Kept((MessageStatus)row.GetInt16(2), row.GetInt32(3) > 0));

        var write = group[index].Write;
        Backlog? waiting = write.Action == ControlAction.Retry
            ? new Backlog(new BacklogKey(write.Tenant, row.GetString(6)), write.At) : null;
        return (index, new ControlResult.Changed((MessageStatus)row.GetInt16(5), row.GetInt32(4), waiting));
    }

    void Tell(ControlResult? result)
    {
        if (result is ControlResult.Changed { Waiting: { } backlog })
            requeued(backlog);
    }

    static void Bind(NpgsqlBatchCommand command, short lane, List<ControlPending> group)
    {
        var all = group.ConvertAll(static pending => pending.Write);
        command
            .With("lane", lane)
            .With("held", Held.DueAt)
            .WithAll("writes", NpgsqlDbType.Integer, [.. Enumerable.Range(0, all.Count)])
            .WithAll("tenants", NpgsqlDbType.Uuid, all.ConvertAll(static one => one.Tenant.Value))
            .WithAll("messages", NpgsqlDbType.Uuid, all.ConvertAll(static one => one.Message.Value))
            .WithAll("days", NpgsqlDbType.Integer, all.ConvertAll(static one => Totals.DayOf(one.Message.CreatedAt)))
            .WithAll("actions", NpgsqlDbType.Smallint, all.ConvertAll(static one => (short)one.Action))
            .WithAll("takes", NpgsqlDbType.Integer, all.ConvertAll(static one => ControlRules.StatesTaking(one.Action)))
            .WithAll("given_ups", NpgsqlDbType.Integer, all.ConvertAll(static one => one.GivenUp))
            .WithAll("ats", NpgsqlDbType.TimestampTz, all.ConvertAll(static one => one.At.ToUniversalTime()))
            .WithAll("reasons", NpgsqlDbType.Text, all.ConvertAll(static one => Text.Of(one.Reason)));
        var events = new EventColumns();
        for (var i = 0; i < group.Count; i++)
            events.Add(i, all[i].Tenant, all[i].Message, group[i].Audit);
        events.BindWithWrites(command);
    }

    protected override Task<bool> RepairAsync(Exception fault, List<ControlPending> group) =>
        group is [{ Write: var write }] ? recount.OfMessageAsync(fault, write.Tenant, write.Message) : base.RepairAsync(fault, group);

    const string RecordedSql = """
        select e.id, m.generation, q.domain
        from event e
        join message m on m.lane = @lane and m.tenant_id = e.tenant_id and m.id = e.message_id
        left join queue q on q.lane = @lane and q.tenant_id = e.tenant_id and q.message_id = e.message_id
        where e.lane = @lane and e.tenant_id = any(@tenants) and e.message_id = any(@messages) and e.id = any(@ids)
        """;

    /// <summary>
    /// An action's event is made once: where it is, the action took place. What was refused left none, and stays unknown.
    /// </summary>
    protected override async Task RecheckAsync(NpgsqlConnection connection, short lane, List<ControlPending> group)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(RecordedSql).With("lane", lane)
            .WithAll("tenants", NpgsqlDbType.Uuid, [.. group.Select(pending => pending.Write.Tenant.Value).Distinct()])
            .WithAll("messages", NpgsqlDbType.Uuid, [.. group.Select(pending => pending.Write.Message.Value)])
            .WithAll("ids", NpgsqlDbType.Uuid, [.. group.Select(pending => pending.Write.Event.Value)]);
        var recorded = await batch.ReadAllAsync(row => (
            Event: row.GetGuid(0), Generation: row.GetInt32(1), Domain: row.TextOrNull(2)));
        foreach (var (id, generation, domain) in recorded)
        {
            var pending = group.Find(pending => pending.Write.Event.Value == id)!;
            var write = pending.Write;
            ControlResult.Changed result = write.Action switch
            {
                ControlAction.Cancel => new(MessageStatus.Cancelled, generation, null),
                ControlAction.Fail => new(MessageStatus.Failed, generation, null),
                _ => new(
                    MessageStatus.Queued, generation,
                    domain is null ? null : new Backlog(new BacklogKey(write.Tenant, domain), write.At)),
            };
            pending.Answer(result);
            Tell(result);
        }
    }
}
