using Postrider.Engine.Messages;

namespace Postrider.Engine.Control;

/// <summary>The nodes beside this one: what control has to say to whichever of them attempts a message.</summary>
public interface IOtherNodes
{
    /// <summary>Has a message retried by the node that attempts it, which alone knows how far it has come.</summary>
    /// <returns>Null when no node that can be reached attempts it.</returns>
    Task<ControlOutcome?> RetryAsync(ControlWrite write, CancellationToken cancel);

    /// <summary>
    /// A message was failed: whoever attempts it stops. Ends when all nodes that can be reached know of it, so that a retry that follows
    /// finds the attempt void; one that cannot be reached learns of it with its next write.
    /// </summary>
    /// <param name="generation">Leases up to this one are void.</param>
    Task VoidAsync(TenantId tenant, MessageId message, int generation);
}

/// <summary>Of a node that has its store for itself.</summary>
public sealed class NoOtherNodes : IOtherNodes
{
    public Task<ControlOutcome?> RetryAsync(ControlWrite write, CancellationToken cancel) => Task.FromResult<ControlOutcome?>(null);

    public Task VoidAsync(TenantId tenant, MessageId message, int generation) => Task.CompletedTask;
}
