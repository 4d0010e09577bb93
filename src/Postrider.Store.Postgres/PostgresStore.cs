using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Postrider.Engine;
using Postrider.Engine.Control;
using Postrider.Engine.Delivery.Shaping;
using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Engine.Moving;
using Postrider.Engine.Queue;
using Postrider.Engine.Reports;
using Postrider.Engine.Suppressions;
using Postrider.Engine.Tenants;
using Postrider.Mail.Addresses;
using Postrider.Store.Postgres.Connections;
using Postrider.Store.Postgres.Distribution;
using Postrider.Store.Postgres.Intake;
using Postrider.Store.Postgres.Messages;
using Postrider.Store.Postgres.Migrations;
using Postrider.Store.Postgres.Moving;
using Postrider.Store.Postgres.Nodes;
using Postrider.Store.Postgres.Queue;
using Postrider.Store.Postgres.Reports;
using Postrider.Store.Postgres.Suppressions;
using Postrider.Store.Postgres.Tenants;
using Postrider.Store.Postgres.Writing;

namespace Postrider.Store.Postgres;

/// <summary>
/// All of the engine's ports on PostgreSQL 15 or later, for one node or many. Writes of a kind that wait for a lane become one transaction
/// (<see cref="GroupWriter{T}"/>); reads use a pool and never wait for them.
/// </summary>
/// <remarks>
/// After a crash of a node the database holds every write whose task had completed, and the node's leases, which end by themselves. While
/// the database is away every call fails with <see cref="StoreUnavailableException"/>; the first one after it is back succeeds.
/// </remarks>
public sealed class PostgresStore : IStore, INodeStore, IListWalks
{
    readonly Database _database;
    readonly PostgresStoreOptions _options;
    readonly Partitions _partitions;
    readonly Retention _retention;
    readonly TimeProvider _time;
    readonly IdGenerator _ids;
    readonly ContentMemory _contents;
    readonly AcceptWriter _accepts;
    readonly ClaimWriter _claims;
    readonly StepWriter _steps;
    readonly SettleWriter _settlements;
    readonly ControlWriter _controls;
    readonly Recount _recount;
    readonly ClockChange _clockChange;
    readonly TableUpkeep _upkeep;
    bool _disposed;

    PostgresStore(PostgresStoreOptions options, Database database, TimeProvider time, IdGenerator ids, ILogger log)
    {
        (_options, _database, _time, _ids) = (options, database, time, ids);
        _partitions = new Partitions(database, log);
        _retention = new Retention(database, _partitions, options, log);
        _contents = new ContentMemory(options.ContentMemory, time);
        _accepts = new AcceptWriter(database, _partitions, options, _contents, Tell, time, log);
        _claims = new ClaimWriter(database, options, ids, log);
        _steps = new StepWriter(database, options, Tell, log);
        _recount = new Recount(database, log);
        _settlements = new SettleWriter(database, _recount, options, Tell, log);
        _controls = new ControlWriter(database, _recount, options, Tell, log);
        _clockChange = new ClockChange(database);
        _upkeep = new TableUpkeep(database, time, log);
        Distribution = new CitusDistribution(database);
        Movable = new MovableStore(database, _partitions, (now, cancel) => ReleaseExpiredAsync(now, alsoOf: _ => true, cancel));
    }

    /// <summary>For a copy to or from another store; see <see cref="PostgresStoreOptions.Alone"/>.</summary>
    public IMovableStore Movable { get; }

    /// <summary>For a cluster of several machines.</summary>
    public CitusDistribution Distribution { get; }

    /// <summary>
    /// Told of what waits, once it is on disk: messages accepted here and put back here. Must not wait; <see cref="PostgresWakeups"/>
    /// passes it on.
    /// </summary>
    public event Action<Backlog>? Waiting;

    /// <summary>Statements that group writes have sent so far: over the messages of the same time, what one costs.</summary>
    public long StatementsSent => _database.Statements;

    /// <summary>For tests that need to get at the connections.</summary>
    internal Database Database => _database;

