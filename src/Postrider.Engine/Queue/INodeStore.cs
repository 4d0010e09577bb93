using Postrider.Engine.Messages;

namespace Postrider.Engine.Queue;

/// <summary>The nodes that share a store, by their heartbeats.</summary>
public interface INodeStore
{
    /// <summary>Says that a node lives, and asks who else does.</summary>
    /// <param name="deadBefore">A node last seen earlier than this is not counted.</param>
    Task<NodeCensus> BeatAsync(Node node, DateTimeOffset now, DateTimeOffset deadBefore, CancellationToken cancel);

    /// <summary>A node that stops says so, and is not counted from then on.</summary>
    Task LeaveAsync(NodeId node, CancellationToken cancel);
}

/// <param name="Name">The machine and process, to show.</param>
public sealed record Node(NodeId Id, string Name, DateTimeOffset StartedAt);

/// <param name="Live">Nodes that live, this one among them.</param>
/// <param name="StoreTime">The database's own clock.</param>
public readonly record struct NodeCensus(int Live, DateTimeOffset StoreTime);
