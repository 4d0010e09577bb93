using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
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
using Postrider.Store.Sqlite.Connections;
using Postrider.Store.Sqlite.Intake;
using Postrider.Store.Sqlite.Messages;
using Postrider.Store.Sqlite.Migrations;
using Postrider.Store.Sqlite.Moving;
using Postrider.Store.Sqlite.Queue;
using Postrider.Store.Sqlite.Reports;
using Postrider.Store.Sqlite.Search;
using Postrider.Store.Sqlite.Suppressions;
using Postrider.Store.Sqlite.Tenants;
using Postrider.Store.Sqlite.Writing;
using SQLitePCL;

namespace Postrider.Store.Sqlite;

/// <summary>
/// All of the engine's ports on one SQLite file in WAL mode: one writer that commits what waits as one transaction (<see cref="Writer"/>),
/// and several readers that see the last commit and never wait for it.
/// </summary>
/// <remarks>
/// After a crash the file holds every write whose task had completed. Leases of the dead process are still there:
/// as only one process may serve a file (<see cref="SqliteStoreOptions.ServeLock"/>), the new one may treat all others' as dead.
/// </remarks>
public sealed class SqliteStore : IStore
{
    static readonly TimeSpan RefusalRemembered = TimeSpan.FromSeconds(10);

    readonly TimeProvider _time;
    readonly ServeLock? _lock;
    readonly Writer _writer;
    readonly Checkpointer? _checkpointer;
    readonly ReaderPool _readers;
    readonly IntakeWrites _intake;
    readonly Claims _claims;
    readonly SubjectIndexer? _subjects;
    bool _disposed;

    SqliteStore(SqliteStoreOptions options, Connection connection, ServeLock? serveLock, TimeProvider time, IdGenerator ids, ILogger log)
    {
        (_time, _lock) = (time, serveLock);
        _checkpointer = options.ServeLock ? new Checkpointer(options, log) : null;
        _writer = new Writer(options, connection, _checkpointer, ids, log);
        _readers = new ReaderPool(options.Path, options.Readers, options.BusyTimeout);
        _intake = new IntakeWrites(_writer, _readers);
        _claims = new Claims(_writer, _readers);
        Movable = new MovableStore(options, _writer, _readers);
        _subjects = options.ServeLock ? new SubjectIndexer(_writer, _readers, time, log) : null;
    }

    /// <summary>For a copy to or from another store; the serve lock shall be held.</summary>
    public IMovableStore Movable { get; }

    /// <summary>For tests that need to get at the connection.</summary>
    internal Writer Writer => _writer;

    internal ReaderPool Readers => _readers;

    /// <summary>Null where another process, the server, sees to it.</summary>
    internal SubjectIndexer? Subjects => _subjects;

    /// <summary>Opens the database, makes it when there is none, and brings its schema up to date.</summary>
    /// <exception cref="StoreUnavailableException">It cannot be opened, another server has it, or a newer Postrider made it.</exception>
    public static Task<SqliteStore> OpenAsync(
        SqliteStoreOptions options, TimeProvider time, IdGenerator ids, ILogger? log, CancellationToken cancel) =>
        Task.Run(() => Open(options, time, ids, log ?? NullLogger.Instance), cancel);

    static SqliteStore Open(SqliteStoreOptions options, TimeProvider time, IdGenerator ids, ILogger log)
    {
        ServeLock? serveLock = null;
        Connection? connection = null;
        try
        {
            if (Path.GetDirectoryName(Path.GetFullPath(options.Path)) is { } folder)
                Directory.CreateDirectory(folder);
            serveLock = options.ServeLock ? ServeLock.Take(options.Path) : null;
            connection = Writing.Writer.Connect(options, make: true);
            var schema = Migrator.Migrate(connection, time.GetUtcNow());
            if (!options.MayBeUnfinished && MovableStore.FindUnfinished(connection) is var (installation, since))
                throw TargetState.Unfinished(installation, since);
            log.Opened(options.Path, raw.sqlite3_libversion().utf8_to_string(), schema);
            return new SqliteStore(options, connection, serveLock, time, ids, log);
        }
        catch (Exception e)
        {
            connection?.Dispose();
            serveLock?.Dispose();
            if (e is SqliteFault or IOException or UnauthorizedAccessException)
                throw new StoreUnavailableException($"The database {options.Path} cannot be opened: {e.Message}", e);
            throw;
        }
    }

