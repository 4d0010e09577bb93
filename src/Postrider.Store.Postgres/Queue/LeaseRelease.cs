using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Store.Postgres.Connections;
using Postrider.Store.Postgres.Messages;
using Postrider.Store.Postgres.Writing;

namespace Postrider.Store.Postgres.Queue;

/// <summary>
/// Renews this node's leases, and takes messages back from workers that are gone: a new generation, so that a late one cannot speak.
/// </summary>
static class LeaseRelease
{
    const string RenewSql = """
        -- Index queue_leased: the few rows that are leased, locked in its order. One that is just settling is passed over, or all those
        -- behind it would wait for whatever it waits for; whoever takes over passes over it too, and the next renewal comes in time.
        with held as materialized (
            select tenant_id, message_id from queue
            where lane = @lane and lease_until is not null and lease_owner = @owner
            order by tenant_id, message_id
            for update skip locked)
        update queue q set lease_until = @until
        from held h
        where q.lane = @lane and q.tenant_id = h.tenant_id and q.message_id = h.message_id
        """;

    /// <summary>All lanes in one round trip, and each in a transaction of its own.</summary>
    public static async Task<int> RenewAsync(NpgsqlConnection connection, NodeId owner, DateTimeOffset until, TimeSpan timeout)
    {
        await using var batch = new NpgsqlBatch(connection) { EnableErrorBarriers = true, Timeout = (int)timeout.TotalSeconds };
        foreach (var lane in Lane.All)
            batch.Add(RenewSql).With("lane", lane).With("owner", owner.Value).With("until", until);
        return await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }

    const string LeasedSql = """
        -- Index queue_leased: the few rows that are leased.
        select lane, tenant_id, message_id, generation, lease_owner, lease_until from queue
        where lane = @lane and lease_until is not null
        """;

    public static async Task<List<Expired>> FindAsync(NpgsqlConnection connection, DateTimeOffset now, Func<NodeId, bool>? alsoOf)
    {
        await using var batch = new NpgsqlBatch(connection);
        foreach (var lane in Lane.All)
            batch.Add(LeasedSql).With("lane", lane);
        var leased = await batch.ReadAllAsync(row => (
            Lease: new Expired(row.GetInt16(0), row.GetGuid(1), row.GetGuid(2), row.GetInt32(3), OwnerIsDead: false),
            Owner: new NodeId(row.GetGuid(4)),
            Until: row.Time(5)));
        return [.. leased
            .Select(one => (Lease: one.Lease with { OwnerIsDead = alsoOf?.Invoke(one.Owner) == true }, one.Until))
            .Where(one => one.Lease.OwnerIsDead || one.Until < now)
            .Select(one => one.Lease)];
    }

    const string ReleaseSql = $"""
        -- Primary key. A row that its holder, or another node's release, is just changing is passed over.
        with expired as materialized (
            select q.tenant_id, q.message_id, q.domain, q.phase, q.retry_count, q.batch_id, q.partly_accepted
            from unnest(@tenants, @messages, @generations) as g (tenant_id, message_id, generation)
            join queue q on q.lane = @lane and q.tenant_id = g.tenant_id and q.message_id = g.message_id
                and q.generation = g.generation and q.lease_until is not null
            -- Renewed since it was looked at: only those of dead nodes are taken whatever their end.
            where q.lease_until < @now or @whatever
            order by q.tenant_id, q.message_id
            for update of q skip locked),
        returned as materialized (
            select tenant_id, batch_id from expired where not partly_accepted),
        {Totals.OfReturned},
        released as (
            update queue q set
                phase = 0,
                due_at = case when x.is_held then @held else @now end,
                held_due_at = case when x.is_held then @now end,
                -- What was sending may have arrived: that attempt counts.
                retry_count = q.retry_count + case when x.phase = 3 then 1 else 0 end,
                generation = q.generation + 1,
                lease_owner = null,
                lease_until = null,
                claim_id = null
            from (select *, not partly_accepted and {Totals.IsOfHeldBatch} as is_held from expired) x
            where q.lane = @lane and q.tenant_id = x.tenant_id and q.message_id = x.message_id)
        select x.tenant_id, x.domain, x.message_id, x.retry_count, (
            select array_agg(r.ordinal order by r.ordinal) from recipient r
            where x.phase = 3 and r.lane = @lane and r.tenant_id = x.tenant_id and r.message_id = x.message_id and r.state = 0)
        from expired x
        """;

    /// <summary>The leases of one lane, all of owners known to be dead or none, in one transaction.</summary>
    public static async Task<List<BacklogKey>> ReleaseAsync(
        NpgsqlConnection connection, (short Lane, bool OwnersAreDead) of, IEnumerable<Expired> leases, DateTimeOffset now, IdGenerator ids)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(ReleaseSql).With("lane", of.Lane).With("now", now).With("whatever", of.OwnersAreDead).With("held", Held.DueAt)
            .WithAll("tenants", NpgsqlDbType.Uuid, [.. leases.Select(lease => lease.Tenant)])
            .WithAll("messages", NpgsqlDbType.Uuid, [.. leases.Select(lease => lease.Message)])
            .WithAll("generations", NpgsqlDbType.Integer, [.. leases.Select(lease => lease.Generation)]);
        var released = await batch.ReadAllAsync(row => (
            Backlog: new BacklogKey(new TenantId(row.GetGuid(0)), row.GetString(1)),
            Message: new MessageId(row.GetGuid(2)),
            Retries: row.GetInt32(3),
            Uncertain: row.Array<int>(4)));

        var events = new EventColumns();
        foreach (var (backlog, message, retries, uncertain) in released)
        {
            foreach (var ordinal in uncertain)
                events.Add(0, backlog.Tenant, message, Uncertain(ordinal, retries, now, ids));
        }
        if (events.Count > 0)
        {
            await using var insert = new NpgsqlBatch(connection);
            events.Bind(insert.Add(EventColumns.InsertSql)).With("lane", of.Lane);
            await insert.ExecuteNonQueryAsync(CancellationToken.None);
        }
        return [.. released.Select(one => one.Backlog).Distinct()];
    }

    /// <summary>The remote may have taken the message without our hearing of it.</summary>
    static EncodedEvent Uncertain(int ordinal, int retries, DateTimeOffset now, IdGenerator ids) => EncodedEvent.From(new MessageEvent(
        new EventId(ids.Next()), EventType.Deferred, ordinal, now, EventData.Unheard(retries + 1, now)));

    public readonly record struct Expired(short Lane, Guid Tenant, Guid Message, int Generation, bool OwnerIsDead);
}
