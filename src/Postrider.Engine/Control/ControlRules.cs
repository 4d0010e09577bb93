using Postrider.Engine.Messages;
using static Postrider.Engine.Control.ControlRule;
using static Postrider.Engine.Messages.MessageStatus;

namespace Postrider.Engine.Control;

/// <summary>What a person or a program may do to one message. The numbers are what the stores' SQL is given.</summary>
public enum ControlAction : byte
{
    Cancel = 0,
    Retry = 1,
    Fail = 2,
}

/// <summary>What an action comes to in a status.</summary>
public enum ControlRule : byte
{
    Refused,
    Taken,

    /// <summary>It is so already: answered as if it had been done.</summary>
    Already,

    /// <summary>Taken only when whoever sends it has given it up before any final dot.</summary>
    AsksHolder,
}

/// <summary>
/// Who may act on what: contracts/scaisend.md §4.3. The stores are given their conditions from here, and a test holds them to it.
/// </summary>
public static class ControlRules
{
    /// <summary>The queued message that was tried before is told apart from one that was not: only it has anything to retry.</summary>
    public const int States = MessageStatuses.Count + 1;

    /// <summary>By the numbers of <see cref="StateOf"/>, then by those of the actions: cancel, retry, fail.</summary>
    static readonly ControlRule[][] Table =
    [
        /* queued     */ [Taken, Refused, Taken],
        /* processing */ [Taken, Taken, Taken],
        /* rendered   */ [Taken, Refused, Taken],
        /* sending    */ [Refused, AsksHolder, Taken],
        /* sent       */ [Refused, Refused, Taken],
        /* delivered  */ [Refused, Refused, Refused],
        /* bounced    */ [Refused, Taken, Refused],
        /* failed     */ [Refused, Taken, Already],
        /* cancelled  */ [Already, Refused, Refused],
        /* sandbox    */ [Refused, Refused, Refused],
        /* queued, tried before */ [Taken, Taken, Taken],
    ];

    /// <param name="tried">It has been retried or deferred: its retry count is above 0.</param>
    public static ControlRule Of(ControlAction action, MessageStatus status, bool tried) => Table[StateOf(status, tried)][(int)action];

    /// <summary>The row of the table: the status's own number, or the last one for queued and tried before.</summary>
    public static int StateOf(MessageStatus status, bool tried) => status == Queued && tried ? States - 1 : (int)status;

    /// <summary>The rows in which an action is taken, one bit each: the condition of a store's write.</summary>
    public static int StatesTaking(ControlAction action)
    {
        var states = 0;
        for (var state = 0; state < States; state++)
        {
            if (Table[state][(int)action] == Taken)
                states |= 1 << state;
        }
        return states;
    }
}
