using Postrider.Engine.Bounces;
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
    Transmission? _transmission;
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
            await RecordAsync(
                job, new Verdict.Deferred($"internal error: {e.GetType().Name}", "4.3.0", Category: BounceCategory.Other), null);
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
            destination.ReturnOne();
            await RecordAsync(job, new Verdict.NotTried(until), null);
            return;
        }

        _transmission ??= new Transmission(services.Stopping);
        _transmission.Begin();
        if (!attempt.TryBegin(job.Ordinal, _transmission))
            return;
        try
        {
            await TransmitAsync(job, _transmission);
        }
        catch (OperationCanceledException) when (_transmission.IsAborted && !services.Stopping.IsCancellationRequested)
        {
            // Before its final dot. First the peer must be rid of it.
            await CloseSessionAsync();
            await RecordAsync(job, new Verdict.NotTried(services.Time.GetUtcNow()), null);
        }
        finally
        {
            attempt.End(job.Ordinal, _transmission);
            if (_transmission.IsAborted)
                await DropAbortedAsync(_transmission);
        }
    }

    /// <summary>An abort that came too late to change anything may yet have spoiled the session.</summary>
    async Task DropAbortedAsync(Transmission aborted)
    {
        _transmission = null;
        await CloseSessionAsync();
        await aborted.DisposeAsync();
    }

    async Task TransmitAsync(DeliveryJob job, Transmission transmission)
    {
        var attempt = job.Attempt;
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
        transmission.Cancel.ThrowIfCancellationRequested();     // before the session, which is still good for others
        var outcome = await TransactAsync(from, recipient, transmission.Of(message), job, transmission.Cancel);
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
    async Task<SmtpTransactionOutcome?> TransactAsync(
        ReversePath from, Mailbox recipient, IOutgoingMessage message, DeliveryJob job, CancellationToken cancel)
    {
        for (var again = false; ; again = true)
        {
            if (_session is null && !await ConnectAsync(job, cancel))
                return null;
            var outcome = await _session!.SendAsync(from, [recipient], message, cancel);
            if (!outcome.SessionWasStale || again)
                return outcome;
            await CloseSessionAsync();
        }
    }

    async Task<bool> ConnectAsync(DeliveryJob job, CancellationToken cancel)
    {
        switch (await services.Connector.ConnectAsync(destination.Site, cancel))
        {
            case SiteConnection.Connected connected:
                _session = connected.Session;
                destination.Connected();
                return true;
            case SiteConnection.Failed { Verdict: Verdict.Deferred deferred } failed:
                destination.NoteTrouble(deferred.Reply);
                if (!destination.CouldNotConnect(deferred.Reply, deferred.Throttled))
                    await RecordAsync(job, deferred, failed.Conversation);
                else if (job.Attempt.TryGiveBack(job.Ordinal))
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
            RecipientOutcome.Refused refused => services.Options.Bounces.Judge(refused.Stage, refused.Reply),
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
                destination.BackOff(refused.Reply.ToString(), isThrottled: true);
                break;
            case RecipientOutcome.Refused refused:
                destination.Answered();
                if (verdict is Verdict.Deferred { Throttled: true })
                    destination.SlowDown(refused.Reply.ToString());
                break;
            case RecipientOutcome.NoAnswer silence:
                destination.SlowDown(silence.Detail);
                break;
        }

        if (verdict is Verdict.Deferred deferred)
            destination.NoteTrouble(deferred.Reply);
        await RecordAsync(job, verdict, conversation);
        if (!session.CanReuse || session.Transactions >= destination.MessagesPerConnection)
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
            if (_transmission is { } transmission)
                await transmission.DisposeAsync();
        }
    }
}
