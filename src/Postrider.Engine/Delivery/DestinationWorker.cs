using Postrider.Mail.Addresses;
using Postrider.Mail.Smtp.Client;

namespace Postrider.Engine.Delivery;

/// <summary>One connection's worth of work at a destination: job after job over the same session while it lasts.</summary>
/// <remarks>The order for each job is the promise: marked sending and committed, then the socket, then the verdict recorded.</remarks>
sealed class DestinationWorker(Destination destination, DeliveryServices services)
{
    /// <summary>Before a message is tried again that the store could not mark. A guess.</summary>
    static readonly TimeSpan AfterFault = TimeSpan.FromSeconds(5);

    SmtpClientSession? _session;
    Task _recording = Task.CompletedTask;

    public bool HasSession => _session is not null;

    public async Task DeliverAsync(DeliveryJob job)
    {
        try
        {
            await TryDeliverAsync(job);
        }
        catch (Exception e) when (!services.Stopping.IsCancellationRequested)
        {
            // A fault of ours must not leave the message leased for ever: it is an attempt that failed for now. Nothing uncertain about
            // it: what faults a transaction does so before its final dot (IOutgoingMessage.WriteToAsync).
            services.Log.WorkerFaulted(e, destination.Key);
            await RecordAsync(job, new Verdict.Deferred($"internal error: {e.GetType().Name}", "4.3.0"), null);
            await CloseSessionAsync();
        }
    }

    async Task TryDeliverAsync(DeliveryJob job)
    {
        var attempt = job.Attempt;
        if (services.Draining.IsCancellationRequested)
        {
            await RecordAsync(job, new Verdict.NotTried(services.Time.GetUtcNow()), null);
            return;
        }
        if (destination.BlockedUntil is { } until)
        {
            await RecordAsync(job, new Verdict.NotTried(until), null);
            return;
        }

        // The signature is the dearest part of a message, and the commit only waits for the disk: both at once.
        var marking = attempt.MarkSendingAsync(services.Stopping);
        var message = attempt.Rendered!.Sign(services.Time.GetUtcNow());
        if (!await IsOursAsync(marking))
        {
            await RecordAsync(job, new Verdict.NotTried(services.Time.GetUtcNow() + AfterFault), null);
            return;
        }
        EngineMetrics.TimeToSending.Record((services.Time.GetUtcNow() - attempt.Leased.Message.DueAt).TotalSeconds);

        var recipient = attempt.Leased.Message.Recipients[job.Ordinal].Address.Mailbox;
        var from = services.ReturnPaths.For(attempt.Leased.Message.Id, job.Ordinal);
        var outcome = await TransactAsync(from, recipient, message, job);
        if (outcome is not null)
            await ConcludeAsync(job, outcome);
    }

    async Task<bool> IsOursAsync(Task<bool> marking)
    {
        try
        {
            return await marking;
        }
        catch (Exception e) when (!services.Stopping.IsCancellationRequested)
        {
            services.Log.QueueUnavailable(e.UnlessAway(), AfterFault);     // not marked, so not sent: the lease is given back
            return false;
        }
    }

    /// <returns>Null when no session could be had, which is then recorded, or left to a session that is open.</returns>
    async Task<SmtpTransactionOutcome?> TransactAsync(ReversePath from, Mailbox recipient, IOutgoingMessage message, DeliveryJob job)
    {
        for (var again = false; ; again = true)
        {
            if (_session is null && !await ConnectAsync(job))
                return null;
            var outcome = await _session!.SendAsync(from, [recipient], message, services.Stopping);
            if (!outcome.SessionWasStale || again)
                return outcome;
            await CloseSessionAsync();
        }
    }

    async Task<bool> ConnectAsync(DeliveryJob job)
    {
        switch (await services.Connector.ConnectAsync(destination.Site, services.Stopping))
        {
            case SiteConnection.Connected connected:
                _session = connected.Session;
                destination.Connected();
                return true;
            case SiteConnection.Failed { Verdict: Verdict.Deferred deferred } failed:
                if (destination.CouldNotConnect(deferred.Reply))
                    destination.Enqueue(job);
                else
                    await RecordAsync(job, deferred, failed.Conversation);
                return false;
            case SiteConnection.Failed failed:
                await RecordAsync(job, failed.Verdict, failed.Conversation);
                return false;
            default:
                throw new InvalidOperationException("A connection is there or is not.");
        }
    }

    async Task ConcludeAsync(DeliveryJob job, SmtpTransactionOutcome outcome)
    {
        var session = _session!;
        var conversation = new Conversation(
            session.Host, session.RemoteEndPoint.ToString(), session.Tls,
            outcome.Transcript.Select(entry => $"{entry.Stage}: {entry.Reply}").ToArray());
        var result = outcome.Recipients[0];
        var verdict = result switch
        {
            RecipientOutcome.Accepted accepted => new Verdict.Delivered(accepted.Reply.ToString()),
            RecipientOutcome.Refused refused => ReplyClassifier.Classify(refused.Stage, refused.Reply),
            RecipientOutcome.NoAnswer silence =>
                new Verdict.Deferred($"{session.Host}: {silence.Detail} ({silence.Stage})", "4.4.2", Uncertain: silence.PossiblyDelivered),
            _ => throw new InvalidOperationException($"{result} is not an outcome."),
        };

        switch (result)
        {
            case RecipientOutcome.Accepted:
                destination.Succeeded();
                break;
            case RecipientOutcome.Refused { Reply.Code: 421 } refused:
                destination.BackOff(refused.Reply.ToString());
                break;
            case RecipientOutcome.Refused refused:
                destination.Answered();
                if (ReplyClassifier.IsThrottling(refused.Reply))
                    destination.SlowDown();
                break;
        }

        await RecordAsync(job, verdict, conversation);
        if (!session.CanReuse || session.Transactions >= services.Options.TransactionsPerSession)
            await CloseSessionAsync();
    }

    /// <summary>The commit of this verdict goes on while the next message is sent; the one before must be on disk by then.</summary>
    async Task RecordAsync(DeliveryJob job, Verdict verdict, Conversation? conversation)
    {
        await _recording;
        _recording = RecordOrLogAsync(job, verdict, conversation);
    }

    /// <remarks>Never faults: one message's trouble is not the next one's.</remarks>
    async Task RecordOrLogAsync(DeliveryJob job, Verdict verdict, Conversation? conversation)
    {
        try
        {
            await job.Attempt.RecordAsync(job.Ordinal, verdict, conversation);
        }
        catch (Exception e)
        {
            services.Log.OutcomeNotWritten(e.UnlessAway(), job.Attempt.Leased.Message.Id);
        }
    }

    async Task CloseSessionAsync()
    {
        if (_session is not { } session)
            return;
        _session = null;
        destination.Disconnected();
        try
        {
            if (session.CanReuse)
                await session.QuitAsync(services.Stopping);
        }
        finally
        {
            await session.DisposeAsync();
        }
    }

    public async Task CloseAsync()
    {
        try
        {
            await CloseSessionAsync();
        }
        finally
        {
            await _recording;
        }
    }
}