    /// <summary>Brings the schema of the database up to date and makes the partitions of the months to come.</summary>
    /// <exception cref="StoreUnavailableException">
    /// It cannot be reached or used, holds no store and none may be made, a newer Postrider made it, or a copy into it is not finished.
    /// </exception>
    public static async Task<PostgresStore> OpenAsync(
        PostgresStoreOptions options, TimeProvider time, IdGenerator ids, ILogger? log, CancellationToken cancel)
    {
        log ??= NullLogger.Instance;
        var database = new Database(options, log);
        try
        {
            if (options.Alone)
                await Sessions.CheckAloneAsync(database, cancel);
            var schema = await Migrator.MigrateAsync(database, options.MayCreate, time.GetUtcNow(), cancel);
            if (await database.ReadAsync(Citus.IsInstalledAsync, cancel))
                await database.PlanEachStatementAsync();
            if (!options.MayBeUnfinished && await database.ReadAsync(MovableStore.FindUnfinishedAsync, cancel) is var (installation, since))
                throw TargetState.Unfinished(installation, since);
            var (version, name) = await database.ReadAsync(
                connection => Task.FromResult((connection.PostgreSqlVersion.ToString(), connection.Database)), cancel);
            log.Opened(version, name, schema);
            var store = new PostgresStore(options, database, time, ids, log);
            await store.PreparePartitionsAsync(cancel);
            store._upkeep.Start();
            database.IsOpen = true;
            return store;
        }
        catch (Exception e)
        {
            await database.DisposeAsync();
            // As a wrong password, or a role that may not make tables.
            if (e is PostgresException)
                throw new StoreUnavailableException($"The database cannot be used: {e.Message}", e);
            throw;
        }
    }

    public Task<AcceptOutcome> AcceptAsync(Acceptance acceptance, CancellationToken cancel) => _accepts.AcceptAsync(acceptance, cancel);

    public async Task<ClaimResult> ClaimAsync(Claim claim, CancellationToken cancel)
    {
        var result = await _claims.ClaimAsync(claim, cancel);
        await RecallBodiesAsync(claim.Backlog.Tenant, result.Messages);
        return result;
    }

    /// <summary>
    /// Bodies that this node does not remember are about to be asked for, one by one: one statement for all of them. A fault is left to
    /// those.
    /// </summary>
    async Task RecallBodiesAsync(TenantId tenant, IReadOnlyList<LeasedMessage> claimed)
    {
        var uses = claimed
            .Where(leased => leased.Message.Body is { } body && !_contents.Has(tenant, body))
            .CountBy(leased => leased.Message.Body!.Value)
            .ToDictionary();
        if (uses.Count < 2 || !_contents.HasRoom)
            return;
        try
        {
            var found = await _database.ReadAsync(
                connection => ContentRows.ReadSmallAsync(connection, tenant, uses.Keys, ContentMemory.MostOctets), CancellationToken.None);
            foreach (var (hash, octets) in found)
                _contents.Keep(tenant, hash, octets, uses[hash]);
        }
        catch (Exception)
        {
            // Not one of them, be it damaged, is worth losing the claim for: whoever composes it reads it again, and tells.
        }
    }

    public Task<IReadOnlyList<LeasedMessage>> ClaimExpiredAsync(ClaimExpired claim, CancellationToken cancel) =>
        _claims.ClaimExpiredAsync(claim, cancel);

    public Task<bool> MarkRenderedAsync(LeaseKey lease, CancellationToken cancel) =>
        _steps.StepAsync(lease, Phase.Rendered, default, cancel);

    public Task<bool> MarkSendingAsync(LeaseKey lease, CancellationToken cancel) =>
        _steps.StepAsync(lease, Phase.Sending, default, cancel);

    public Task<bool> SettleAsync(Settlement settlement, CancellationToken cancel) => _settlements.SettleAsync(settlement, cancel);

    public Task<bool> ReturnAsync(LeaseKey lease, DateTimeOffset dueAt, CancellationToken cancel) =>
        _steps.StepAsync(lease, Phase.Waiting, dueAt, cancel);

    public Task<ControlResult> ChangeAsync(ControlWrite write, CancellationToken cancel) => _controls.ChangeAsync(write, cancel);

    public Task<bool> NoteLateAsync(LeaseKey lease, MessageEvent late, CancellationToken cancel) =>
        _database.WriteAsync(connection => LateAnswers.NoteAsync(connection, lease, late), cancel);

    public Task<ReportResult> RecordAsync(TenantId tenant, RecipientReport report, DateTimeOffset at, CancellationToken cancel) =>
        _recount.WriteAsync(tenant, report.Message, connection => ReportTable.RecordAsync(connection, tenant, report, at), cancel);

    public async Task RenewAsync(NodeId owner, DateTimeOffset until, CancellationToken cancel)
    {
        await _claims.GiveBackAllLostAsync(cancel);
        // No transaction around it: each lane has its own.
        await _database.WriteRepeatablyAsync(connection => LeaseRelease.RenewAsync(connection, owner, until, _options.ReadTimeout), cancel);
    }

