using Postrider.Engine.Messages;

namespace Postrider.Store.Postgres.Queue;

/// <summary>The live states a queue row goes through. The numbers are what is stored, and those of the statuses they show as.</summary>
enum Phase : short
{
    Waiting = 0,
    Processing = 1,
    Rendered = 2,
    Sending = 3,
}

static class LiveState
{
    /// <summary>A message that some recipient's MX accepted stays <c>sent</c> while others are tried.</summary>
    public static MessageStatus StatusIn(Phase phase, bool partlyAccepted) => partlyAccepted ? MessageStatus.Sent : (MessageStatus)phase;
}
