using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Store.Postgres.Connections;
using Postrider.Store.Postgres.Messages;
using Postrider.Store.Postgres.Writing;

namespace Postrider.Store.Postgres.Queue;

/// <param name="claim">Of one backlog; null to take <paramref name="expired"/>, what is past its lifetime in one lane.</param>
/// <param name="id">Marks the rows it leases.</param>
sealed class ClaimWrite(short lane, Claim? claim, ClaimExpired? expired, Guid id, CancellationToken cancel)
    : PendingWrite<ClaimResult>(lane, cancel)
{
    public Claim? Claim => claim;

    public ClaimExpired? Expired => expired;

    public Guid Id => id;

    /// <summary>Two claims of one backlog in one statement would take the same rows.</summary>
    public override object? GroupKey => claim is null ? typeof(ClaimExpired) : claim.Backlog;
}

/// <summary>
/// Leases messages and reads what they say, in one round trip. Rows that another node is just taking are passed over, not waited for.
/// </summary>
sealed class ClaimWriter(Database database, PostgresStoreOptions options, IdGenerator ids, ILogger log)
    : GroupWriter<ClaimWrite>(database, options, TimeSpan.Zero, log)
{
    /// <summary>Claims whose answer was lost: what they leased, if they did, is given back by the lane's next group.</summary>
    readonly ConcurrentDictionary<Guid, short> _lost = new();

    public async Task<ClaimResult> ClaimAsync(Claim claim, CancellationToken cancel)
    {
        var write = new ClaimWrite(Lane.Of(claim.Backlog.Tenant), claim, null, ids.Next(), cancel);
        await EnqueueAsync(write, cancel);
        return await write.Done;
    }

    /// <summary>Lane by lane until there are enough: no claim takes from two.</summary>
    public async Task<IReadOnlyList<LeasedMessage>> ClaimExpiredAsync(ClaimExpired claim, CancellationToken cancel)
    {
        var lanes = await Database.ReadAsync(connection => LanesWithExpiredAsync(connection, claim), cancel);
        var all = new List<LeasedMessage>();
        foreach (var lane in lanes)
        {
            if (all.Count >= claim.Limit)
                break;
            try
            {
                var write = new ClaimWrite(lane, null, claim with { Limit = claim.Limit - all.Count }, ids.Next(), cancel);
                await EnqueueAsync(write, cancel);
                all.AddRange((await write.Done).Messages);
            }
            catch (Exception e) when (all.Count > 0 && e is StoreUnavailableException or OperationCanceledException)
            {
                break;      // what is leased already has to reach its holder
            }
        }
        return all;
    }

    const string LaneHasExpiredSql = """
        -- Primary key of the lane: only messages made before @made_before can have been due before.
        select lane from queue
        where lane = @lane and message_id < @made_before and lease_until is null and held_due_at is null and first_due_at < @before
        limit 1
        """;

    async Task<List<short>> LanesWithExpiredAsync(NpgsqlConnection connection, ClaimExpired claim)
    {
        await using var batch = new NpgsqlBatch(connection);
        foreach (var lane in Lane.All)
            batch.Add(LaneHasExpiredSql).With("lane", lane)
                .With("made_before", IdRange.FirstAt(claim.DueBefore)).With("before", claim.DueBefore);
        Database.Count(batch.BatchCommands.Count);
        return await batch.ReadAllAsync(row => row.GetInt16(0));
    }

    /// <summary>What is leased, with what it says; the first columns are read by <see cref="MessageRows"/>.</summary>
    /// <remarks>
    /// What it says is read as it was when the statement began; the lock finds the newest version of a row. Where the two differ, an
    /// attempt was settled, a retry or a report came in between: such a row is left to the next claim, or who accepted a moment ago would
    /// be mailed again. All who change what a waiting message says change its queue row, so xmin tells; it costs no look-up, for the update
    /// seeks the old version anyway.
    /// </remarks>
    const string Leasing = $"""
        leased as (
            update queue q set
                phase = 1,
                generation = q.generation + 1,
                lease_owner = d.owner,
                lease_until = d.until,
                claim_id = d.claim_id
            from due d
            where q.lane = @lane and q.tenant_id = d.tenant_id and q.message_id = d.message_id and q.xmin = d.version
            returning d.write, d.place, q.tenant_id, q.message_id, q.domain, q.generation, q.retry_count, q.first_due_at, q.retries_before)
        select {MessageRows.Columns}, l.write, l.domain, l.generation, l.retry_count, l.first_due_at, l.retries_before
        from leased l
        join message m on m.lane = @lane and m.tenant_id = l.tenant_id and m.id = l.message_id
        {MessageRows.JoinRecipients}
        order by l.write, l.place
        """;

    const string ClaimSql = $"""
        -- Index queue_due: for each claim one seek, then rows in the order they are wanted. A row another node holds is not ours to wait
        -- for.
        -- materialized: else the planner may run the limited part more than once and lease too many.
        with due as materialized (
            select c.write, c.owner, c.until, c.claim_id, w.tenant_id, w.message_id, w.version,
                row_number() over (order by c.write, w.due_at, w.message_id) as place
            from unnest(@writes, @tenants, @domains, @nows, @limits, @owners, @untils, @claim_ids)
                as c (write, tenant_id, domain, now, claim_limit, owner, until, claim_id)
            cross join lateral (
                select q.tenant_id, q.message_id, q.due_at, q.xmin as version from queue q
                where q.lane = @lane and q.tenant_id = c.tenant_id and q.domain = c.domain and q.lease_until is null and q.due_at <= c.now
                order by q.due_at, q.message_id
                limit c.claim_limit
                for update skip locked) w),
        {Leasing}
        """;

    const string ClaimExpiredSql = $"""
        -- The lane's primary key, which holds the live messages only.
        with due as materialized (
            select 0 as write, @owner as owner, @until as until, @claim_id as claim_id, w.tenant_id, w.message_id, w.version,
                row_number() over (order by w.tenant_id, w.message_id) as place
            from (
                select q.tenant_id, q.message_id, q.xmin as version from queue q
                where q.lane = @lane and q.message_id < @made_before and q.lease_until is null and q.held_due_at is null
                    and q.first_due_at < @before
                order by q.tenant_id, q.message_id
                limit @limit
                for update skip locked) w),
        {Leasing}
        """;

    const string NextDueSql = """
        -- Index queue_due: for each backlog one seek. It comes after the claims, so it sees what they left.
        select c.write, (
            select q.due_at from queue q
            where q.lane = @lane and q.tenant_id = c.tenant_id and q.domain = c.domain and q.lease_until is null
            order by q.due_at
            limit 1)
        from unnest(@writes, @tenants, @domains) as c (write, tenant_id, domain)
        """;

    const string GiveBackSql = """
        -- Index queue_leased. Leases of claims whose answer never came: nobody knows of them, and their node would renew them for ever.
        with held as materialized (
            select q.tenant_id, q.message_id from queue q
            where q.lane = @lane and q.lease_until is not null and q.claim_id = any(@claim_ids) and q.phase = 1
            order by q.tenant_id, q.message_id
            for update)
        update queue q set phase = 0, lease_owner = null, lease_until = null, claim_id = null
        from held h
        where q.lane = @lane and q.tenant_id = h.tenant_id and q.message_id = h.message_id
        """;

    protected override async Task CommitAsync(NpgsqlConnection connection, short lane, List<ClaimWrite> group)
    {
        await GiveBackLostAsync(connection, lane);
        var claims = group.FindAll(static write => write.Claim is not null);
        var expired = group.Find(static write => write.Expired is not null);
        await using var batch = new NpgsqlBatch(connection);
        if (claims.Count > 0)
        {
            BindClaims(batch.Add(ClaimSql), lane, claims);
            BindBacklogs(batch.Add(NextDueSql), lane, claims);
        }
        if (expired?.Expired is { } past)
        {
            batch.Add(ClaimExpiredSql).With("lane", lane)
                .With("made_before", IdRange.FirstAt(past.DueBefore)).With("before", past.DueBefore).With("limit", past.Limit)
                .With("owner", past.Owner.Value).With("until", past.LeaseUntil).With("claim_id", expired.Id);
        }
        Database.Count(batch.BatchCommands.Count);
        await using var rows = await batch.ExecuteReaderAsync(CancellationToken.None);
        var answers = new List<(ClaimWrite, ClaimResult)>(group.Count);
        if (claims.Count > 0)
        {
            var leased = await ReadLeasesAsync(rows, claims.Count);
            await rows.NextResultAsync(CancellationToken.None);
            while (await rows.ReadAsync(CancellationToken.None))
                answers.Add((claims[rows.GetInt32(0)], new ClaimResult(leased[rows.GetInt32(0)], rows.TimeOrNull(1))));
            await rows.NextResultAsync(CancellationToken.None);
        }
        if (expired is not null)
            answers.Add((expired, new ClaimResult((await ReadLeasesAsync(rows, 1))[0], null)));
        // To the end: an error of the commit comes last.
        await rows.CloseAsync();
        foreach (var (write, result) in answers)
            write.Answer(result);
    }

    static async Task<List<LeasedMessage>[]> ReadLeasesAsync(NpgsqlDataReader rows, int writes)
    {
        var leased = new List<LeasedMessage>[writes];
        for (var i = 0; i < writes; i++)
            leased[i] = [];
        while (await rows.ReadAsync(CancellationToken.None))
        {
            const int First = MessageRows.ColumnCount;
            leased[rows.GetInt32(First)].Add(new LeasedMessage(
                MessageRows.Read(rows), rows.GetString(First + 1), rows.GetInt32(First + 2), rows.GetInt32(First + 3), rows.Time(First + 4))
            {
                RetriesBefore = rows.GetInt32(First + 5),
            });
        }
        return leased;
    }

    static void BindClaims(NpgsqlBatchCommand command, short lane, List<ClaimWrite> claims) => BindBacklogs(command, lane, claims)
        .WithAll("nows", NpgsqlDbType.TimestampTz, [.. claims.Select(write => write.Claim!.Now.ToUniversalTime())])
        .WithAll("limits", NpgsqlDbType.Integer, [.. claims.Select(write => write.Claim!.Limit)])
        .WithAll("owners", NpgsqlDbType.Uuid, [.. claims.Select(write => write.Claim!.Owner.Value)])
        .WithAll("untils", NpgsqlDbType.TimestampTz, [.. claims.Select(write => write.Claim!.LeaseUntil.ToUniversalTime())])
        .WithAll("claim_ids", NpgsqlDbType.Uuid, [.. claims.Select(write => write.Id)]);

    static NpgsqlBatchCommand BindBacklogs(NpgsqlBatchCommand command, short lane, List<ClaimWrite> claims) => command
        .With("lane", lane)
        .WithAll("writes", NpgsqlDbType.Integer, [.. Enumerable.Range(0, claims.Count)])
        .WithAll("tenants", NpgsqlDbType.Uuid, [.. claims.Select(write => write.Claim!.Backlog.Tenant.Value)])
        .WithAll("domains", NpgsqlDbType.Text, [.. claims.Select(write => write.Claim!.Backlog.Domain)]);

    /// <summary>
    /// The messages cannot be told any more; the lane's next group gives them back, and so does <see cref="GiveBackAllLostAsync"/>.
    /// </summary>
    protected override Task RecheckAsync(NpgsqlConnection connection, short lane, List<ClaimWrite> group) => Task.CompletedTask;

    protected override void OnLost(List<ClaimWrite> group)
    {
        foreach (var write in group)
            _lost[write.Id] = write.Lane;
    }

    /// <summary>Before leases are renewed: those that nobody holds must not be.</summary>
    public async Task GiveBackAllLostAsync(CancellationToken cancel)
    {
        foreach (var lane in _lost.Values.Distinct())
        {
            await Database.WriteAsync(
                async connection =>
                {
                    await GiveBackLostAsync(connection, lane);
                    return 0;
                },
                cancel);
        }
    }

    async Task GiveBackLostAsync(NpgsqlConnection connection, short lane)
    {
        if (_lost.IsEmpty)
            return;
        var lost = _lost.Where(one => one.Value == lane).Select(one => one.Key).ToList();
        if (lost.Count == 0)
            return;
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(GiveBackSql).With("lane", lane).WithAll("claim_ids", NpgsqlDbType.Uuid, lost);
        Database.Count(batch.BatchCommands.Count);
        await batch.ExecuteNonQueryAsync(CancellationToken.None);
        foreach (var id in lost)
            _lost.TryRemove(id, out _);
    }
}
