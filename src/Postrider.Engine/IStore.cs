using Postrider.Engine.Control;
using Postrider.Engine.Delivery.Shaping;
using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Engine.Reports;
using Postrider.Engine.Suppressions;
using Postrider.Engine.Tenants;

namespace Postrider.Engine;

/// <summary>All of the engine's ports on one database, with what operating it needs.</summary>
/// <remarks>
/// While the database is away or cannot write, every call fails with <see cref="StoreUnavailableException"/>; afterwards it works by
/// itself.
/// </remarks>
public interface IStore :
    IIntakeStore, IQueueStore, IMessageReader, IContentReader, ITenantStore, IBatchStore, IBatchOrderStore, IControlStore, IReportStore,
    ISuppressionStore, IUnsubscribeGroupStore, IDestinationReports, IAsyncDisposable
{
    /// <summary>Removes what has expired, a little at a time, so that no other write waits long for it.</summary>
    Task PurgeAsync(DateTimeOffset now, CancellationToken cancel);

    /// <summary>Reads and writes something trivial, for <c>/ready</c>.</summary>
    /// <exception cref="TimeoutException">It took longer than <paramref name="within"/>.</exception>
    /// <exception cref="StoreUnavailableException">It failed.</exception>
    Task CheckAsync(TimeSpan within, CancellationToken cancel);
}
