using System.Text;
using Postrider.Engine.Messages;
using Postrider.Engine.Moving;
using Postrider.Store.Conformance.Postgres;
using Postrider.Store.Conformance.Sqlite;
using Postrider.Store.Postgres;
using Postrider.Store.Sqlite;
using Postrider.Testing;

namespace Postrider.Store.Conformance.Moving;

public sealed class StoreCopyTests : IAsyncLifetime
{
    /// <summary>So that each table takes several transactions.</summary>
    static readonly PageLimits Small = new(Rows: 7, Octets: 300_000);

    /// <summary>Without a server's timers, which a clock that is moved by months would have to fire one by one.</summary>
    readonly SqliteFixture _sqlite = new() { Serves = false };
    readonly PostgresFixture _postgres = new();
    readonly List<string> _told = [];

    public async ValueTask InitializeAsync()
    {
        await _sqlite.OpenAsync();
        await _postgres.OpenAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _sqlite.DisposeAsync();
        await _postgres.DisposeAsync();
    }

    [Theory]
    [InlineData(2_000)]
    [InlineData(7)]
    [InlineData(1)]
    public async Task What_is_copied_to_postgres_reads_as_it_did(int rows)
    {
        var installation = await Installation.FillAsync(_sqlite);
        await _sqlite.Sqlite.Movable.ReleaseLeasesAsync(_sqlite.Now, CancellationToken.None);
        var before = await installation.DescribeAsync(_sqlite);

        AssertEqual(await CopyAsync(_sqlite.Sqlite.Movable, _postgres.Postgres.Movable, Small with { Rows = rows }));

        Assert.Equal(Text.Unicode(before), await installation.DescribeAsync(_postgres));
        Assert.Contains(_told, line => line == "message: 29 rows copied");
    }

    [Fact]
    public async Task What_is_copied_from_postgres_reads_as_it_did_and_is_found_by_subject()
    {
        var installation = await Installation.FillAsync(_postgres);
        await _postgres.Postgres.Movable.ReleaseLeasesAsync(_postgres.Now, CancellationToken.None);
        var before = await installation.DescribeAsync(_postgres);

        AssertEqual(await CopyAsync(_postgres.Postgres.Movable, _sqlite.Sqlite.Movable, Small));
        Assert.Equal(before, await installation.DescribeAsync(_sqlite));
        await using var server = await OpenServerAsync();
        while (await server.Subjects!.StepAsync(atLeast: 1, CancellationToken.None))
        {
        }
        Assert.Equal(before, await installation.DescribeAsync(_sqlite));
    }

