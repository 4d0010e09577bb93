using Postrider.Engine.Composing;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Engine.Suppressions;

namespace Postrider.Engine.Delivery;

/// <summary>
/// One attempt at one leased message: from the lease to the settlement that ends it. Its recipients may be under way at several
/// destinations at once; each verdict is recorded as it comes, so that a crash repeats only what was still open.
/// </summary>
/// <remarks>
/// Two things are decided here and nowhere else: that a message is marked sending, once, before any socket is used for it; and what the sum
/// of the verdicts makes of the message. Every write names the lease's generation; the first one refused means that the lease is lost, and
/// what is left of the attempt is silent.
/// </remarks>
sealed class MessageAttempt
{
    readonly DispatchedMessage _dispatched;
    readonly AttemptServices _services;
    readonly RecipientState[] _states;
    readonly string?[] _lastReplies;
    readonly RecipientsUnderWay _underWay;
    readonly SemaphoreSlim _turn = new(1);       // settlements of one message are written in the order they were decided
    readonly Lock _lock = new();
    Task<bool>? _marking;
    readonly DateTimeOffset _leasedAt;
    DateTimeOffset? _renderedAt;
    DateTimeOffset? _sendingAt;
    DateTimeOffset? _nextAttempt;
    DateTimeOffset? _notBefore;
    bool _deferred;
    bool _anythingTried;
    bool _accepted;      // somebody, in this attempt
    volatile bool _lost;
    bool _closed;
    Func<LeaseKey, Task<bool>>? _takeOver;
    bool _isTakenOver;
    TaskCompletionSource? _ended;       // made when somebody waits for it
    Backlog? _next;      // set when it goes back into the queue: what the dispatcher is to note

    public MessageAttempt(DispatchedMessage dispatched, AttemptServices services)
    {
        (_dispatched, _services) = (dispatched, services);
        var leased = dispatched.Leased;
        _leasedAt = services.Time.GetUtcNow();
        _states = leased.Message.Recipients.Select(recipient => recipient.State).ToArray();
        _lastReplies = leased.Message.Recipients.Select(recipient => recipient.LastReply).ToArray();
        _underWay = new RecipientsUnderWay(_states);
        services.Attempts.Add(this);
    }

    public LeasedMessage Leased => _dispatched.Leased;

    /// <summary>Set when it is rendered, before any recipient is handed to a destination.</summary>
    public RenderedMessage? Rendered { get; private set; }

    /// <summary>Ordinals of the recipients this attempt is for.</summary>
    public IEnumerable<int> OpenRecipients => Enumerable.Range(0, _states.Length).Where(ordinal => _states[ordinal] == RecipientState.Open);

    /// <summary>processing → rendered, on its way while the destination is found; nobody waits for it.</summary>
    public void NoteRendered(RenderedMessage rendered)
    {
        Rendered = rendered;
        _renderedAt = _services.Time.GetUtcNow();
        _ = MarkRenderedAsync();
    }

    async Task MarkRenderedAsync()
    {
        try
        {
            await _services.Queue.MarkRenderedAsync(Leased.Key, CancellationToken.None);
        }
        catch (Exception e)
        {
            _services.Log.QueueUnavailable(e.UnlessAway(), TimeSpan.Zero);       // it shows as processing a little longer
        }
    }

    /// <summary>rendered → sending, committed; asked for by each recipient's delivery, written once.</summary>
    /// <returns>False when the lease is lost: nothing may be sent.</returns>
    public Task<bool> MarkSendingAsync(CancellationToken cancel)
    {
        lock (_lock)
            return _marking ??= MarkAsync(cancel);
    }

    async Task<bool> MarkAsync(CancellationToken cancel)
    {
        var ours = await _services.Queue.MarkSendingAsync(Leased.Key, cancel);
        if (ours)
            _sendingAt = _services.Time.GetUtcNow();
        else
            _lost = true;
        return ours;
    }

