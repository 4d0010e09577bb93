using Microsoft.Extensions.Logging;
using Postrider.Engine.Delivery.Shaping;
using Postrider.Engine.Queue;

namespace Postrider.Engine.Delivery;

/// <summary>What every destination works with.</summary>
/// <param name="Rules">Which limits each destination has.</param>
/// <param name="LiveNodes">How many nodes share the limits, this one included. Asked often, so it must know at once.</param>
/// <param name="Run">Starts a worker and sees to its end.</param>
/// <param name="Draining">The node stops: finish what is under way, start nothing.</param>
/// <param name="Stopping">The node's last moment: what is under way is cut off.</param>
sealed record DeliveryServices(
    DeliveryOptions Options, DestinationRules Rules, Func<int> LiveNodes, SiteConnector Connector, ReturnPaths ReturnPaths,
    IQueueWakeup Wakeup, Random Random, TimeProvider Time, ILogger Log, Action<Func<Task>> Run, CancellationToken Draining,
    CancellationToken Stopping);
