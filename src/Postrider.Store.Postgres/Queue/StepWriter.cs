using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Control;
using Postrider.Engine.Queue;
using Postrider.Store.Postgres.Connections;
using Postrider.Store.Postgres.Writing;

namespace Postrider.Store.Postgres.Queue;

/// <param name="to">Waiting gives the lease back, due at <paramref name="dueAt"/>.</param>
sealed class StepWrite(LeaseKey lease, Phase to, DateTimeOffset dueAt, CancellationToken cancel)
    : PendingWrite<bool>(Postgres.Lane.Of(lease.Tenant), cancel)
{
    public LeaseKey Lease => lease;

    public Phase To => to;

    public DateTimeOffset DueAt => dueAt;

    /// <summary>
    /// Nobody waits for "rendered", and where the destination is free "sending" follows at once: then both are one change. A guess.
    /// </summary>
    public override TimeSpan Patience => to == Phase.Rendered ? TimeSpan.FromMilliseconds(20) : TimeSpan.Zero;
}

/// <summary>
/// Steps of a lease: rendered, sending, returned. Each takes place only while the lease is held: the row exists, is leased, and has the
/// lease's generation. Steps of one lease that meet in a group become one change, and each gets the answer it would have got alone.
/// </summary>
/// <param name="returned">Told of what waits again, once that is on disk.</param>
sealed class StepWriter(Database database, PostgresStoreOptions options, Action<Backlog> returned, ILogger log)
    : GroupWriter<StepWrite>(database, options, options.GroupPace, log)
{
    public async Task<bool> StepAsync(LeaseKey lease, Phase to, DateTimeOffset dueAt, CancellationToken cancel)
    {
        var write = new StepWrite(lease, to, dueAt, cancel);
        await EnqueueAsync(write, cancel);
        return await write.Done;
    }

    const string StepSql = $"""
        -- Primary key. Rows are locked in its order, so that no two transactions wait for each other in a circle. What is changed says that
        -- it is leased: a plan made while the table was taken for empty (TableUpkeep) then reads the few leased rows, not the lane.
        with held as materialized (
            select g.write, q.tenant_id, q.message_id, q.domain, q.phase, q.batch_id, q.partly_accepted, g.due_at,
                case when g.target = 0 then 0 else greatest(g.target, q.phase) end as target
            from unnest(@writes, @tenants, @messages, @generations, @targets, @due_ats)
                as g (write, tenant_id, message_id, generation, target, due_at)
            join queue q on q.lane = @lane and q.tenant_id = g.tenant_id and q.message_id = g.message_id
                and q.generation = g.generation and q.lease_until is not null
            order by q.tenant_id, q.message_id
            for update of q),
        returned as materialized (
            select tenant_id, batch_id from held where target = 0 and not partly_accepted),
        {Totals.OfReturned},
        stepped as (
            update queue q set
                phase = h.target,
                due_at = case when h.is_held then @held when h.target = 0 then h.due_at else q.due_at end,
                held_due_at = case when h.is_held then h.due_at end,
                lease_owner = case when h.target > 0 then q.lease_owner end,
                lease_until = case when h.target > 0 then q.lease_until end,
                claim_id = case when h.target > 0 then q.claim_id end
            from (select *, target = 0 and not partly_accepted and {Totals.IsOfHeldBatch} as is_held from held) h
            where q.lane = @lane and q.tenant_id = h.tenant_id and q.message_id = h.message_id and q.lease_until is not null
                and q.phase <> h.target)
        select write, phase, domain from held
        """;

    protected override async Task CommitAsync(NpgsqlConnection connection, short lane, List<StepWrite> group)
    {
        var leases = group.GroupBy(static write => write.Lease).Select(static steps => steps.ToArray()).ToArray();
        await using var batch = new NpgsqlBatch(connection);
        BindLeases(batch.Add(StepSql), lane, leases)
            .With("held", Held.DueAt)
            .WithAll("targets", NpgsqlDbType.Smallint, [.. leases.Select(steps => (short)TargetOf(steps))])
            .WithAll("due_ats", NpgsqlDbType.TimestampTz, [.. leases.Select(steps =>
                (Array.Find(steps, step => step.To == Phase.Waiting) ?? steps[0]).DueAt.ToUniversalTime())]);
        Database.Count(batch.BatchCommands.Count);
        var held = await batch.ReadAllAsync(row => (Lease: row.GetInt32(0), Phase: (Phase)row.GetInt16(1), Domain: row.GetString(2)));
        foreach (var steps in leases)
            Array.ForEach(steps, static step => step.Answer(false));
        foreach (var (lease, phase, domain) in held)
        {
            Answer(leases[lease], phase);
            if (Array.Find(leases[lease], static step => step.To == Phase.Waiting) is { } step)
                returned(new Backlog(new BacklogKey(step.Lease.Tenant, domain), step.DueAt));
        }
    }

    static Phase TargetOf(StepWrite[] steps) =>
        Array.Exists(steps, step => step.To == Phase.Waiting) ? Phase.Waiting : steps.Max(step => step.To);

    /// <summary>Each step in turn, as if alone: forward only, and none after the lease was returned.</summary>
    static void Answer(StepWrite[] steps, Phase? phase)
    {
        foreach (var step in steps)
        {
            if (phase is not { } now || (step.To != Phase.Waiting && step.To <= now))
                continue;
            step.Answer(true);
            phase = step.To == Phase.Waiting ? null : step.To;
        }
    }

    static NpgsqlBatchCommand BindLeases(NpgsqlBatchCommand command, short lane, StepWrite[][] leases) => command
        .With("lane", lane)
        .WithAll("writes", NpgsqlDbType.Integer, [.. Enumerable.Range(0, leases.Length)])
        .WithAll("tenants", NpgsqlDbType.Uuid, [.. leases.Select(steps => steps[0].Lease.Tenant.Value)])
        .WithAll("messages", NpgsqlDbType.Uuid, [.. leases.Select(steps => steps[0].Lease.Message.Value)])
        .WithAll("generations", NpgsqlDbType.Integer, [.. leases.Select(steps => steps[0].Lease.Generation)]);

    const string PhasesSql = """
        select g.write, q.phase
        from unnest(@writes, @tenants, @messages, @generations) as g (write, tenant_id, message_id, generation)
        join queue q on q.lane = @lane and q.tenant_id = g.tenant_id and q.message_id = g.message_id and q.generation = g.generation
        """;

    /// <summary>Only its holder moves a lease on, and each step is asked for once: a row that has come as far was moved by this.</summary>
    protected override async Task RecheckAsync(NpgsqlConnection connection, short lane, List<StepWrite> group)
    {
        StepWrite[][] leases = [.. group.Select(step => new[] { step })];
        await using var batch = new NpgsqlBatch(connection);
        BindLeases(batch.Add(PhasesSql), lane, leases);
        foreach (var (write, phase) in await batch.ReadAllAsync(row => (row.GetInt32(0), (Phase)row.GetInt16(1))))
        {
            if (group[write].To == Phase.Waiting ? phase == Phase.Waiting : phase >= group[write].To)
                group[write].Answer(true);
        }
    }
}
