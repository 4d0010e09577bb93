using Postrider.Engine.Messages;

namespace Postrider.Store.Conformance.Lifecycle;

/// <summary>What a message should be by now.</summary>
sealed class ModelMessage(MessageId id, int recipients)
{
    public MessageId Id { get; } = id;

    public RecipientState[] Recipients { get; } = new RecipientState[recipients];

    public bool InBatch { get; init; }

    /// <summary>As if no MX had accepted it for anyone.</summary>
    public MessageStatus Status { get; set; }

    public bool Partly { get; set; }

    public int Generation { get; set; }

    public int Retries { get; set; }

    public int Events { get; set; }

    /// <summary>When it is to be tried, once it is not held.</summary>
    public DateTimeOffset DueAt { get; set; }

    public DateTimeOffset FirstDueAt { get; set; }

    public bool IsHeld { get; set; }

    public DateTimeOffset LeaseUntil { get; set; }

    /// <summary>Reports that were recorded: type, recipient, cause.</summary>
    public HashSet<(EventType, int, int)> Reports { get; } = [];

    public bool IsWaiting => Status == MessageStatus.Queued;

    public bool IsLeased => Status is MessageStatus.Processing or MessageStatus.Rendered or MessageStatus.Sending;

    public MessageStatus Shown => Partly && !Status.IsSettled() ? MessageStatus.Sent : Status;

    public IEnumerable<int> Open => Enumerable.Range(0, Recipients.Length).Where(recipient => Recipients[recipient] == RecipientState.Open);

    /// <summary>The roll-up of contracts/scaisend.md §4.2, of states that come of answers.</summary>
    public MessageStatus RolledUp => (Recipients.Contains(RecipientState.Open), Recipients.Contains(RecipientState.Delivered)) switch
    {
        (true, true) => MessageStatus.Sent,
        (true, false) => MessageStatus.Queued,
        (false, true) => MessageStatus.Delivered,
        _ => MessageStatus.Bounced,
    };

    public void CloseOpen(RecipientState state)
    {
        foreach (var recipient in Open.ToArray())
            Recipients[recipient] = state;
    }
}
