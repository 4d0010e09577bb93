namespace Postrider.Engine.Queue;

/// <summary>
/// Tells the dispatcher that something will be due. Never waits, may be lost: the dispatcher's own look at the store is the safety net.
/// </summary>
public interface IQueueWakeup
{
    void Due(Backlog backlog);
}
