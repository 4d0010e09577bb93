using System.Collections.Concurrent;
using Postrider.Engine.Control;
using Postrider.Engine.Messages;

namespace Postrider.Engine.Tests.Rig;

/// <summary>Nodes beside the rig's: they answer what a test gives them, and note what they are told.</summary>
sealed class OtherNodes : IOtherNodes
{
    public Func<ControlWrite, ControlOutcome?> OnRetry { get; set; } = _ => null;

    public ConcurrentQueue<ControlWrite> Asked { get; } = new();

    public ConcurrentQueue<(MessageId Message, int Generation)> Told { get; } = new();

    public Task<ControlOutcome?> RetryAsync(ControlWrite write, CancellationToken cancel)
    {
        Asked.Enqueue(write);
        return Task.FromResult(OnRetry(write));
    }

    public Task VoidAsync(TenantId tenant, MessageId message, int generation)
    {
        Told.Enqueue((message, generation));
        return Task.CompletedTask;
    }
}