    public async Task<IReadOnlyList<Backlog>> ReleaseExpiredAsync(DateTimeOffset now, Func<NodeId, bool>? alsoOf, CancellationToken cancel)
    {
        await _claims.GiveBackAllLostAsync(cancel);
        var expired = await _database.ReadAsync(connection => LeaseRelease.FindAsync(connection, now, alsoOf), cancel);
        var backlogs = new HashSet<BacklogKey>();
        foreach (var leases in expired.GroupBy(lease => (lease.Lane, lease.OwnerIsDead)))
            backlogs.UnionWith(await _database.WriteAsync(c => LeaseRelease.ReleaseAsync(c, leases.Key, leases, now, _ids), cancel));
        var waiting = backlogs.Select(key => new Backlog(key, now)).ToArray();
        Array.ForEach(waiting, Tell);
        return waiting;
    }

    public Task SetBackAsync(ClockSetBack clock, CancellationToken cancel) =>
        _clockChange.SetBackAsync(clock, cancel);

    /// <remarks>The order of keys is that of (lane, tenant, domain).</remarks>
    public Task<IReadOnlyList<Backlog>> BacklogsAsync(BacklogKey? after, int limit, CancellationToken cancel) =>
        _database.ReadAsync<IReadOnlyList<Backlog>>(async connection => await Backlogs.ReadAsync(connection, after, limit), cancel);

    public Task<IReadOnlyList<BacklogView>> DescribeBacklogsAsync(BacklogKey? after, int limit, CancellationToken cancel) =>
        _database.ReadAsync<IReadOnlyList<BacklogView>>(async connection => await Backlogs.DescribeAsync(connection, after, limit), cancel);

    public Task<QueueSummary> SummaryAsync(DateTimeOffset now, CancellationToken cancel) =>
        _database.ReadAsync(connection => Backlogs.SummarizeAsync(connection, now), cancel);

    public Task PublishAsync(NodeReport report, DateTimeOffset forgetBefore, CancellationToken cancel) =>
        _database.WriteAsync(connection => DestinationReports.PublishAsync(connection, report, forgetBefore), cancel);

    public Task WithdrawAsync(NodeId node, CancellationToken cancel) =>
        _database.WriteAsync(connection => DestinationReports.WithdrawAsync(connection, node), cancel);

    public Task<IReadOnlyList<NodeReport>> ReportsAsync(DateTimeOffset since, CancellationToken cancel) =>
        _database.ReadAsync<IReadOnlyList<NodeReport>>(async connection => await DestinationReports.ReadAsync(connection, since), cancel);

    public Task<MessageView?> FindAsync(TenantId tenant, MessageId id, CancellationToken cancel) =>
        _database.ReadAsync(connection => MessageReads.FindAsync(connection, tenant, id), cancel);

    public Task<MessagePage> ListAsync(TenantId tenant, MessageFilter filter, PageRequest page, CancellationToken cancel) =>
        _database.ReadAsync(connection => MessageLists.ListAsync(connection, tenant, filter, page), cancel);

    public Task<TenantId?> FindTenantOfAsync(MessageId id, CancellationToken cancel) =>
        _database.ReadAsync(connection => MessageReads.FindTenantOfAsync(connection, id), cancel);

    public Task<ReadOnlyMemory<byte>?> ReadAsync(TenantId tenant, ContentHash hash, CancellationToken cancel) =>
        _contents.TryUse(tenant, hash, out var octets)
            ? Task.FromResult(octets) : _database.ReadAsync(connection => ContentRows.ReadAllAsync(connection, tenant, hash), cancel);

    public Stream Open(TenantId tenant, ContentHash hash) => new ContentStream(
        hash,
        (chunk, cancel) => _database.ReadAsync(connection => ContentRows.ReadChunkAsync(connection, tenant, hash, chunk), cancel));

    public async ValueTask<MessageId?> EndOfAsync(ListWalk walk, int page, DateTimeOffset servedAfter, CancellationToken cancel) =>
        await _database.ReadAsync(connection => ListWalkTable.EndOfAsync(connection, walk, page, servedAfter), cancel);

    public async ValueTask RememberAsync(ListWalk walk, int page, MessageId last, DateTimeOffset now, CancellationToken cancel) =>
        await _database.WriteAsync(connection => ListWalkTable.RememberAsync(connection, walk, page, last, now), cancel);

