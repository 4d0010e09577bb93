using Postrider.Engine.Control;
using Postrider.Engine.Delivery.Shaping;
using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Engine.Reports;
using Postrider.Engine.Suppressions;
using Postrider.Engine.Tenants;
using Postrider.Testing;

namespace Postrider.Store.Conformance;

/// <summary>One store, empty at first, with a clock that stands still. Each store under test has one.</summary>
public abstract class StoreFixture : IAsyncDisposable
{
    public ManualTime Time { get; } = new();

    public DateTimeOffset Now => Time.GetUtcNow();

    public IdGenerator Ids { get; }

    public abstract IIntakeStore Intake { get; }

    public abstract IQueueStore Queue { get; }

    public abstract IMessageReader Messages { get; }

    public abstract IContentReader Contents { get; }

    public abstract ITenantStore Tenants { get; }

    public abstract IBatchStore Batches { get; }

    public abstract IBatchOrderStore Orders { get; }

    public abstract IDestinationReports Reports { get; }

    public abstract ISuppressionStore Suppressions { get; }

    public abstract IUnsubscribeGroupStore Groups { get; }

    public abstract IControlStore Control { get; }

    public abstract IReportStore RecipientReports { get; }

    protected StoreFixture() => Ids = new IdGenerator(Time);

    public abstract Task OpenAsync();

    /// <summary>Brings what the store does in the background to its end; it makes reads faster, never different.</summary>
    public virtual Task CatchUpAsync() => Task.CompletedTask;

    /// <summary>What no port does: damage, to see that it is got over.</summary>
    public abstract Task ExecuteAsync(string sql);

    public abstract ValueTask DisposeAsync();
}

/// <summary>A port's promises, to be kept by every store: a class for each store derives from each of these.</summary>
public abstract class StoreConformance<TFixture> : IAsyncLifetime where TFixture : StoreFixture, new()
{
    protected TFixture Store { get; } = new();

    protected Sample Sample { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        await Store.OpenAsync();
        Sample = await Sample.CreateAsync(Store);
    }

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return Store.DisposeAsync();
    }
}
