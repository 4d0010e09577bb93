using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Store.Sqlite.Connections;
using Postrider.Store.Sqlite.Messages;
using Postrider.Store.Sqlite.Writing;

namespace Postrider.Store.Sqlite.Queue;

/// <summary>
/// Leases messages: the writer marks the queue rows, and what the messages say is read afterwards by a reader, for under a lease it
/// does not change.
/// </summary>
sealed class Claims(Writer writer, ReaderPool readers)
{
    public async Task<ClaimResult> ClaimAsync(Claim claim, CancellationToken cancel)
    {
        var (leases, nextDue) = await writer.RunAsync(
            session => (Take(session, claim), NextDue(session.Connection, claim.Backlog)), cancel);
        return new ClaimResult(await LoadAsync(leases), nextDue);
    }

    /// <summary>
    /// Looks for them as a reader, for there may be a million rows to look at, and takes those that still wait as the writer.
    /// </summary>
    public async Task<IReadOnlyList<LeasedMessage>> ClaimExpiredAsync(ClaimExpired claim, CancellationToken cancel)
    {
        var found = await readers.ReadAsync(db => FindExpired(db, claim), cancel);
        if (found.Count == 0)
            return [];
        var leases = await writer.RunAsync(session => TakeExpired(session, claim, found), cancel);
        return await LoadAsync(leases);
    }

    /// <remarks>Not cancellable, and what cannot be read is given back: a lease nobody knows of would be renewed for ever.</remarks>
    async Task<IReadOnlyList<LeasedMessage>> LoadAsync(List<Lease> leases)
    {
        if (leases.Count == 0)
            return [];
        try
        {
            return await readers.ReadAsync(
                db => leases.ConvertAll(lease => new LeasedMessage(
                    MessageRows.Load(db, lease.Tenant, lease.Message)
                        ?? throw new InvalidDataException($"The queue names {lease.Message}, which is not stored."),
                    lease.Domain, lease.Generation, lease.State.RetryCount, lease.FirstDueAt) { RetriesBefore = lease.RetriesBefore }),
                CancellationToken.None);
        }
        catch
        {
            await writer.RunAsync(
                session => leases.TrueForAll(
                    lease => Leases.Return(session, new LeaseKey(lease.Tenant, lease.Message, lease.Generation), lease.FirstDueAt)),
                CancellationToken.None);
            throw;
        }
    }

    const string NextDueSql = """
        -- Index queue_due: one seek.
        select due_at from queue indexed by queue_due
        where phase = 0 and tenant_id = @tenant and domain = @domain
        order by due_at
        limit 1
        """;

    static DateTimeOffset? NextDue(Connection db, BacklogKey backlog)
    {
        var read = db.Prepare(NextDueSql).Bind(backlog.Tenant.Value).Bind(backlog.Domain);
        if (!read.Step())
            return null;
        var next = read.Time(0);
        read.Reset();
        return next;
    }

    const string DueSql = """
        -- Index queue_due: one seek, then rows in the order they are wanted.
        select tenant_id, message_id, domain, generation, first_due_at, partly_accepted, retry_count, batch_id, retries_before
        from queue indexed by queue_due
        where phase = 0 and tenant_id = @tenant and domain = @domain and due_at <= @now
        order by due_at, message_id
        limit @limit
        """;

    static List<Lease> Take(WriteSession session, Claim claim)
    {
        var due = session.Connection.Prepare(DueSql)
            .Bind(claim.Backlog.Tenant.Value).Bind(claim.Backlog.Domain).Bind(claim.Now).Bind(claim.Limit);
        var leases = new List<Lease>();
        while (due.Step())
            leases.Add(ReadLease(due));
        // Not while reading: an update takes its row out of the index that is being read.
        foreach (var lease in leases)
            Mark(session, lease, claim.Owner, claim.LeaseUntil);
        return leases;
    }

    const string TenantsSql = """
        -- Primary key; for each tenant one seek.
        select tenant_id from queue
        where tenant_id > @after
        order by tenant_id
        limit 1
        """;

    const string ExpiredSql = """
        -- Primary key: only messages made before @before can have been due before.
        select message_id from queue
        where tenant_id = @tenant and message_id < @made_before and phase = 0 and held_due_at is null and first_due_at < @before
        order by message_id
        limit @limit
        """;

    static List<(TenantId Tenant, MessageId Message)> FindExpired(Connection db, ClaimExpired claim)
    {
        var found = new List<(TenantId, MessageId)>();
        Guid? tenant = null;
        while (found.Count < claim.Limit && NextTenant(db, tenant) is { } next)
        {
            tenant = next;
            var expired = db.Prepare(ExpiredSql)
                .Bind(next).Bind(IdRange.FirstAt(claim.DueBefore)).Bind(claim.DueBefore).Bind(claim.Limit - found.Count);
            while (expired.Step())
                found.Add((new TenantId(next), new MessageId(expired.Guid(0))));
        }
        return found;
    }

    static Guid? NextTenant(Connection db, Guid? after)
    {
        var read = db.Prepare(TenantsSql);
        // Nothing sorts before the empty blob.
        _ = after is { } id ? read.Bind(id) : read.Bind(ReadOnlySpan<byte>.Empty);
        if (!read.Step())
            return null;
        var tenant = read.Guid(0);
        read.Reset();
        return tenant;
    }

    const string WaitingSql = """
        select tenant_id, message_id, domain, generation, first_due_at, partly_accepted, retry_count, batch_id, retries_before
        from queue
        where tenant_id = @tenant and message_id = @message and phase = 0 and held_due_at is null and first_due_at < @before
        """;

    static List<Lease> TakeExpired(WriteSession session, ClaimExpired claim, List<(TenantId Tenant, MessageId Message)> found)
    {
        var leases = new List<Lease>(found.Count);
        foreach (var (tenant, message) in found)
        {
            var waiting = session.Connection.Prepare(WaitingSql).Bind(tenant.Value).Bind(message.Value).Bind(claim.DueBefore);
            if (!waiting.Step())
                continue;
            var lease = ReadLease(waiting);
            waiting.Reset();
            Mark(session, lease, claim.Owner, claim.LeaseUntil);
            leases.Add(lease);
        }
        return leases;
    }

    const string LeaseSql = """
        update queue set phase = 1, lease_owner = @owner, lease_until = @until, generation = @generation
        where tenant_id = @tenant and message_id = @message
        """;

    static void Mark(WriteSession session, Lease lease, NodeId owner, DateTimeOffset until)
    {
        session.Connection.Prepare(LeaseSql)
            .Bind(owner.Value).Bind(until).Bind(lease.Generation).Bind(lease.Tenant.Value).Bind(lease.Message.Value).Run();
        session.Counters.Move(
            lease.Tenant, lease.Message, lease.State.Batch, lease.State.Status,
            LiveState.StatusIn(Phase.Processing, lease.State.PartlyAccepted), DateTimeOffset.MinValue);
    }

    static Lease ReadLease(Statement row)
    {
        var batch = row.GuidOrNull(7);
        return new Lease(
            new TenantId(row.Guid(0)), new MessageId(row.Guid(1)), row.Text(2), row.Int32(3) + 1, row.Time(4),
            new LiveState(Phase.Waiting, row.Bool(5), row.Int32(6), batch is { } id ? new BatchId(id) : null), row.Int32(8));
    }

    /// <param name="Generation">The lease's: one more than before.</param>
    /// <param name="State">As it was before.</param>
    readonly record struct Lease(
        TenantId Tenant, MessageId Message, string Domain, int Generation, DateTimeOffset FirstDueAt, LiveState State,
        int RetriesBefore);
}