    public Task CreateAsync(TenantId tenant, BatchId batch, CancellationToken cancel) =>
        _database.WriteAsync(connection => BatchTable.CreateAsync(connection, tenant, batch), cancel);

    public Task<BatchView?> FindAsync(TenantId tenant, BatchId batch, CancellationToken cancel) =>
        _database.ReadAsync(connection => BatchTable.FindAsync(connection, tenant, batch), cancel);

    public Task<bool> OrderAsync(BatchOrder order, CancellationToken cancel) =>
        _database.WriteAsync(connection => BatchOrders.OrderAsync(connection, order), cancel);

    public Task<IReadOnlyList<BatchKey>> PendingOrdersAsync(DateTimeOffset now, int limit, CancellationToken cancel) =>
        _database.ReadAsync<IReadOnlyList<BatchKey>>(async connection => await BatchOrders.PendingAsync(connection, now, limit), cancel);

    public async Task<BatchPageResult> RunPageAsync(BatchPage page, CancellationToken cancel)
    {
        var result = await _recount.WriteAsync(page.Batch, connection => BatchOrders.RunPageAsync(connection, page, _ids), cancel);
        foreach (var backlog in result.Waiting)
            Tell(backlog);
        return result;
    }

    public Task<IReadOnlyList<BatchView>> HeldBatchesAsync(TenantId tenant, int limit, CancellationToken cancel) =>
        _database.ReadAsync<IReadOnlyList<BatchView>>(async connection => await BatchTable.HeldAsync(connection, tenant, limit), cancel);

    public Task<bool> AddTenantAsync(Tenant tenant, CancellationToken cancel) =>
        _database.WriteAsync(connection => TenantTable.AddAsync(connection, tenant), cancel);

    public Task<Tenant?> FindTenantAsync(string name, CancellationToken cancel) =>
        _database.ReadAsync(connection => TenantTable.FindAsync(connection, name), cancel);

    public Task<Tenant?> FindTenantAsync(TenantId id, CancellationToken cancel) =>
        _database.ReadAsync(connection => TenantTable.FindAsync(connection, id), cancel);

    public Task AddKeyAsync(ApiKey key, CancellationToken cancel) =>
        _database.WriteAsync(connection => ApiKeyTable.AddAsync(connection, key), cancel);

    public Task<(ApiKey Key, Tenant Tenant)?> FindKeyAsync(ContentHash hash, CancellationToken cancel) =>
        _database.ReadAsync(connection => ApiKeyTable.FindAsync(connection, hash), cancel);

    public Task TouchKeysAsync(IReadOnlyCollection<ApiKeyId> keys, DateTimeOffset at, CancellationToken cancel) =>
        _database.WriteAsync(connection => ApiKeyTable.TouchAsync(connection, keys, at), cancel);

    public Task<bool> AddDomainAsync(SendingDomain domain, CancellationToken cancel) =>
        _database.WriteAsync(connection => DomainTable.AddAsync(connection, domain), cancel);

    public Task<SendingDomain?> FindDomainAsync(TenantId tenant, Domain domain, CancellationToken cancel) =>
        _database.ReadAsync(connection => DomainTable.FindAsync(connection, tenant, domain), cancel);

    public Task<IReadOnlyList<SendingDomain>> DomainsAsync(Domain domain, CancellationToken cancel) =>
        _database.ReadAsync<IReadOnlyList<SendingDomain>>(async connection => await DomainTable.AllAsync(connection, domain), cancel);

    public Task<SendingDomain?> FindAnyDomainAsync(CancellationToken cancel) => _database.ReadAsync(DomainTable.AnyAsync, cancel);

    public Task SetVerifiedAsync(DomainId domain, DateTimeOffset? at, CancellationToken cancel) =>
        _database.WriteAsync(connection => DomainTable.SetVerifiedAsync(connection, domain, at), cancel);

    public Task<bool> AddNextKeyAsync(DomainId domain, NextDkimKey key, CancellationToken cancel) =>
        _database.WriteAsync(connection => DomainTable.AddNextAsync(connection, domain, key), cancel);

    public Task<bool> TakeNextKeyAsync(DomainId domain, string selector, CancellationToken cancel) =>
        _database.WriteAsync(connection => DomainTable.TakeNextAsync(connection, domain, selector), cancel);

    public Task<IReadOnlyList<Suppression>> FindBlockingAsync(
        TenantId tenant, IReadOnlyCollection<string> addressKeys, CancellationToken cancel) =>
        _database.ReadAsync<IReadOnlyList<Suppression>>(
            async connection => await SuppressionTable.FindBlockingAsync(connection, tenant, addressKeys), cancel);