    [Fact]
    public async Task Leases_are_given_back_before_the_copy_and_what_was_being_sent_is_marked_uncertain()
    {
        var sample = await Sample.CreateAsync(_sqlite);
        var lease = await sample.SendingAsync();

        AssertEqual(await CopyAsync(_sqlite.Sqlite.Movable, _postgres.Postgres.Movable, Small));

        var view = await _postgres.Messages.FindAsync(sample.Tenant, lease.Message, CancellationToken.None);
        Assert.Equal((MessageStatus.Queued, true), (view!.Status, view.Events[^1].Data!.Uncertain));
        var claimed = await _postgres.Queue.ClaimAsync(
            new(sample.Backlog(), _sqlite.Now, 1, sample.Node, sample.Later), CancellationToken.None);
        Assert.Equal(lease.Message, Assert.Single(claimed.Messages).Message.Id);
        Assert.False(await _postgres.Queue.SettleAsync(sample.Delivered(lease), CancellationToken.None));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_copy_that_is_interrupted_at_every_write_goes_on_to_the_same_end(bool toPostgres)
    {
        StoreFixture from = toPostgres ? _sqlite : _postgres;
        var (source, target) = toPostgres
            ? (_sqlite.Sqlite.Movable, _postgres.Postgres.Movable) : (_postgres.Postgres.Movable, _sqlite.Sqlite.Movable);
        var installation = await Installation.FillAsync(from);
        await source.ReleaseLeasesAsync(from.Now, CancellationToken.None);
        var before = await installation.DescribeAsync(from);

        var interrupted = new Interrupted(target) { AtEveryWrite = true };
        CopyOutcome? outcome = null;
        while (outcome is null)
        {
            try
            {
                outcome = await CopyAsync(source, interrupted, Small);
            }
            catch (StoreUnavailableException)
            {
                Assert.InRange(interrupted.Times, 0, 400);
            }
        }

        AssertEqual(outcome);
        Assert.Equal(MovedTables.All.Select(table => table.Name), interrupted.Tables.Distinct());
        Assert.InRange(interrupted.Times, 40, 400);
        Assert.Equal(Text.Unicode(before), await installation.DescribeAsync(toPostgres ? _postgres : _sqlite));
        Assert.IsType<CopyOutcome.Refused>(await CopyAsync(source, target, Small));
    }

    [Fact]
    public async Task A_target_that_holds_anything_else_is_refused_and_stays_as_it_is()
    {
        await Installation.FillAsync(_sqlite);
        var theirs = await Sample.CreateAsync(_postgres);

        var refused = Assert.IsType<CopyOutcome.Refused>(await CopyAsync(_sqlite.Sqlite.Movable, _postgres.Postgres.Movable, Small));

        Assert.Contains("rows in tenant", refused.Why, StringComparison.Ordinal);
        Assert.NotNull(await _postgres.Tenants.FindTenantAsync(theirs.Tenant, CancellationToken.None));
        await using var another = await _postgres.OpenAnotherAsync();
    }

    [Fact]
    public async Task The_unfinished_copy_of_another_installation_is_refused()
    {
        await Installation.FillAsync(_sqlite);
        await _postgres.Postgres.Movable.BeginAsync(
            Guid.Parse("11111111-0000-4000-8000-000000000000"), _sqlite.Now, CancellationToken.None);

        var refused = Assert.IsType<CopyOutcome.Refused>(await CopyAsync(_sqlite.Sqlite.Movable, _postgres.Postgres.Movable, Small));

        Assert.Contains("11111111-", refused.Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_row_that_is_not_the_same_is_found_and_no_server_starts_on_that_copy()
    {
        await Installation.FillAsync(_sqlite);
        var spoiling = new Interrupted(_postgres.Postgres.Movable)
        {
            AfterWrite = table => table.Name != "recipient" ? Task.CompletedTask : _postgres.Cluster.QueryAsync(
                _postgres.Database, "update recipient set last_reply = '250 2.0.0 OK!' where state <> 0"),
        };

        var compared = Assert.IsType<CopyOutcome.Compared>(await CopyAsync(_sqlite.Sqlite.Movable, spoiling, Small));

        Assert.Equal(["recipient"], compared.Tables.Where(table => !table.IsEqual).Select(table => table.Table.Name));
        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(_postgres.OpenAnotherAsync);
        Assert.Contains("is not finished", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_source_that_changed_after_the_interruption_is_found()
    {
        var sample = await Sample.CreateAsync(_sqlite);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => sample.AcceptAsync()));
        var interrupted = new Interrupted(_postgres.Postgres.Movable) { WritesLeft = 4 };
        await Assert.ThrowsAsync<StoreUnavailableException>(() => CopyAsync(_sqlite.Sqlite.Movable, interrupted, Small));
        await _sqlite.Sqlite.Writer.RunAsync(
            session =>
            {
                session.Connection.Execute("update tenant set name = 'renamed' where name = 'acme'");
                return true;
            },
            CancellationToken.None);
        interrupted.WritesLeft = int.MaxValue;
        var compared = Assert.IsType<CopyOutcome.Compared>(await CopyAsync(_sqlite.Sqlite.Movable, interrupted, Small));

        Assert.Contains(compared.Tables, table => table.Table.Name == "tenant" && !table.IsEqual);
    }

    [Fact]
    public async Task Neither_store_is_opened_for_a_copy_while_a_server_uses_it()
    {
        await using var server = await OpenServerAsync();
        var sqlite = await Assert.ThrowsAsync<StoreUnavailableException>(OpenServerAsync);
        var postgres = await Assert.ThrowsAsync<StoreUnavailableException>(OpenAloneAsync);

        Assert.Contains("Another Postrider server", sqlite.Message, StringComparison.Ordinal);
        Assert.Contains("stop its servers", postgres.Message, StringComparison.Ordinal);
        await _postgres.Postgres.DisposeAsync();
        await using var alone = await OpenAloneAsync();
        await Assert.ThrowsAsync<StoreUnavailableException>(OpenAloneAsync);
    }

    Task<SqliteStore> OpenServerAsync() => SqliteStore.OpenAsync(
        new SqliteStoreOptions(_sqlite.Path) { ServeLock = true }, _sqlite.Time, _sqlite.Ids, log: null, CancellationToken.None);

    Task<PostgresStore> OpenAloneAsync() => PostgresStore.OpenAsync(
        new PostgresStoreOptions(_postgres.Cluster.ConnectionString(_postgres.Database)) { Alone = true },
        _postgres.Time, _postgres.Ids, log: null, CancellationToken.None);

    Task<CopyOutcome> CopyAsync(IMovableStore from, IMovableStore to, PageLimits limits) =>
        new StoreCopy(from, to, new ManualTime(), _told.Add) { Limits = limits }.RunAsync(CancellationToken.None);

    static void AssertEqual(CopyOutcome outcome)
    {
        var compared = Assert.IsType<CopyOutcome.Compared>(outcome);
        Assert.All(compared.Tables, table => Assert.Equal((table.Table, table.Source), (table.Table, table.Target)));
    }

    static class Text
    {
        /// <summary>What PostgreSQL cannot hold, it keeps as U+FFFD.</summary>
        public static string Unicode(string json) => new StringBuilder(json).Replace("\\u0000", "\\uFFFD").ToString();
    }

    /// <summary>A target whose machine goes down before a transaction, or after it was committed.</summary>
    sealed class Interrupted(IMovableStore target) : IMovableStore
    {
        readonly HashSet<MovedTable> _seen = [];

        /// <summary>Before a table's first write, and after each one.</summary>
        public bool AtEveryWrite { get; init; }

        public int WritesLeft { get; set; } = int.MaxValue;

        public int Times { get; private set; }

        public List<string> Tables { get; } = [];

        public Func<MovedTable, Task>? AfterWrite { get; init; }

        public Task<Guid> FindInstallationAsync(CancellationToken cancel) => target.FindInstallationAsync(cancel);

        public Task ReleaseLeasesAsync(DateTimeOffset now, CancellationToken cancel) => target.ReleaseLeasesAsync(now, cancel);

        public Task<IStoreSnapshot> OpenSnapshotAsync(CancellationToken cancel) => target.OpenSnapshotAsync(cancel);

        public Task<TargetState> BeginAsync(Guid installation, DateTimeOffset now, CancellationToken cancel) =>
            target.BeginAsync(installation, now, cancel);

        public Task<MovedSoFar> FindProgressAsync(MovedTable table, CancellationToken cancel) => target.FindProgressAsync(table, cancel);

        public async Task WriteAsync(MovedTable table, MovedPage page, MovedSoFar reached, CancellationToken cancel)
        {
            if (WritesLeft-- == 0 || (AtEveryWrite && _seen.Add(table)))
                throw Down(table);
            await target.WriteAsync(table, page, reached, cancel);
            if (AfterWrite is not null)
                await AfterWrite(table);
            if (AtEveryWrite)
                throw Down(table);
        }

        public Task FinishAsync(Guid installation, CancellationToken cancel) => target.FinishAsync(installation, cancel);

        StoreUnavailableException Down(MovedTable table)
        {
            Times++;
            Tables.Add(table.Name);
            return new StoreUnavailableException("The machine went down.");
        }
    }
}
