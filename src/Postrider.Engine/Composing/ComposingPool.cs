using Postrider.Engine.Delivery;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;

namespace Postrider.Engine.Composing;

/// <summary>One worker a core: takes leased messages, composes them and hands each open recipient to its destination.</summary>
sealed class ComposingPool(
    Dispatcher dispatcher, Composer composer, Destinations destinations, AttemptServices attempts, CancellationToken draining)
{
    static readonly TimeSpan AfterFault = TimeSpan.FromSeconds(5);

    /// <summary>Ends when the dispatcher has ended and what it had claimed is handed over or given back.</summary>
    public Task RunAsync() =>
        Task.WhenAll(Enumerable.Range(0, Environment.ProcessorCount).Select(_ => Task.Run(RunWorkerAsync, CancellationToken.None)));

    async Task RunWorkerAsync()
    {
        await foreach (var message in dispatcher.Claimed.ReadAllAsync(CancellationToken.None))
        {
            var attempt = new MessageAttempt(message, attempts);
            try
            {
                if (attempt.OpenRecipients.Any())
                    await HandleOrAbandonAsync(message, attempt);
                else
                    await attempt.EndUntriedAsync(attempts.Time.GetUtcNow() + AfterFault);
            }
            catch (Exception e)
            {
                // The node's last moment; the next message may yet be given back.
                attempts.Log.OutcomeNotWritten(e.UnlessAway(), message.Leased.Message.Id);
            }
        }
    }

    async Task HandleOrAbandonAsync(DispatchedMessage message, MessageAttempt attempt)
    {
        var due = attempts.Time.GetUtcNow();
        try
        {
            if (!draining.IsCancellationRequested)
            {
                await HandleAsync(message, attempt);
                return;
            }
        }
        catch (Exception e)
        {
            attempts.Log.AttemptFaulted(e.UnlessAway(), message.Leased.Message.Id);
            due = attempts.Time.GetUtcNow() + AfterFault;
        }
        await attempt.AbandonAsync(due);
    }

    async Task HandleAsync(DispatchedMessage message, MessageAttempt attempt)
    {
        if (message.Expired)
        {
            End(attempt, () => RecordForAllAsync(attempt, recipient => attempts.Options.Bounces.Expired(recipient.LastReply)));
            return;
        }
        if (message.Suppressions is { } suppressions)
        {
            var judged = await suppressions.JudgeAsync(message.Leased.Message);
            if (judged.Count == attempt.OpenRecipients.Count())
            {
                End(attempt, () => RecordAsync(attempt, judged));
                return;
            }
            await RecordAsync(attempt, judged);
        }
        if (message.Undeliverable is { } undeliverable)
        {
            End(attempt, () => RecordForAllAsync(attempt, _ => undeliverable.Verdict));
            return;
        }

        switch (await composer.ComposeAsync(message.Leased.Message, CancellationToken.None))
        {
            case Composition.Failed failed:
                await RecordForAllAsync(attempt, _ => new Verdict.Dropped(failed.Reason, failed.Detail));
                break;
            case Composition.Ready ready:
                attempt.NoteRendered(ready.Message);
                var isReserved = true;      // the claim's reservation is one transaction of its destination's rate
                foreach (var ordinal in attempt.OpenRecipients.ToArray())
                {
                    await HandOverAsync(message, attempt, ordinal, isReserved);
                    isReserved = false;
                }
                break;
        }
    }

    /// <summary>
    /// Not waited for: a worker that waits for each commit in turn ends a few hundred messages a second, and composes nobody's meanwhile.
    /// A list of which many have unsubscribed is such a pile. There are no more of them than may be leased.
    /// </summary>
    void End(MessageAttempt attempt, Func<Task> record) => destinations.Run(async () =>
    {
        try
        {
            await record();
        }
        catch (Exception e)
        {
            attempts.Log.AttemptFaulted(e.UnlessAway(), attempt.Leased.Message.Id);
            await attempt.AbandonAsync(attempts.Time.GetUtcNow() + AfterFault);
        }
    });

    ValueTask HandOverAsync(DispatchedMessage message, MessageAttempt attempt, int ordinal, bool isReserved)
    {
        if (message.Reserved is { } reserved)
        {
            if (isReserved)
                attempt.HandTo(reserved, ordinal);
            else
                return HandOverAsync(attempt, ordinal, reserved);
            return ValueTask.CompletedTask;
        }
        var domain = message.Leased.Message.Recipients[ordinal].Address.Mailbox.Domain.Ascii;
        var lookup = destinations.FindAsync(domain, draining);
        if (lookup.IsCompletedSuccessfully)
            return HandOverAsync(attempt, ordinal, lookup.GetAwaiter().GetResult());

        // Not waited for: a domain whose name servers are silent must not keep a composing worker from everybody else's mail.
        attempt.NoteLookup(ordinal);
        destinations.Run(() => HandOverWhenFoundAsync(attempt, ordinal, lookup));
        return ValueTask.CompletedTask;
    }

    async Task HandOverWhenFoundAsync(MessageAttempt attempt, int ordinal, ValueTask<DestinationAnswer> lookup)
    {
        DestinationAnswer answer;
        try
        {
            answer = await lookup;
        }
        catch (Exception e)
        {
            if (!draining.IsCancellationRequested)
                attempts.Log.AttemptFaulted(e.UnlessAway(), attempt.Leased.Message.Id);
            await attempt.RecordAsync(ordinal, new Verdict.NotTried(attempts.Time.GetUtcNow() + AfterFault), null);
            return;
        }
        await HandOverAsync(attempt, ordinal, answer);
    }

    /// <summary>
    /// To a destination that nothing was reserved at: if its rate is used up, the recipient's turn comes with a later attempt.
    /// </summary>
    static async ValueTask HandOverAsync(MessageAttempt attempt, int ordinal, Destination destination)
    {
        if (destination.TryTakeOne(out var notBefore))
            attempt.HandTo(destination, ordinal);
        else
            await attempt.RecordAsync(ordinal, new Verdict.NotTried(notBefore), null);
    }

    static async ValueTask HandOverAsync(MessageAttempt attempt, int ordinal, DestinationAnswer answer)
    {
        switch (answer)
        {
            case DestinationAnswer.Known known:
                await HandOverAsync(attempt, ordinal, known.Destination);
                break;
            case DestinationAnswer.Undeliverable undeliverable:
                await attempt.RecordAsync(ordinal, undeliverable.Verdict, null);
                break;
        }
    }

    static async Task RecordAsync(MessageAttempt attempt, IReadOnlyList<(int Ordinal, Verdict Verdict)> judged)
    {
        foreach (var (ordinal, verdict) in judged)
            await attempt.RecordAsync(ordinal, verdict, null);
    }

    static async Task RecordForAllAsync(MessageAttempt attempt, Func<StoredRecipient, Verdict> verdict)
    {
        foreach (var ordinal in attempt.OpenRecipients.ToArray())
            await attempt.RecordAsync(ordinal, verdict(attempt.Leased.Message.Recipients[ordinal]), null);
    }
}
