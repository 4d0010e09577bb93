using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;
using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Store.Postgres.Connections;
using Postrider.Store.Postgres.Messages;
using Postrider.Store.Postgres.Writing;

namespace Postrider.Store.Postgres.Intake;

/// <summary>Makes send requests durable, a group of them in one round trip; in three when some carry an idempotency key.</summary>
/// <param name="memory">Gets the bodies, before anybody is told of the messages.</param>
/// <param name="accepted">Told of what waits once it is on disk.</param>
sealed class AcceptWriter(
    Database database, Partitions partitions, PostgresStoreOptions options, ContentMemory memory, Action<Backlog> accepted,
    TimeProvider time,
    ILogger log)
    : GroupWriter<AcceptWrite>(database, options, TimeSpan.Zero, log)
{
    /// <summary>Past this the memory of batches starts afresh. A guess at more than are filled at one time.</summary>
    const int MostBatchesKnown = 100_000;

    readonly ConcurrentDictionary<(TenantId, BatchId), byte> _batches = new();
    readonly TimeSpan _patience = options.AcceptTimeout;

    public async Task<AcceptOutcome> AcceptAsync(Acceptance acceptance, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        using var given = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var write = new AcceptWrite(
            acceptance,
            [.. acceptance.Messages.Select(EncodedMessage.From)],
            await EncodeAsync(acceptance, cancel),
            given.Token);
        // A key used before answers first, as its messages may name a batch that is gone by now.
        if (await FindUnknownBatchAsync(acceptance, cancel) is { } batch)
            return await FindEarlierAsync(acceptance, cancel) ?? new AcceptOutcome.UnknownBatch(batch);
        try
        {
            await EnqueueAsync(write, given.Token).AsTask().WaitAsync(_patience, time, CancellationToken.None);
            return await write.Done.WaitAsync(_patience, time, CancellationToken.None);
        }
        catch (TimeoutException e)
        {
            await given.CancelAsync();      // not begun yet, it is never done; else it may be
            throw Database.Unavailable(e);
        }
    }

    /// <summary>A large body that is stored already, as that of a batch in many requests, is neither compressed nor sent again.</summary>
    async Task<EncodedContent[]> EncodeAsync(Acceptance acceptance, CancellationToken cancel)
    {
        var encoded = new List<EncodedContent>(acceptance.Contents.Count);
        foreach (var (hash, octets) in acceptance.Contents)
        {
            if (octets.Length < ContentEncoding.WorthCompressing || !await IsStoredAsync(acceptance, hash, cancel))
                encoded.Add(new EncodedContent(hash, ContentEncoding.Encode(octets)));
        }
        return [.. encoded];
    }

    async Task<bool> IsStoredAsync(Acceptance acceptance, ContentHash hash, CancellationToken cancel)
    {
        foreach (var month in acceptance.Messages.Select(message => Month.Of(message.Message.Id.CreatedAt)).Distinct())
        {
            if (!await Database.ReadAsync(connection => ContentRows.ExistsAsync(connection, acceptance.Tenant, hash, month), cancel))
                return false;
        }
        return true;
    }

    protected override async Task CommitAsync(NpgsqlConnection connection, short lane, List<AcceptWrite> group)
    {
        if (!group.Exists(static write => write.Claim is not null))
        {
            await InsertAsync(connection, lane, group);
            group.ForEach(static write => write.Answer(AcceptOutcome.Stored.Instance));
        }
        else
        {
            await using var transaction = await connection.BeginTransactionAsync(CancellationToken.None);
            var leaders = await ClaimAsync(connection, lane, group);
            var stored = group.FindAll(write => !write.IsAnswered && (write.Claim is not { } key || leaders[key] == write));
            if (stored.Count > 0)
                await InsertAsync(connection, lane, stored);
            await transaction.CommitAsync(CancellationToken.None);
            Database.Count(2);      // begin, commit
            stored.ForEach(static write => write.Answer(AcceptOutcome.Stored.Instance));
            foreach (var follower in group.Where(static write => !write.IsAnswered))
                follower.Answer(OutcomeOf(follower, leaders[follower.Claim!.Value].Acceptance));
        }
        foreach (var write in group)
            Tell(write);
    }

    async Task InsertAsync(NpgsqlConnection connection, short lane, List<AcceptWrite> group)
    {
        var columns = new MessageColumns();
        foreach (var write in group)
            columns.Add(write);
        await using var batch = new NpgsqlBatch(connection);
        columns.AddTo(batch, lane, group[0].Acceptance.Now);
        Database.Count(batch.BatchCommands.Count);
        await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }

    void Tell(AcceptWrite write)
    {
        foreach (var (hash, octets) in write.Acceptance.Contents)
            memory.Keep(
                write.Acceptance.Tenant, hash, octets,
                write.Messages.Count(encoded => encoded.Message.Body == hash && !encoded.Message.Sandbox));
        foreach (var encoded in write.Messages)
        {
            if (!encoded.Message.Sandbox)
                accepted(new Backlog(new BacklogKey(encoded.Message.Tenant, encoded.QueueDomain), encoded.Message.DueAt));
        }
    }

    const string ClaimSql = """
        -- In key order, so that two groups with the same keys do not wait for each other in a circle. Of two that use a key at once the
        -- second waits here for the first one's commit. A key that has expired is taken over.
        insert into idempotency as i (lane, tenant_id, key, fingerprint, messages, expires_at)
        select @lane, c.tenant_id, c.key, c.fingerprint,
            (select array_agg(message order by place)
                from unnest(@message_owners, @message_ids) with ordinality as m (owner, message, place)
                where m.owner = c.owner),
            c.expires_at
        from unnest(@owners, @tenants, @keys, @fingerprints, @expires_ats) as c (owner, tenant_id, key, fingerprint, expires_at)
        order by c.tenant_id, c.key
        on conflict (lane, tenant_id, key) do update set
            fingerprint = excluded.fingerprint,
            messages = excluded.messages,
            expires_at = excluded.expires_at
        where i.expires_at <= @now
        """;

    const string ClaimedSql = """
        select c.owner, i.fingerprint, i.messages
        from unnest(@owners, @tenants, @keys) as c (owner, tenant_id, key)
        join idempotency i on i.lane = @lane and i.tenant_id = c.tenant_id and i.key = c.key
        """;

    /// <summary>Takes the keys; a write whose key was used before is answered.</summary>
    /// <returns>For each key the first write of the group that uses it: the others get what it gets.</returns>
    async Task<Dictionary<(TenantId, string), AcceptWrite>> ClaimAsync(NpgsqlConnection connection, short lane, List<AcceptWrite> group)
    {
        var leaders = new Dictionary<(TenantId, string), AcceptWrite>();
        foreach (var write in group)
        {
            if (write.Claim is { } key)
                leaders.TryAdd(key, write);
        }
        var owners = leaders.Values.ToList();
        await using var batch = new NpgsqlBatch(connection);
        BindClaims(batch.Add(ClaimSql), lane, owners)
            .With("now", owners[0].Acceptance.Now)
            .WithAll("message_owners", NpgsqlDbType.Integer, [.. owners.SelectMany((write, i) => write.Messages.Select(_ => i))])
            .WithAll("message_ids", NpgsqlDbType.Uuid, [.. owners.SelectMany(write => write.Messages.Select(one => one.Message.Id.Value))])
            .WithAll("fingerprints", NpgsqlDbType.Bytea, [.. owners.Select(write => write.Acceptance.Idempotency!.Fingerprint.ToArray())])
            .WithAll(
                "expires_ats", NpgsqlDbType.TimestampTz,
                [.. owners.Select(write => write.Acceptance.Idempotency!.ExpiresAt.ToUniversalTime())]);
        BindClaims(batch.Add(ClaimedSql), lane, owners);
        Database.Count(batch.BatchCommands.Count);
        var claimed = await batch.ReadAllAsync(row =>
            (Owner: row.GetInt32(0), Hash: ContentHash.From(row.GetFieldValue<byte[]>(1)), Messages: row.Array<Guid>(2)));
        foreach (var (owner, hash, messages) in claimed)
        {
            var write = owners[owner];
            if (messages[0] == write.Messages[0].Message.Id.Value)
                continue;
            var outcome = OutcomeOf(write.Acceptance.Idempotency!, hash, [.. messages.Select(id => new MessageId(id))]);
            write.Answer(outcome);
            foreach (var follower in group.Where(other => other.Claim == write.Claim && other != write))
                follower.Answer(OutcomeOf(follower.Acceptance.Idempotency!, hash, [.. messages.Select(id => new MessageId(id))]));
        }
        return leaders;
    }

    static NpgsqlBatchCommand BindClaims(NpgsqlBatchCommand command, short lane, List<AcceptWrite> owners) => command
        .With("lane", lane)
        .WithAll("owners", NpgsqlDbType.Integer, [.. Enumerable.Range(0, owners.Count)])
        .WithAll("tenants", NpgsqlDbType.Uuid, [.. owners.Select(write => write.Acceptance.Tenant.Value)])
        .WithAll("keys", NpgsqlDbType.Text, [.. owners.Select(write => Text.Of(write.Acceptance.Idempotency!.Key)!)]);

    static AcceptOutcome OutcomeOf(AcceptWrite follower, Acceptance leader) => OutcomeOf(
        follower.Acceptance.Idempotency!, leader.Idempotency!.Fingerprint, [.. leader.Messages.Select(message => message.Message.Id)]);

    static AcceptOutcome OutcomeOf(IdempotencyClaim claim, ContentHash fingerprint, MessageId[] messages) =>
        claim.Fingerprint == fingerprint ? new AcceptOutcome.Replayed(messages) : AcceptOutcome.KeyReused.Instance;

    const string EarlierSql = """
        select fingerprint, messages from idempotency
        where lane = @lane and tenant_id = @tenant and key = @key and expires_at > @now
        """;

    async Task<AcceptOutcome?> FindEarlierAsync(Acceptance acceptance, CancellationToken cancel)
    {
        if (acceptance.Idempotency is not { } claim)
            return null;
        return await Database.ReadAsync(
            async connection =>
            {
                await using var batch = new NpgsqlBatch(connection);
                batch.Add(EarlierSql).With("lane", Lane.Of(acceptance.Tenant)).With("tenant", acceptance.Tenant.Value)
                    .With("key", claim.Key).With("now", acceptance.Now);
                var found = await batch.ReadAllAsync(row => OutcomeOf(
                    claim, ContentHash.From(row.GetFieldValue<byte[]>(0)), [.. row.Array<Guid>(1).Select(id => new MessageId(id))]));
                return found.FirstOrDefault();
            },
            cancel);
    }

    const string BatchesSql = """
        select id from batch
        where lane = @lane and tenant_id = @tenant and id = any(@batches)
        """;

    /// <summary>Looked up before the group's turn: a batch, once made, stays.</summary>
    async Task<BatchId?> FindUnknownBatchAsync(Acceptance acceptance, CancellationToken cancel)
    {
        HashSet<BatchId>? unseen = null;
        foreach (var (message, _, _) in acceptance.Messages)
        {
            if (message.Batch is { } batch && !_batches.ContainsKey((acceptance.Tenant, batch)))
                (unseen ??= []).Add(batch);
        }
        if (unseen is null)
            return null;
        var found = await Database.ReadAsync(
            async connection =>
            {
                await using var batch = new NpgsqlBatch(connection);
                batch.Add(BatchesSql).With("lane", Lane.Of(acceptance.Tenant)).With("tenant", acceptance.Tenant.Value)
                    .WithAll("batches", NpgsqlDbType.Uuid, [.. unseen.Select(id => id.Value)]);
                return await batch.ReadAllAsync(row => new BatchId(row.GetGuid(0)));
            },
            cancel);
        if (_batches.Count >= MostBatchesKnown)
            _batches.Clear();
        foreach (var id in found)
        {
            _batches[(acceptance.Tenant, id)] = 0;
            unseen.Remove(id);
        }
        return unseen.Count > 0 ? unseen.First() : null;
    }

    const string StoredSql = """
        select id from message
        where lane = @lane and tenant_id = any(@tenants) and id = any(@ids)
        """;

    /// <summary>Ids are made once, so a message that is there is this request's.</summary>
    protected override async Task RecheckAsync(NpgsqlConnection connection, short lane, List<AcceptWrite> group)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(StoredSql).With("lane", lane)
            .WithAll("tenants", NpgsqlDbType.Uuid, [.. group.Select(write => write.Acceptance.Tenant.Value).Distinct()])
            .WithAll("ids", NpgsqlDbType.Uuid, [.. group.Select(write => write.Messages[0].Message.Id.Value)]);
        var stored = (await batch.ReadAllAsync(row => row.GetGuid(0))).ToHashSet();
        foreach (var write in group.Where(write => stored.Contains(write.Messages[0].Message.Id.Value)))
        {
            write.Answer(AcceptOutcome.Stored.Instance);
            Tell(write);
        }
    }

    /// <summary>A month without partitions: the clock went further than maintenance had.</summary>
    protected override async Task<bool> RepairAsync(Exception fault, List<AcceptWrite> group)
    {
        if (fault is not PostgresException { SqlState: PostgresErrorCodes.CheckViolation, ConstraintName: null })
            return false;
        var made = 0;
        foreach (var month in group.SelectMany(write => write.Messages).Select(one => Month.Of(one.Message.Id.CreatedAt)).Distinct())
            made += await partitions.EnsureAsync(month, month, CancellationToken.None);
        return made > 0;
    }
}
