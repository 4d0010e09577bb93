using FsCheck;
using FsCheck.Fluent;
using Postrider.Engine.Control;
using Postrider.Engine.Messages;

namespace Postrider.Store.Conformance.Lifecycle;

/// <summary>Random orders of steps, and what they are made smaller by.</summary>
static class Schedules
{
    public static Arbitrary<Step[]> Of(int steps) => Arb.From(AnyStep.ArrayOf(steps), Shorter);

    static Gen<int> Pick => Gen.Choose(0, 999);

    static Gen<bool> Flag => Gen.Elements(false, true);

    static Gen<RecipientState> Outcome => Gen.Elements(RecipientState.Open, RecipientState.Delivered, RecipientState.Bounced);

    /// <summary>What carries a message on comes more often than what stops it, so that most get somewhere.</summary>
    static Gen<Step> AnyStep => Gen.Frequency(
        (6, from recipients in Gen.Choose(1, 3)
            from inBatch in Gen.Frequency((3, Gen.Constant(true)), (1, Gen.Constant(false)))
            from sandbox in Gen.Frequency((1, Gen.Constant(true)), (7, Gen.Constant(false)))
            from dueIn in Gen.Elements(0, 0, 0, -30, 40)
            select (Step)new Step.Accept(recipients, inBatch, sandbox, dueIn)),
        (6, Gen.Choose(1, 4).Select(limit => (Step)new Step.Claim(limit))),
        (1, Gen.Choose(30, 300).Select(lifetime => (Step)new Step.ClaimExpired(lifetime))),
        (2, Pick.Select(pick => (Step)new Step.MarkRendered(pick))),
        (6, Pick.Select(pick => (Step)new Step.MarkSending(pick))),
        (6, from pick in Pick
            from first in Outcome
            from others in Outcome
            from retryIn in Gen.Elements(0, 20)
            select (Step)new Step.Settle(pick, first, others, retryIn)),
        (3, from pick in Pick
            from state in Gen.Elements(RecipientState.Delivered, RecipientState.Bounced)
            select (Step)new Step.SettlePart(pick, state)),
        (1, Pick.Select(pick => (Step)new Step.Return(pick))),
        (2, from pick in Pick
            from recipient in Gen.Choose(0, 2)
            from accepted in Flag
            select (Step)new Step.LateAnswer(pick, recipient, accepted)),
        (6, from pick in Pick
            from action in Gen.Elements(Enum.GetValues<ControlAction>())
            from asHolder in Flag
            select (Step)new Step.Control(pick, action, asHolder)),
        (4, from pick in Pick
            from recipient in Gen.Choose(0, 3)
            from type in Gen.Elements(EventType.Bounce, EventType.Bounce, EventType.Deferred, EventType.SpamReport)
            from cause in Gen.Choose(0, 1)
            select (Step)new Step.Report(pick, recipient, type, cause)),
        (2, Gen.Elements(1, 25, 65).Select(seconds => (Step)new Step.Pass(seconds))),
        (1, Gen.Constant<Step>(new Step.Renew())),
        (2, Gen.Constant<Step>(new Step.ReleaseExpired())),
        (3, from action in Gen.Elements(Enum.GetValues<BatchAction>())
            from dueIn in Gen.Elements(-10, 30)
            select (Step)new Step.Order(action, dueIn)),
        (2, Gen.Choose(1, 3).Select(messages => (Step)new Step.OrderPage(messages))),
        (2, Gen.Constant<Step>(new Step.FinishOrder())));

    /// <summary>Without a half of it, a quarter, …, at last without a single step.</summary>
    static IEnumerable<Step[]> Shorter(Step[] steps)
    {
        for (var cut = steps.Length / 2; cut > 0; cut /= 2)
        {
            for (var at = 0; at + cut <= steps.Length; at += cut)
                yield return [.. steps[..at], .. steps[(at + cut)..]];
        }
    }
}
