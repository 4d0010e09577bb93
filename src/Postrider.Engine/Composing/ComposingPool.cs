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
                if (draining.IsCancellationRequested)
                    await attempt.AbandonAsync(attempts.Time.GetUtcNow());
                else
                    await HandleAsync(message, attempt);
            }
            catch (Exception e)
            {
                attempts.Log.AttemptFaulted(e, message.Leased.Message.Id);
                await attempt.AbandonAsync(attempts.Time.GetUtcNow() + AfterFault);
            }
        }
    }

    async Task HandleAsync(DispatchedMessage message, MessageAttempt attempt)
    {
        if (message.Expired)
        {
            await RecordForAllAsync(attempt, recipient => new Verdict.Deferred(recipient.LastReply ?? "not delivered within its lifetime", "4.4.7"));
            return;
        }
        if (message.Undeliverable is { } undeliverable)
        {
            await RecordForAllAsync(attempt, _ => undeliverable.Verdict);
            return;
        }

        switch (await composer.ComposeAsync(message.Leased.Message, CancellationToken.None))
        {
            case Composition.Failed failed:
                await RecordForAllAsync(attempt, _ => new Verdict.Dropped(failed.Reason, failed.Detail));
                break;
            case Composition.Ready ready:
                attempt.NoteRendered(ready.Message);
                foreach (var ordinal in attempt.OpenRecipients.ToArray())
                    await HandOverAsync(message, attempt, ordinal);
                break;
        }
    }

    async Task HandOverAsync(DispatchedMessage message, MessageAttempt attempt, int ordinal)
    {
        if (message.Reserved is { } reserved)
        {
            reserved.Enqueue(new DeliveryJob(attempt, ordinal));
            return;
        }
        var domain = message.Leased.Message.Recipients[ordinal].Address.Mailbox.Domain.Ascii;
        switch (await destinations.FindAsync(domain, CancellationToken.None))
        {
            case DestinationAnswer.Known known:
                known.Destination.Enqueue(new DeliveryJob(attempt, ordinal));
                break;
            case DestinationAnswer.Undeliverable undeliverable:
                await attempt.RecordAsync(ordinal, undeliverable.Verdict, null);
                break;
        }
    }

    static async Task RecordForAllAsync(MessageAttempt attempt, Func<StoredRecipient, Verdict> verdict)
    {
        foreach (var ordinal in attempt.OpenRecipients.ToArray())
            await attempt.RecordAsync(ordinal, verdict(attempt.Leased.Message.Recipients[ordinal]), null);
    }
}
