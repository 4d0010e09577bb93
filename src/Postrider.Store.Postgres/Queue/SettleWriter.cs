using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Store.Postgres.Connections;
using Postrider.Store.Postgres.Messages;
using Postrider.Store.Postgres.Suppressions;
using Postrider.Store.Postgres.Writing;

namespace Postrider.Store.Postgres.Queue;

sealed class SettleWrite(Settlement settlement, EncodedEvent[] events, CancellationToken cancel)
    : PendingWrite<bool>(Postgres.Lane.Of(settlement.Lease.Tenant), cancel)
{
    public Settlement Settlement => settlement;

    public EncodedEvent[] Events => events;

    /// <summary>A lease is settled step by step.</summary>
    public override object? GroupKey => (settlement.Lease.Tenant, settlement.Lease.Message);
}

/// <summary>Records what attempts came to: one statement for a group, and two more where some bounced.</summary>
sealed class SettleWriter(Database database, Recount recount, PostgresStoreOptions options, Action<Backlog> requeued, ILogger log)
    : GroupWriter<SettleWrite>(database, options, options.GroupPace, log)
{
    public async Task<bool> SettleAsync(Settlement settlement, CancellationToken cancel)
    {
        Check(settlement);
        var write = new SettleWrite(settlement, [.. settlement.Events.Select(EncodedEvent.From)], cancel);
        await EnqueueAsync(write, cancel);
        return await write.Done;
    }

    /// <exception cref="ArgumentException">The status does not go with what becomes of the queue row: a bug of the caller's.</exception>
    static void Check(Settlement settlement)
    {
        var fits = settlement.Then switch
        {
            Continuation.Done => settlement.Status.IsSettled(),
            Continuation.Requeue => settlement.Status is MessageStatus.Queued or MessageStatus.Sent,
            _ => settlement.Status is MessageStatus.Processing or MessageStatus.Rendered or MessageStatus.Sending or MessageStatus.Sent,
        };
        if (!fits)
            throw new ArgumentException(
                $"A message cannot be {settlement.Status} and {settlement.Then.GetType().Name}.", nameof(settlement));
    }

    const string SettleSql = $"""
        -- Primary keys. Rows are locked in the queue's order; all else of a message is changed only by who holds its lease. continuation:
        -- 0 done, 1 requeued, 2 under way. "in … is true" is a hashed look-up in any plan, where a join would compare each row of the group
        -- with each. Of the queue what is changed says that it is leased, as in StepSql.
        -- What is changed beside the answer is changed from the last to the first: totals come first here, so that a busy tenant's row is
        -- not held while the rest is written.
        with held as materialized (
            select g.*, q.phase, q.partly_accepted, q.batch_id, q.day,
                case when q.partly_accepted then 4 else q.phase end as from_status
            from unnest(
                    @writes, @tenants, @messages, @generations, @statuses, @continuations, @due_ats, @domains, @retry_counts, @ats,
                    @sent_ats, @errors)
                as g (write, tenant_id, message_id, generation, status, continuation, due_at, domain, retry_count, at, sent_at, error)
            join queue q on q.lane = @lane and q.tenant_id = g.tenant_id and q.message_id = g.message_id
                and q.generation = g.generation and q.lease_until is not null
            order by q.tenant_id, q.message_id
            for update of q),
        moves as materialized (
            select tenant_id, day, batch_id, from_status,
                case when continuation = 2 and status <> 4 then phase else status end as to_status, at
            from held),
        {Totals.OfMoves},
        dequeued as (
            delete from queue q
            using held h
            where q.lane = @lane and q.tenant_id = h.tenant_id and q.message_id = h.message_id and q.lease_until is not null
                and h.continuation = 0),
        kept as (
            update queue q set
                -- Under way it stays: another recipient may be about to be sent to, or being sent to.
                phase = case when h.continuation = 1 then 0 else q.phase end,
                due_at = case when h.is_held then @held when h.continuation = 1 then h.due_at else q.due_at end,
                held_due_at = case when h.is_held then h.due_at end,
                domain = case when h.continuation = 1 then h.domain else q.domain end,
                partly_accepted = h.status = 4,
                retry_count = h.retry_count,
                lease_owner = case when h.continuation = 2 then q.lease_owner end,
                lease_until = case when h.continuation = 2 then q.lease_until end,
                claim_id = case when h.continuation = 2 then q.claim_id end
            from (select *, continuation = 1 and status <> 4 and {Totals.IsOfHeldBatch} as is_held from held) h
            where q.lane = @lane and q.tenant_id = h.tenant_id and q.message_id = h.message_id and q.lease_until is not null
                and h.continuation > 0),
        noted as (
            update message m set
                status = case when h.continuation = 0 then h.status end,
                settled_at = case when h.continuation = 0 then h.at end,
                sent_at = coalesce(m.sent_at, h.sent_at),
                retry_count = case when h.continuation = 0 then h.retry_count else m.retry_count end,
                generation = case when h.continuation = 0 then h.generation else m.generation end,
                error_message = h.error
            from held h
            where m.lane = @lane and m.tenant_id = h.tenant_id and m.id = h.message_id
                and (h.continuation < 2 or h.sent_at is not null or h.error is not null)),
        told as (
            update recipient r set
                state = o.state,
                last_reply = coalesce(o.last_reply, r.last_reply),
                settled_at = case when o.state > 0 then o.at end
            from unnest(@recipient_writes, @recipient_tenants, @recipient_messages, @ordinals, @states, @replies, @recipient_ats)
                as o (write, tenant_id, message_id, ordinal, state, last_reply, at)
            where r.lane = @lane and r.tenant_id = o.tenant_id and r.message_id = o.message_id and r.ordinal = o.ordinal
                and (o.write in (select write from held)) is true),
        recorded as (
            insert into event (lane, tenant_id, message_id, id, type, recipient, at, data)
            select @lane, e.tenant_id, e.message_id, e.id, e.type, e.recipient, e.at, e.data
            from unnest(
                    @event_writes, @event_tenants, @event_messages, @event_ids, @event_types, @event_recipients, @event_ats, @event_data)
                as e (write, tenant_id, message_id, id, type, recipient, at, data)
            where (e.write in (select write from held)) is true
            -- Asked again when nobody could tell whether it was committed.
            on conflict do nothing)
        select write from held
        """;

    protected override async Task CommitAsync(NpgsqlConnection connection, short lane, List<SettleWrite> group)
    {
        await using var batch = new NpgsqlBatch(connection);
        var command = batch.Add(SettleSql);
        BindSettlements(command, lane, group);
        BindRecipients(command, group);
        var events = new EventColumns();
        for (var i = 0; i < group.Count; i++)
        {
            var lease = group[i].Settlement.Lease;
            foreach (var one in group[i].Events)
                events.Add(i, lease.Tenant, lease.Message, one);
        }
        events.BindWithWrites(command);
        AddSuppressions(batch, lane, group);
        Database.Count(batch.BatchCommands.Count);
        var held = await batch.ReadAllAsync(row => row.GetInt32(0));
        group.ForEach(static write => write.Answer(false));
        foreach (var write in held.Select(index => group[index]))
        {
            write.Answer(true);
            Tell(write.Settlement);
        }
    }

    /// <summary>In the same round trip and transaction; most groups have none, and no statement for them.</summary>
    static void AddSuppressions(NpgsqlBatch batch, short lane, List<SettleWrite> group)
    {
        SuppressionColumns? columns = null;
        foreach (var write in group)
        {
            foreach (var row in write.Settlement.Suppressions)
                (columns ??= new()).Add(write.Settlement.Lease.Tenant, row);
        }
        if (columns is not null)
            SuppressionTable.AddSettled(batch, lane, columns);
    }

    void Tell(Settlement settlement)
    {
        if (settlement.Then is Continuation.Requeue requeue)
            requeued(new Backlog(new BacklogKey(settlement.Lease.Tenant, requeue.QueueDomain), requeue.DueAt));
    }

    static void BindSettlements(NpgsqlBatchCommand command, short lane, List<SettleWrite> group)
    {
        var all = group.ConvertAll(static write => write.Settlement);
        command
            .With("lane", lane)
            .With("held", Held.DueAt)
            .WithAll("writes", NpgsqlDbType.Integer, [.. Enumerable.Range(0, all.Count)])
            .WithAll("tenants", NpgsqlDbType.Uuid, all.ConvertAll(static one => one.Lease.Tenant.Value))
            .WithAll("messages", NpgsqlDbType.Uuid, all.ConvertAll(static one => one.Lease.Message.Value))
            .WithAll("generations", NpgsqlDbType.Integer, all.ConvertAll(static one => one.Lease.Generation))
            .WithAll("statuses", NpgsqlDbType.Smallint, all.ConvertAll(static one => (short)one.Status))
            .WithAll("continuations", NpgsqlDbType.Smallint, all.ConvertAll(static one => (short)(one.Then switch
            {
                Continuation.Done => 0,
                Continuation.Requeue => 1,
                _ => 2,
            })))
            .WithAll(
                "due_ats", NpgsqlDbType.TimestampTz,
                all.ConvertAll(static one => (one.Then as Continuation.Requeue)?.DueAt.ToUniversalTime()))
            .WithAll("domains", NpgsqlDbType.Text, all.ConvertAll(static one => (one.Then as Continuation.Requeue)?.QueueDomain))
            .WithAll("retry_counts", NpgsqlDbType.Integer, all.ConvertAll(static one => one.RetryCount))
            .WithAll("ats", NpgsqlDbType.TimestampTz, all.ConvertAll(static one => one.At.ToUniversalTime()))
            .WithAll("sent_ats", NpgsqlDbType.TimestampTz, all.ConvertAll(static one => one.SentAt?.ToUniversalTime()))
            .WithAll("errors", NpgsqlDbType.Text, all.ConvertAll(static one => Text.Of(one.ErrorMessage)));
    }

    static void BindRecipients(NpgsqlBatchCommand command, List<SettleWrite> group)
    {
        var (writes, ordinals, states, replies) = (new List<int>(), new List<int>(), new List<short>(), new List<string?>());
        var (tenants, messages, ats) = (new List<Guid>(), new List<Guid>(), new List<DateTimeOffset>());
        for (var i = 0; i < group.Count; i++)
        {
            var settlement = group[i].Settlement;
            foreach (var (ordinal, state, reply) in settlement.Recipients)
            {
                writes.Add(i);
                tenants.Add(settlement.Lease.Tenant.Value);
                messages.Add(settlement.Lease.Message.Value);
                ats.Add(settlement.At.ToUniversalTime());
                ordinals.Add(ordinal);
                states.Add((short)state);
                replies.Add(Text.Of(reply));
            }
        }
        command
            .WithAll("recipient_writes", NpgsqlDbType.Integer, writes)
            .WithAll("recipient_tenants", NpgsqlDbType.Uuid, tenants)
            .WithAll("recipient_messages", NpgsqlDbType.Uuid, messages)
            .WithAll("recipient_ats", NpgsqlDbType.TimestampTz, ats)
            .WithAll("ordinals", NpgsqlDbType.Integer, ordinals)
            .WithAll("states", NpgsqlDbType.Smallint, states)
            .WithAll("replies", NpgsqlDbType.Text, replies);
    }

    /// <summary>Wrong totals do not keep an outcome from being written: else its message would be taken over, and sent again.</summary>
    protected override Task<bool> RepairAsync(Exception fault, List<SettleWrite> group) =>
        group is [{ Settlement.Lease: var lease }]
            ? recount.OfMessageAsync(fault, lease.Tenant, lease.Message) : base.RepairAsync(fault, group);

    const string RecordedSql = """
        select e.id from event e
        where e.lane = @lane and e.tenant_id = any(@tenants) and e.message_id = any(@messages) and e.id = any(@ids)
        """;

    /// <summary>
    /// Ids of events are made once, so an event that is there tells that its settlement took place. One without any stays unknown.
    /// </summary>
    protected override async Task RecheckAsync(NpgsqlConnection connection, short lane, List<SettleWrite> group)
    {
        var telling = group.FindAll(static write => write.Events.Length > 0);
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(RecordedSql).With("lane", lane)
            .WithAll("tenants", NpgsqlDbType.Uuid, [.. telling.Select(write => write.Settlement.Lease.Tenant.Value).Distinct()])
            .WithAll("messages", NpgsqlDbType.Uuid, [.. telling.Select(write => write.Settlement.Lease.Message.Value)])
            .WithAll("ids", NpgsqlDbType.Uuid, [.. telling.Select(write => write.Events[0].Event.Id.Value)]);
        var recorded = (await batch.ReadAllAsync(row => row.GetGuid(0))).ToHashSet();
        foreach (var write in telling.Where(write => recorded.Contains(write.Events[0].Event.Id.Value)))
        {
            write.Answer(true);
            Tell(write.Settlement);
        }
    }
}
