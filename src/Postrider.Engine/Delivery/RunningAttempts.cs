using System.Collections.Concurrent;
using Postrider.Engine.Messages;

namespace Postrider.Engine.Delivery;

/// <summary>
/// This node's attempts by message, so that control can reach them. Of two at one message, the older is void and cannot be asked for.
/// </summary>
public sealed class RunningAttempts
{
    readonly ConcurrentDictionary<MessageId, MessageAttempt> _attempts = new();

    internal MessageAttempt? Find(TenantId tenant, MessageId message) =>
        _attempts.TryGetValue(message, out var attempt) && attempt.Leased.Message.Tenant == tenant ? attempt : null;

    internal void Add(MessageAttempt attempt) => _attempts[attempt.Leased.Message.Id] = attempt;

    internal void Remove(MessageAttempt attempt) => _attempts.TryRemove(KeyValuePair.Create(attempt.Leased.Message.Id, attempt));
}
