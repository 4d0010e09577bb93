using Postrider.Engine.Delivery;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;

namespace Postrider.Engine.Control;

/// <summary>Cancels, retries and fails messages, and stops the attempts at them.</summary>
/// <remarks>
/// The store decides, in one conditional write. Only the retry of a message that is being sent needs more: its attempt is stopped where it
/// has not sent the final dot, and then writes the retry in place of its own end, so that nobody can claim the message in between. So a
/// retry is done by the node that attempts the message, if any does. Where that node is gone it is refused, until the lease has ended and
/// <see cref="LeaseKeeper"/> has taken the message back.
/// </remarks>
public sealed class MessageControl(
    IControlStore store, RunningAttempts attempts, IOtherNodes others, IQueueWakeup wakeup, IdGenerator ids, TimeProvider time,
    ControlOptions options)
{
    /// <summary>The error of a message that was failed without a reason.</summary>
    public const string FailedByHand = "Marked as failed manually";

    public async Task<ControlOutcome> CancelAsync(TenantId tenant, MessageId message, CancellationToken cancel)
    {
        var write = Write(tenant, message, ControlAction.Cancel);
        return Conclude(write, await store.ChangeAsync(write, cancel));
    }

    /// <param name="reason">Null for none.</param>
    public async Task<ControlOutcome> FailAsync(TenantId tenant, MessageId message, string? reason, CancellationToken cancel)
    {
        var write = Write(tenant, message, ControlAction.Fail) with { Reason = reason ?? FailedByHand };
        var result = await store.ChangeAsync(write, cancel);
        var outcome = Conclude(write, result);
        if (result is ControlResult.Changed { Generation: var generation })
            await others.VoidAsync(tenant, message, generation);
        return outcome;
    }

    public async Task<ControlOutcome> RetryAsync(TenantId tenant, MessageId message, CancellationToken cancel)
    {
        var write = Write(tenant, message, ControlAction.Retry);
        return (attempts.Find(tenant, message) is null ? await others.RetryAsync(write, cancel) : null) ?? await RetryHereAsync(write, cancel);
    }

    /// <summary>Another node was asked for this retry.</summary>
    /// <returns>Null when this one does not attempt the message either.</returns>
    public Task<ControlOutcome>? RetryIfAttempted(ControlWrite write) =>
        attempts.Find(write.Tenant, write.Message) is null ? null : RetryHereAsync(write, CancellationToken.None);

    /// <summary>Stops this node's attempt at a message that was failed at another.</summary>
    /// <param name="generation">Leases up to this one are void.</param>
    public void Void(TenantId tenant, MessageId message, int generation) => attempts.Find(tenant, message)?.Void(generation);

    async Task<ControlOutcome> RetryHereAsync(ControlWrite write, CancellationToken cancel)
    {
        // Failed by hand behind the final dot: whether its recipient has it is not known before that is answered.
        if (attempts.Find(write.Tenant, write.Message) is { IsVoid: true } late && !await late.EndsWithinAsync(options.AnswerPatience))
            return new ControlOutcome.InProgress(MessageStatus.Failed);

        var result = await store.ChangeAsync(write, cancel);
        return result is ControlResult.Kept { Status: MessageStatus.Sending } && attempts.Find(write.Tenant, write.Message) is { } attempt
            ? await TakeOverAsync(attempt, write)
            : Conclude(write, result);
    }

    async Task<ControlOutcome> TakeOverAsync(MessageAttempt attempt, ControlWrite write)
    {
        ControlResult? taken = null;
        var ended = await attempt.YieldAsync(TakeAsync, options.AnswerPatience);
        if (Volatile.Read(ref taken) is { } result)
            return Conclude(write, result);
        if (!ended)
            return new ControlOutcome.InProgress(MessageStatus.Sending);

        // Its answer came first. Acceptance is what there was to wait for; what came to nothing is retried like anything else.
        return await store.ChangeAsync(write, CancellationToken.None) switch
        {
            ControlResult.Kept { Status: MessageStatus.Sending or MessageStatus.Sent or MessageStatus.Delivered } kept =>
                new ControlOutcome.InProgress(kept.Status),
            var after => Conclude(write, after),
        };

        async Task<bool> TakeAsync(LeaseKey lease)
        {
            var change = await store.ChangeAsync(write with { GivenUp = lease.Generation }, CancellationToken.None);
            if (change is not ControlResult.Changed)
                return false;
            Volatile.Write(ref taken, change);
            return true;
        }
    }

    ControlOutcome Conclude(ControlWrite write, ControlResult result)
    {
        switch (result)
        {
            case ControlResult.Changed changed:
                attempts.Find(write.Tenant, write.Message)?.Void(changed.Generation);
                if (changed.Waiting is { } backlog)
                    wakeup.Due(backlog);
                return new ControlOutcome.Done(changed.Status);
            case ControlResult.Kept kept:
                return ControlRules.Of(write.Action, kept.Status, kept.Tried) switch
                {
                    ControlRule.Already => new ControlOutcome.Done(kept.Status),
                    ControlRule.AsksHolder => new ControlOutcome.InProgress(kept.Status),
                    // Failed by hand, and every recipient has it after all: there is nobody left to mail.
                    ControlRule.Taken when write.Action == ControlAction.Retry => new ControlOutcome.InProgress(kept.Status),
                    _ => new ControlOutcome.Refused(kept.Status),
                };
            default:
                return ControlOutcome.NotFound.Instance;
        }
    }

    ControlWrite Write(TenantId tenant, MessageId message, ControlAction action) =>
        new(tenant, message, action, time.GetUtcNow(), new EventId(ids.Next()));
}

/// <summary>What an action came to; each status is the one after it.</summary>
public abstract record ControlOutcome
{
    ControlOutcome() { }

    public sealed record NotFound : ControlOutcome
    {
        public static NotFound Instance { get; } = new();
    }

    /// <summary>It took place, or was so already.</summary>
    public sealed record Done(MessageStatus Status) : ControlOutcome;

    /// <summary>A retry that came too late: an attempt is under way whose answer is not known, or was acceptance.</summary>
    public sealed record InProgress(MessageStatus Status) : ControlOutcome;

    /// <summary>Not in this status.</summary>
    public sealed record Refused(MessageStatus Status) : ControlOutcome;
}
