using System.Diagnostics;
using System.Globalization;
using Postrider.Engine.Control;
using Postrider.Engine.Delivery.Shaping;
using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Engine.Reports;
using Postrider.Engine.Suppressions;
using Postrider.Engine.Tenants;
using Postrider.Store.Conformance.Postgres;
using Postrider.Store.Postgres;
using Postrider.Testing;

[assembly: AssemblyFixture(typeof(SharedCluster))]

namespace Postrider.Store.Conformance.Postgres;

/// <summary>One cluster for the whole run, started by the first test that needs it.</summary>
public sealed class SharedCluster : IAsyncDisposable
{
    const string Empty = "empty";

    static readonly Lazy<Task<PostgresCluster>> Cluster = new(StartAsync);

    static int _databases;

    public static Task<PostgresCluster> GetAsync() => Cluster.Value;

    public static string NewDatabaseName() => $"test{Interlocked.Increment(ref _databases)}";

    /// <summary>Makes a database with a store in which nothing is yet.</summary>
    /// <remarks>It is copied from one that was opened once: to migrate each anew was most of what a test did.</remarks>
    public static async Task CreateStoreAsync(string database) => await (await GetAsync()).CreateDatabaseAsync(database, Empty);

    static async Task<PostgresCluster> StartAsync()
    {
        var cluster = await PostgresCluster.StartAsync(durable: false, "-c max_connections=300");
        await cluster.CreateDatabaseAsync(Empty);
        var time = new ManualTime();
        var options = new PostgresStoreOptions(cluster.ConnectionString(Empty));
        await (await PostgresStore.OpenAsync(options, time, new IdGenerator(time), log: null, CancellationToken.None)).DisposeAsync();
        return cluster;
    }

    public async ValueTask DisposeAsync()
    {
        if (Cluster.IsValueCreated)
            await (await Cluster.Value).DisposeAsync();
    }
}

/// <summary>A PostgreSQL store in a database of its own, dropped afterwards.</summary>
public sealed class PostgresFixture : StoreFixture
{
    /// <summary>After it a test that waits for what does not come has failed.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    public PostgresCluster Cluster { get; private set; } = null!;

    public string Database { get; } = SharedCluster.NewDatabaseName();

    public PostgresStore Postgres { get; private set; } = null!;

    public override IIntakeStore Intake => Postgres;

    public override IQueueStore Queue => Postgres;

    public override IMessageReader Messages => Postgres;

    public override IContentReader Contents => Postgres;

    public override ITenantStore Tenants => Postgres;

    public override IBatchStore Batches => Postgres;

    public override IBatchOrderStore Orders => Postgres;

    public override IDestinationReports Reports => Postgres;

    public override ISuppressionStore Suppressions => Postgres;

    public override IUnsubscribeGroupStore Groups => Postgres;

    public override IControlStore Control => Postgres;

    public override IReportStore RecipientReports => Postgres;

    public override async Task OpenAsync()
    {
        Cluster = await SharedCluster.GetAsync();
        await SharedCluster.CreateStoreAsync(Database);
        Postgres = await OpenAnotherAsync();
    }

    /// <summary>Another node on the same database. It remembers nothing, so that what is read back has been in the database.</summary>
    public Task<PostgresStore> OpenAnotherAsync() =>
        PostgresStore.OpenAsync(
            new PostgresStoreOptions(Cluster.ConnectionString(Database)) { ContentMemory = 0 }, Time, Ids, log: null,
            CancellationToken.None);

    const string WaitingSql = """
        select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'
        """;

    /// <summary>Until so many sessions wait for a lock, at a gate or for what another holds.</summary>
    /// <returns>False when <paramref name="unless"/> ended before.</returns>
    public async Task<bool> IsWaitedAsync(int sessions, Task unless)
    {
        var begun = Stopwatch.GetTimestamp();
        while (int.Parse(await Cluster.QueryAsync(Database, WaitingSql), CultureInfo.InvariantCulture) < sessions)
        {
            if (unless.IsCompleted)
                return false;
            Assert.True(Stopwatch.GetElapsedTime(begun) < Longest, $"Fewer than {sessions} wait.");
        }
        return true;
    }

    public override Task ExecuteAsync(string sql) => Cluster.QueryAsync(Database, sql);

    public override async ValueTask DisposeAsync()
    {
        if (Postgres is not null)
            await Postgres.DisposeAsync();
        if (Cluster is not null)
            await Cluster.DropDatabaseAsync(Database);
    }
}