    public Task<AcceptOutcome> AcceptAsync(Acceptance acceptance, CancellationToken cancel) => _intake.AcceptAsync(acceptance, cancel);

    public Task<ClaimResult> ClaimAsync(Claim claim, CancellationToken cancel) => _claims.ClaimAsync(claim, cancel);

    public Task<IReadOnlyList<LeasedMessage>> ClaimExpiredAsync(ClaimExpired claim, CancellationToken cancel) =>
        _claims.ClaimExpiredAsync(claim, cancel);

    public Task<bool> MarkRenderedAsync(LeaseKey lease, CancellationToken cancel) =>
        _writer.RunAsync(session => Leases.Advance(session, lease, Phase.Rendered), cancel);

    public Task<bool> MarkSendingAsync(LeaseKey lease, CancellationToken cancel) =>
        _writer.RunAsync(session => Leases.Advance(session, lease, Phase.Sending), cancel);

    public Task<bool> SettleAsync(Settlement settlement, CancellationToken cancel)
    {
        settlement.Check();
        EncodedEvent[] events = [.. settlement.Events.Select(EncodedEvent.From)];
        return _writer.RunAsync(session => Settlements.Settle(session, settlement, events), cancel);
    }

    public Task<bool> ReturnAsync(LeaseKey lease, DateTimeOffset dueAt, CancellationToken cancel) =>
        _writer.RunAsync(session => Leases.Return(session, lease, dueAt), cancel);

    public Task<ControlResult> ChangeAsync(ControlWrite write, CancellationToken cancel)
    {
        var audit = EncodedEvent.From(write.AuditEvent);
        return _writer.RunAsync(session => Controls.Change(session, write, audit), cancel);
    }

    public Task<bool> NoteLateAsync(LeaseKey lease, MessageEvent late, CancellationToken cancel)
    {
        var encoded = EncodedEvent.From(late);
        return _writer.RunAsync(session => Controls.NoteLate(session, lease, encoded), cancel);
    }

    public Task<ReportResult> RecordAsync(TenantId tenant, RecipientReport report, DateTimeOffset at, CancellationToken cancel) =>
        _writer.RunAsync(session => ReportTable.Record(session, tenant, report, at), cancel);

    public Task RenewAsync(NodeId owner, DateTimeOffset until, CancellationToken cancel) =>
        _writer.RunAsync(session => Leases.Renew(session, owner, until), cancel);

    public Task<IReadOnlyList<Backlog>> ReleaseExpiredAsync(DateTimeOffset now, Func<NodeId, bool>? alsoOf, CancellationToken cancel) =>
        _writer.RunAsync(session => LeaseRelease.Release(session, now, alsoOf), cancel);

    public Task SetBackAsync(ClockSetBack clock, CancellationToken cancel) =>
        _writer.RunAsync(session => ClockChange.SetBack(session, clock), cancel);

    public Task<IReadOnlyList<Backlog>> BacklogsAsync(BacklogKey? after, int limit, CancellationToken cancel) =>
        _readers.ReadAsync<IReadOnlyList<Backlog>>(db => Backlogs.Read(db, after, limit), cancel);

    public Task<IReadOnlyList<BacklogView>> DescribeBacklogsAsync(BacklogKey? after, int limit, CancellationToken cancel) =>
        _readers.ReadAsync<IReadOnlyList<BacklogView>>(db => Backlogs.Describe(db, after, limit), cancel);

    public Task<QueueSummary> SummaryAsync(DateTimeOffset now, CancellationToken cancel) =>
        _readers.ReadAsync(db => Backlogs.Summarize(db, now), cancel);

    public Task PublishAsync(NodeReport report, DateTimeOffset forgetBefore, CancellationToken cancel)
    {
        var destinations = report.Encode();     // not on the writer's time
        return _writer.RunAsync(session => DestinationReports.Publish(session, report, destinations, forgetBefore), cancel);
    }

    public Task WithdrawAsync(NodeId node, CancellationToken cancel) =>
        _writer.RunAsync(session => DestinationReports.Withdraw(session, node), cancel);

    public Task<IReadOnlyList<NodeReport>> ReportsAsync(DateTimeOffset since, CancellationToken cancel) =>
        _readers.ReadAsync<IReadOnlyList<NodeReport>>(db => DestinationReports.Read(db, since), cancel);

