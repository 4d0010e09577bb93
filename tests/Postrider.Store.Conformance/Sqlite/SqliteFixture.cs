using Postrider.Engine.Control;
using Postrider.Engine.Delivery.Shaping;
using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Engine.Reports;
using Postrider.Engine.Suppressions;
using Postrider.Engine.Tenants;
using Postrider.Store.Sqlite;

namespace Postrider.Store.Conformance.Sqlite;

/// <summary>A SQLite store in a folder of its own, removed afterwards.</summary>
public sealed class SqliteFixture : StoreFixture
{
    /// <summary>Whether it holds the serve lock and does in the background what a server does.</summary>
    public bool Serves { get; init; } = true;

    public string Folder { get; } = Directory.CreateTempSubdirectory("postrider-store-").FullName;

    public string Path => System.IO.Path.Combine(Folder, "postrider.db");

    public SqliteStore Sqlite { get; private set; } = null!;

    public override IIntakeStore Intake => Sqlite;

    public override IQueueStore Queue => Sqlite;

    public override IMessageReader Messages => Sqlite;

    public override IContentReader Contents => Sqlite;

    public override ITenantStore Tenants => Sqlite;

    public override IBatchStore Batches => Sqlite;

    public override IBatchOrderStore Orders => Sqlite;

    public override IDestinationReports Reports => Sqlite;

    public override ISuppressionStore Suppressions => Sqlite;

    public override IUnsubscribeGroupStore Groups => Sqlite;

    public override IControlStore Control => Sqlite;

    public override IReportStore RecipientReports => Sqlite;

    public override async Task OpenAsync() => Sqlite = await OpenAsync(Path);

    public Task<SqliteStore> OpenAsync(string path) =>
        SqliteStore.OpenAsync(new SqliteStoreOptions(path) { ServeLock = Serves }, Time, Ids, log: null, CancellationToken.None);

    public override async Task CatchUpAsync()
    {
        while (await Sqlite.Subjects!.StepAsync(atLeast: 1, CancellationToken.None))
        {
        }
    }

    public override Task ExecuteAsync(string sql) => Sqlite.Writer.RunAsync(
        session =>
        {
            session.Connection.Execute(sql);
            return true;
        },
        CancellationToken.None);

    /// <summary>The steps of a statement's query plan.</summary>
    public Task<List<string>> PlanAsync(string sql) => Sqlite.Readers.ReadAsync(
        db =>
        {
            using var explain = db.PrepareOnce("explain query plan " + sql);
            var plan = new List<string>();
            while (explain.Step())
                plan.Add(AsOfToday(explain.Text(3)));
            return plan;
        },
        CancellationToken.None);

    /// <summary>SQLite before 3.36 wrote "SCAN TABLE message AS m" where it writes "SCAN m" now.</summary>
    static string AsOfToday(string step)
    {
        var words = step.Split(' ').Where(word => word != "TABLE").ToList();
        var alias = words.IndexOf("AS");
        if (alias > 0)
            words.RemoveRange(alias - 1, 2);
        return string.Join(' ', words);
    }

    public override async ValueTask DisposeAsync()
    {
        if (Sqlite is not null)
            await Sqlite.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }
}