    public Task AddAsync(TenantId tenant, IReadOnlyList<Suppression> rows, CancellationToken cancel) =>
        _database.WriteAsync(connection => SuppressionTable.AddAsync(connection, tenant, rows), cancel);

    public Task<int> RemoveAsync(
        TenantId tenant, SuppressionScope scope, IReadOnlyCollection<string> addressKeys, CancellationToken cancel) =>
        _database.WriteAsync(connection => SuppressionTable.RemoveAsync(connection, tenant, scope, addressKeys), cancel);

    public Task ClearAsync(TenantId tenant, SuppressionScope scope, CancellationToken cancel) =>
        SuppressionTable.ClearAsync(_database, tenant, scope, cancel);

    public Task<SuppressionPage> ListAsync(
        TenantId tenant, SuppressionFilter filter, int offset, int limit, CancellationToken cancel) =>
        _database.ReadAsync(connection => SuppressionLists.ListAsync(connection, tenant, filter, offset, limit), cancel);

    public Task<UnsubscribeGroup?> AddGroupAsync(TenantId tenant, UnsubscribeGroup group, DateTimeOffset now, CancellationToken cancel) =>
        GroupTable.AddAsync(_database, tenant, group, now, cancel);

    public async Task<UnsubscribeGroup?> FindGroupAsync(TenantId tenant, int id, CancellationToken cancel) =>
        await _database.ReadAsync(connection => GroupTable.ReadAsync(connection, tenant, id), cancel) is [var group] ? group : null;

    public Task<IReadOnlyList<UnsubscribeGroup>> GroupsAsync(TenantId tenant, CancellationToken cancel) =>
        _database.ReadAsync<IReadOnlyList<UnsubscribeGroup>>(
            async connection => await GroupTable.ReadAsync(connection, tenant, null), cancel);

    public Task<bool> ChangeGroupAsync(TenantId tenant, UnsubscribeGroup group, CancellationToken cancel) =>
        GroupTable.ChangeAsync(_database, tenant, group, cancel);

    public async Task<bool> RemoveGroupAsync(TenantId tenant, int id, DateTimeOffset now, CancellationToken cancel)
    {
        if (await _database.WriteAsync(connection => GroupTable.RemoveAsync(connection, tenant, id, now), cancel) == 0)
            return false;
        await ClearAsync(tenant, new SuppressionScope(SuppressionList.GroupUnsubscribes, id), cancel);
        return true;
    }

    public Task<NodeCensus> BeatAsync(Node node, DateTimeOffset now, DateTimeOffset deadBefore, CancellationToken cancel) =>
        _database.WriteAsync(connection => NodeTable.BeatAsync(connection, node, now, deadBefore), cancel);

    public Task LeaveAsync(NodeId node, CancellationToken cancel) =>
        _database.WriteAsync(connection => NodeTable.LeaveAsync(connection, node), cancel);

    /// <remarks>Also makes the partitions of the months to come, and drops those past their retention.</remarks>
    public async Task PurgeAsync(DateTimeOffset now, CancellationToken cancel)
    {
        await Maintenance.PurgeAsync(_database, now, cancel);
        await PreparePartitionsAsync(cancel);
        await _retention.RunAsync(now, cancel);
    }

    /// <summary>The month just past too: ids made before midnight are still on their way.</summary>
    public Task<int> PreparePartitionsAsync(CancellationToken cancel)
    {
        var now = _time.GetUtcNow();
        return _partitions.EnsureAsync(Month.Of(now.AddDays(-1)), Month.Of(now.AddMonths(_options.MonthsAhead)), cancel);
    }

    public async Task CheckAsync(TimeSpan within, CancellationToken cancel)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        await _database.ReadAsync(Maintenance.CheckReadAsync, cancel).WaitAsync(within, _time, cancel);
        await _database.WriteAsync(c => Maintenance.CheckWriteAsync(c, _time.GetUtcNow()), cancel).WaitAsync(within, _time, cancel);
    }

    /// <summary>Writes that wait are finished first.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true))
            return;
        await _upkeep.DisposeAsync();
        await _accepts.DisposeAsync();
        await _claims.DisposeAsync();
        await _steps.DisposeAsync();
        await _settlements.DisposeAsync();
        await _controls.DisposeAsync();
        await _database.DisposeAsync();
    }

    void Tell(Backlog backlog) => Waiting?.Invoke(backlog);
}