    /// <summary>A recipient's destination is being looked up; whoever does so records its verdict or hands it on.</summary>
    public void NoteLookup(int ordinal) => _underWay.NoteHandedOver(ordinal);

    /// <summary>Leaves a recipient to a destination, which records its verdict.</summary>
    public void HandTo(Destination destination, int ordinal)
    {
        _underWay.NoteHandedOver(ordinal);
        destination.Enqueue(new DeliveryJob(this, ordinal));
    }

    /// <inheritdoc cref="RecipientsUnderWay.TryBegin"/>
    public bool TryBegin(int ordinal, Transmission transmission) => _underWay.TryBegin(ordinal, transmission);

    /// <inheritdoc cref="RecipientsUnderWay.End"/>
    public void End(int ordinal, Transmission transmission) => _underWay.End(ordinal, transmission);

    /// <inheritdoc cref="RecipientsUnderWay.TryGiveBack"/>
    public bool TryGiveBack(int ordinal) => _underWay.TryGiveBack(ordinal);

    /// <summary>
    /// Records one recipient's verdict; with the last one the attempt ends and its lease with it. Only the first one counts.
    /// </summary>
    /// <remarks>Not cancellable: a reply that was heard is written down, or the message goes out twice.</remarks>
    public async Task RecordAsync(int ordinal, Verdict verdict, Conversation? conversation)
    {
        await _turn.WaitAsync(CancellationToken.None);
        var last = false;
        try
        {
            if (!_underWay.TryRecord(ordinal, out last))
                return;
            var at = _services.Time.GetUtcNow();
            if (_lost)
            {
                _services.Log.LeaseLost(Leased.Message.Id, Leased.Generation);
                // What was not tried has nothing to say, and what was decided without a peer is no answer.
                if (conversation is not null && Apply(ordinal, verdict, conversation, at) is { } late)
                    await NoteLateAsync(late);
                return;
            }
            var messageEvent = Apply(ordinal, verdict, conversation, at);
            if (last && messageEvent is null && await IsTakenOverAsync())
                return;
            if (last && !_anythingTried)
                await GiveBackAsync();
            else if (messageEvent is not null || last)
                await SettleAsync(ordinal, messageEvent, at, last);
        }
        finally
        {
            if (last)
                Close();
            _turn.Release();
        }
    }

    /// <summary>The lease was lost to a write of control's: whatever this attempt still comes to changes nothing.</summary>
    public bool IsVoid => _lost;

    /// <summary>Its message was cancelled, failed or retried: stops what has not sent its final dot, and writes nothing more.</summary>
    /// <param name="generation">Leases up to this one are void; a later one knows of it already.</param>
    public void Void(int generation)
    {
        if (Leased.Generation > generation)
            return;
        _lost = true;
        Stop();
    }

    /// <summary>
    /// Stops what has not sent its final dot, and waits for the rest. When everything it was asked to send is then either recorded or was
    /// not sent, <paramref name="takeOver"/> is asked to write in place of its own end; else, or when that declines, it ends as it would
    /// have.
    /// </summary>
    /// <returns>
    /// False when it has not ended by then: a final dot is not answered yet. <paramref name="takeOver"/> is not called any more.
    /// </returns>
    public async Task<bool> YieldAsync(Func<LeaseKey, Task<bool>> takeOver, TimeSpan patience)
    {
        lock (_lock)
            _takeOver ??= takeOver;
        Stop();
        if (await EndsWithinAsync(patience))
            return true;
        lock (_lock)
        {
            if (!_isTakenOver)
            {
                _takeOver = null;
                return false;
            }
        }
        await Ended();
        return true;
    }

    public async Task<bool> EndsWithinAsync(TimeSpan patience)
    {
        var ended = Ended();
        if (!ended.IsCompleted)
            await Task.WhenAny(ended, Task.Delay(patience, _services.Time, CancellationToken.None));
        return ended.IsCompleted;
    }