    public Task<MessageView?> FindAsync(TenantId tenant, MessageId id, CancellationToken cancel) =>
        _readers.ReadAsync(db => MessageReads.Find(db, tenant, id), cancel);

    public Task<MessagePage> ListAsync(TenantId tenant, MessageFilter filter, PageRequest page, CancellationToken cancel) =>
        _readers.ReadAsync(db => MessageLists.List(db, tenant, filter, page), cancel);

    public Task<TenantId?> FindTenantOfAsync(MessageId id, CancellationToken cancel) =>
        _readers.ReadAsync(db => MessageReads.FindTenantOf(db, id), cancel);

    public Task<ReadOnlyMemory<byte>?> ReadAsync(TenantId tenant, ContentHash hash, CancellationToken cancel) =>
        _readers.ReadAsync(db => ContentRows.ReadAll(db, tenant, hash), cancel);

    public Stream Open(TenantId tenant, ContentHash hash) => new ContentStream(
        hash,
        (chunk, cancel) => _readers.ReadAsync(db => ContentRows.ReadChunk(db, tenant, hash, chunk), cancel));

    public Task CreateAsync(TenantId tenant, BatchId batch, CancellationToken cancel) =>
        _writer.RunAsync(session => BatchTable.Create(session, tenant, batch), cancel);

    public Task<BatchView?> FindAsync(TenantId tenant, BatchId batch, CancellationToken cancel) =>
        _readers.ReadAsync(db => BatchTable.Find(db, tenant, batch), cancel);

    public Task<bool> OrderAsync(BatchOrder order, CancellationToken cancel) =>
        _writer.RunAsync(session => BatchOrders.Order(session, order), cancel);

    public Task<IReadOnlyList<BatchKey>> PendingOrdersAsync(DateTimeOffset now, int limit, CancellationToken cancel) =>
        _readers.ReadAsync<IReadOnlyList<BatchKey>>(db => BatchOrders.Pending(db, now, limit), cancel);

    public Task<BatchPageResult> RunPageAsync(BatchPage page, CancellationToken cancel) =>
        _writer.RunAsync(session => BatchOrders.RunPage(session, page), cancel);

    public Task<IReadOnlyList<BatchView>> HeldBatchesAsync(TenantId tenant, int limit, CancellationToken cancel) =>
        _readers.ReadAsync<IReadOnlyList<BatchView>>(db => BatchTable.Held(db, tenant, limit), cancel);

    public Task<bool> AddTenantAsync(Tenant tenant, CancellationToken cancel) =>
        _writer.RunAsync(session => TenantTable.Add(session, tenant), cancel);

    public Task<Tenant?> FindTenantAsync(string name, CancellationToken cancel) =>
        _readers.ReadAsync(db => TenantTable.Find(db, name), cancel);

    public Task<Tenant?> FindTenantAsync(TenantId id, CancellationToken cancel) =>
        _readers.ReadAsync(db => TenantTable.Find(db, id), cancel);

    public Task AddKeyAsync(ApiKey key, CancellationToken cancel) =>
        _writer.RunAsync(session => ApiKeyTable.Add(session, key), cancel);

    public Task<(ApiKey Key, Tenant Tenant)?> FindKeyAsync(ContentHash hash, CancellationToken cancel) =>
        _readers.ReadAsync(db => ApiKeyTable.Find(db, hash), cancel);

    public Task TouchKeysAsync(IReadOnlyCollection<ApiKeyId> keys, DateTimeOffset at, CancellationToken cancel) =>
        _writer.RunAsync(session => ApiKeyTable.Touch(session, keys, at), cancel);

    public Task<bool> AddDomainAsync(SendingDomain domain, CancellationToken cancel) =>
        _writer.RunAsync(session => DomainTable.Add(session, domain), cancel);

    public Task<SendingDomain?> FindDomainAsync(TenantId tenant, Domain domain, CancellationToken cancel) =>
        _readers.ReadAsync(db => DomainTable.Find(db, tenant, domain), cancel);

    public Task<IReadOnlyList<SendingDomain>> DomainsAsync(Domain domain, CancellationToken cancel) =>
        _readers.ReadAsync<IReadOnlyList<SendingDomain>>(db => DomainTable.All(db, domain), cancel);

    public Task<SendingDomain?> FindAnyDomainAsync(CancellationToken cancel) => _readers.ReadAsync(DomainTable.Any, cancel);

