using Postrider.Engine.Control;
using Postrider.Engine.Messages;

namespace Postrider.Store.Conformance.Lifecycle;

/// <summary>
/// Something that happens to a store, as data, so that a schedule that breaks it can be made shorter. <c>Pick</c> chooses among what there
/// is when the step's turn comes, so a step means something in every shorter schedule, too.
/// </summary>
public abstract record Step
{
    Step() { }

    /// <param name="DueIn">In seconds; above 0 it is scheduled.</param>
    public sealed record Accept(int Recipients, bool InBatch, bool Sandbox, int DueIn) : Step;

    public sealed record Claim(int Limit) : Step;

    /// <summary>Of what was first due more than so many seconds ago.</summary>
    public sealed record ClaimExpired(int Lifetime) : Step;

    public sealed record MarkRendered(int Pick) : Step;

    public sealed record MarkSending(int Pick) : Step;

    /// <summary>All open recipients have their answers; those that stay open are tried again later.</summary>
    public sealed record Settle(int Pick, RecipientState First, RecipientState Others, int RetryIn) : Step;

    /// <summary>One of several open recipients has its answer.</summary>
    public sealed record SettlePart(int Pick, RecipientState State) : Step;

    public sealed record Return(int Pick) : Step;

    public sealed record LateAnswer(int Pick, int Recipient, bool Accepted) : Step;

    /// <param name="AsHolder">By leave of whoever is sending it.</param>
    public sealed record Control(int Pick, ControlAction Action, bool AsHolder) : Step;

    public sealed record Report(int Pick, int Recipient, EventType Type, int Cause) : Step;

    /// <summary>Time goes by, in seconds.</summary>
    public sealed record Pass(int Seconds) : Step;

    public sealed record Renew : Step;

    public sealed record ReleaseExpired : Step;

    /// <param name="DueIn">Of a reschedule, in seconds.</param>
    public sealed record Order(BatchAction Action, int DueIn) : Step;

    /// <summary>A page of the batch's order.</summary>
    public sealed record OrderPage(int Messages) : Step;

    /// <summary>The batch's order to its end.</summary>
    public sealed record FinishOrder : Step;
}