    Task Ended()
    {
        lock (_lock)
            return _closed ? Task.CompletedTask : (_ended ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
    }

    void Stop()
    {
        if (_underWay.Stop() is { Count: > 0 } untried)
            _ = RecordUntriedAsync(untried);
    }

    /// <remarks>Never faults: nobody waits for it.</remarks>
    async Task RecordUntriedAsync(List<int> ordinals)
    {
        foreach (var ordinal in ordinals)
        {
            try
            {
                await RecordAsync(ordinal, new Verdict.NotTried(_services.Time.GetUtcNow()), null);
            }
            catch (Exception e)
            {
                _services.Log.OutcomeNotWritten(e, Leased.Message.Id);
            }
        }
    }

    async Task<bool> IsTakenOverAsync()
    {
        Func<LeaseKey, Task<bool>>? takeOver;
        lock (_lock)
        {
            takeOver = _takeOver;
            _isTakenOver = takeOver is not null;
        }
        try
        {
            return takeOver is not null && await takeOver(Leased.Key);
        }
        catch (Exception e)
        {
            _services.Log.OutcomeNotWritten(e, Leased.Message.Id);
            return false;       // given back instead; should it have been written all the same, that is refused
        }
    }

    /// <summary>There is nobody to send to: it was cancelled or failed between the claim and the reading of what it says.</summary>
    public async Task EndUntriedAsync(DateTimeOffset dueAt)
    {
        _notBefore = dueAt;
        try
        {
            await GiveBackAsync();
        }
        finally
        {
            Close();
        }
    }

    /// <summary>
    /// No more is tried: the node stops, or composing ran into a fault of ours. What a destination has already, it still records.
    /// </summary>
    public async Task AbandonAsync(DateTimeOffset dueAt)
    {
        foreach (var ordinal in OpenRecipients.ToArray())
        {
            if (_underWay.IsWaiting(ordinal))
                await RecordAsync(ordinal, new Verdict.NotTried(dueAt), null);
        }
    }

    void Close()
    {
        TaskCompletionSource? ended;
        lock (_lock)
            (_closed, ended) = (true, _ended);
        _services.Attempts.Remove(this);
        _services.Closed(_dispatched, _next);
        ended?.TrySetResult();
    }

    MessageEvent? Apply(int ordinal, Verdict verdict, Conversation? conversation, DateTimeOffset at)
    {
        if (verdict is Verdict.NotTried untried)
        {
            _notBefore = _notBefore > untried.Until ? _notBefore : untried.Until;
            return null;
        }

        _anythingTried = true;
        var (type, state, data) = VerdictEvents.Of(verdict, verdict is Verdict.Deferred ? NextAttempt(at) : null);
        _states[ordinal] = state;
        _lastReplies[ordinal] = data.SmtpResponse ?? data.BounceReason;
        data = data with
        {
            Attempt = Leased.RetryCount + 1,
            MxHost = conversation?.MxHost,
            TlsVersion = conversation?.TlsVersion,
            AttemptRecord = new AttemptRecord
            {
                RemoteAddress = conversation?.RemoteAddress,
                LeasedAt = _leasedAt,
                RenderedAt = _renderedAt,
                SendingAt = _sendingAt,
                Replies = conversation?.Replies,
            },
        };
        EngineMetrics.Count(type);
        EngineMetrics.CountRefusal(verdict);
        _services.Log.RecipientSettled(Leased.Message.Id, ordinal, type, data.MxHost, data.SmtpResponse ?? data.BounceReason);
        return new MessageEvent(new Messages.EventId(_services.Ids.Next()), type, ordinal, at, data);
    }

    /// <returns>Null when there is none: the time is up.</returns>
    DateTimeOffset? NextAttempt(DateTimeOffset at)
    {
        _deferred = true;
        var retry = _services.Options.Retry;
        if (retry.NextAttempt(Leased.RetryCount - Leased.RetriesBefore + 1, Leased.FirstDueAt, at, _services.Random) is not { } next)
            return null;
        // Recipients wait for each other: one that was silent for ten minutes is not tried again the moment another's minute is over.
        _nextAttempt = _nextAttempt > next ? _nextAttempt : next;
        return _nextAttempt;
    }

    Task<bool> GiveBackAsync()
    {
        var due = _notBefore ?? _services.Time.GetUtcNow();
        _next = new Backlog(new BacklogKey(Leased.Message.Tenant, Leased.QueueDomain), due);
        return WriteAsync(cancel => _services.Queue.ReturnAsync(Leased.Key, due, cancel));
    }

    async Task SettleAsync(int ordinal, MessageEvent? messageEvent, DateTimeOffset at, bool last)
    {
        var status = Rollup.StatusOf(_states);
        var isFirstAcceptance = messageEvent?.Type == EventType.Delivered && !_accepted;
        _accepted |= isFirstAcceptance;
        var settlement = new Settlement
        {
            Lease = Leased.Key,
            At = at,
            Recipients = messageEvent is null ? [] : [new RecipientOutcome(ordinal, _states[ordinal], _lastReplies[ordinal])],
            Events = messageEvent is null ? [] : [messageEvent],
            Status = last || status == MessageStatus.Sent ? status : MessageStatus.Sending,
            Then = !last ? Continuation.Underway.Instance : status.IsSettled() ? Continuation.Done.Instance : Requeue(at),
            RetryCount = Leased.RetryCount + (_deferred ? 1 : 0),
            SentAt = isFirstAcceptance ? at : null,
            ErrorMessage = status.IsSettled() ? Rollup.ErrorOf(_states, i => _lastReplies[i]) : null,
            Suppressions = messageEvent is not null
                && BounceRows.Of(messageEvent, Leased.Message.Id, Leased.Message.Recipients[ordinal].Address.Mailbox) is { } row ? [row] : [],
        };
        var isOurs = await WriteAsync(cancel => _services.Queue.SettleAsync(settlement, cancel));
        if (!isOurs && messageEvent is { Data.MxHost: not null } late)
            await NoteLateAsync(late);
    }

    Task<bool> NoteLateAsync(MessageEvent late)
    {
        late = late with { Data = late.Data! with { Late = true, NextRetryAt = null } };
        return WriteAsync(cancel => _services.Control.NoteLateAsync(Leased.Key, late, cancel));
    }

    Continuation.Requeue Requeue(DateTimeOffset at)
    {
        var due = _nextAttempt ?? _notBefore ?? at;
        var domain = QueueDomain.Of(Leased.Message.Recipients.Select((recipient, i) => recipient with { State = _states[i] }).ToArray());
        _next = new Backlog(new BacklogKey(Leased.Message.Tenant, domain), due);
        return new Continuation.Requeue(due, domain);
    }

    /// <summary>
    /// Writes until the store takes it. While the store is away the outcome is held here: giving up would send the message again.
    /// When the process is ended meanwhile, the next one finds the message <c>sending</c> and records the attempt as uncertain.
    /// </summary>
    /// <returns>False when the lease is lost and nothing was written.</returns>
    async Task<bool> WriteAsync(Func<CancellationToken, Task<bool>> write)
    {
        var told = false;       // once a message: a node may hold thousands
        for (var pause = TimeSpan.FromMilliseconds(100); ; pause = pause < TimeSpan.FromSeconds(5) ? pause * 2 : pause)
        {
            try
            {
                if (await write(CancellationToken.None))
                    return true;
                if (!_lost)
                    _services.Log.LeaseLost(Leased.Message.Id, Leased.Generation);
                _lost = true;
                return false;
            }
            catch (Exception e) when (!_services.Stopping.IsCancellationRequested)
            {
                if (!told || e is not StoreUnavailableException)
                    _services.Log.OutcomeNotWritten(e.UnlessAway(), Leased.Message.Id);
                told = true;
                await Task.Delay(pause, _services.Time, _services.Stopping);
            }
        }
    }
}