    public Task SetVerifiedAsync(DomainId domain, DateTimeOffset? at, CancellationToken cancel) =>
        _writer.RunAsync(session => DomainTable.SetVerified(session, domain, at), cancel);

    public Task<bool> AddNextKeyAsync(DomainId domain, NextDkimKey key, CancellationToken cancel) =>
        _writer.RunAsync(session => DomainTable.AddNext(session, domain, key), cancel);

    public Task<bool> TakeNextKeyAsync(DomainId domain, string selector, CancellationToken cancel) =>
        _writer.RunAsync(session => DomainTable.TakeNext(session, domain, selector), cancel);

    public Task<IReadOnlyList<Suppression>> FindBlockingAsync(
        TenantId tenant, IReadOnlyCollection<string> addressKeys, CancellationToken cancel) =>
        _readers.ReadAsync<IReadOnlyList<Suppression>>(db => SuppressionTable.FindBlocking(db, tenant, addressKeys), cancel);

    public Task AddAsync(TenantId tenant, IReadOnlyList<Suppression> rows, CancellationToken cancel) =>
        _writer.RunAsync(session => SuppressionTable.AddAll(session, tenant, rows), cancel);

    public Task<int> RemoveAsync(
        TenantId tenant, SuppressionScope scope, IReadOnlyCollection<string> addressKeys, CancellationToken cancel) =>
        _writer.RunAsync(session => SuppressionTable.Remove(session, tenant, scope, addressKeys), cancel);

    public Task ClearAsync(TenantId tenant, SuppressionScope scope, CancellationToken cancel) =>
        SuppressionTable.ClearAsync(_writer, tenant, scope, cancel);

    public Task<SuppressionPage> ListAsync(
        TenantId tenant, SuppressionFilter filter, int offset, int limit, CancellationToken cancel) =>
        _readers.ReadAsync(db => SuppressionLists.List(db, tenant, filter, offset, limit), cancel);

    public Task<UnsubscribeGroup?> AddGroupAsync(TenantId tenant, UnsubscribeGroup group, DateTimeOffset now, CancellationToken cancel) =>
        _writer.RunAsync(session => GroupTable.Add(session, tenant, group, now), cancel);

    public Task<UnsubscribeGroup?> FindGroupAsync(TenantId tenant, int id, CancellationToken cancel) =>
        _readers.ReadAsync(db => GroupTable.Find(db, tenant, id), cancel);

    public Task<IReadOnlyList<UnsubscribeGroup>> GroupsAsync(TenantId tenant, CancellationToken cancel) =>
        _readers.ReadAsync<IReadOnlyList<UnsubscribeGroup>>(db => GroupTable.All(db, tenant), cancel);

    public Task<bool> ChangeGroupAsync(TenantId tenant, UnsubscribeGroup group, CancellationToken cancel) =>
        _writer.RunAsync(session => GroupTable.Change(session, tenant, group), cancel);

    public async Task<bool> RemoveGroupAsync(TenantId tenant, int id, DateTimeOffset now, CancellationToken cancel)
    {
        if (!await _writer.RunAsync(session => GroupTable.Remove(session, tenant, id, now), cancel))
            return false;
        await ClearAsync(tenant, new SuppressionScope(SuppressionList.GroupUnsubscribes, id), cancel);
        return true;
    }

    public Task PurgeAsync(DateTimeOffset now, CancellationToken cancel) => Maintenance.PurgeAsync(_writer, now, cancel);

    /// <exception cref="StoreUnavailableException">
    /// It failed, or a write did lately: on a full disk small writes may still find room.
    /// </exception>
    public async Task CheckAsync(TimeSpan within, CancellationToken cancel)
    {
        if (_writer.SinceRefusal < RefusalRemembered)
            throw new StoreUnavailableException("Writes were refused a moment ago.");
        await _readers.ReadAsync(Maintenance.CheckRead, cancel).WaitAsync(within, _time, cancel);
        await _writer.RunAsync(session => Maintenance.CheckWrite(session, _time.GetUtcNow()), cancel).WaitAsync(within, _time, cancel);
    }

    /// <summary>Writes that wait are finished first.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true))
            return;
        if (_subjects is not null)
            await _subjects.DisposeAsync();
        await _writer.DrainAsync();
        _readers.Dispose();
        _writer.Dispose();
        if (_checkpointer is not null)
            await _checkpointer.DisposeAsync();
        _lock?.Dispose();
    }
}
