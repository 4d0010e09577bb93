using Microsoft.Extensions.Logging;
using Postrider.Engine.Composing;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;

namespace Postrider.Engine.Delivery;

/// <summary>
/// One attempt at one leased message: from the lease to the settlement that ends it. Its recipients may be under way at several destinations at
/// once; each verdict is recorded as it comes, so that a crash repeats only what was still open.
/// </summary>
/// <remarks>
/// Two things are decided here and nowhere else: that a message is marked sending, once, before any socket is used for it; and what the sum of
/// the verdicts makes of the message. Every write names the lease's generation; the first one refused means that the lease is lost, and what
/// is left of the attempt is silent.
/// </remarks>
sealed class MessageAttempt
{
    readonly DispatchedMessage _dispatched;
    readonly AttemptServices _services;
    readonly RecipientState[] _states;
    readonly string?[] _lastReplies;
    readonly bool[] _isPending;         // by recipient: no verdict yet
    readonly bool[] _isHandedOver;      // by recipient: a destination will say
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
    bool _lost;
    int _underWay;
    Backlog? _next;      // set when it goes back into the queue: what the dispatcher is to note

    public MessageAttempt(DispatchedMessage dispatched, AttemptServices services)
    {
        (_dispatched, _services) = (dispatched, services);
        var leased = dispatched.Leased;
        _leasedAt = services.Time.GetUtcNow();
        _states = leased.Message.Recipients.Select(recipient => recipient.State).ToArray();
        _lastReplies = leased.Message.Recipients.Select(recipient => recipient.LastReply).ToArray();
        _isPending = Array.ConvertAll(_states, state => state == RecipientState.Open);
        _isHandedOver = new bool[_states.Length];
        _underWay = _isPending.Count(isPending => isPending);
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
    public void NoteLookup(int ordinal) => _isHandedOver[ordinal] = true;

    /// <summary>Leaves a recipient to a destination, which records its verdict.</summary>
    public void HandTo(Destination destination, int ordinal)
    {
        _isHandedOver[ordinal] = true;
        destination.Enqueue(new DeliveryJob(this, ordinal));
    }

    /// <summary>Records one recipient's verdict; with the last one the attempt ends and its lease with it. Only the first one counts.</summary>
    /// <remarks>Not cancellable: a reply that was heard is written down, or the message goes out twice.</remarks>
    public async Task RecordAsync(int ordinal, Verdict verdict, Conversation? conversation)
    {
        await _turn.WaitAsync(CancellationToken.None);
        var last = false;
        try
        {
            if (!_isPending[ordinal])
                return;
            _isPending[ordinal] = false;
            last = --_underWay == 0;
            if (_lost)
            {
                _services.Log.LeaseLost(Leased.Message.Id, Leased.Generation);
                return;
            }
            var at = _services.Time.GetUtcNow();
            var messageEvent = Apply(ordinal, verdict, conversation, at);
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

    /// <summary>No more is tried: the node stops, or composing ran into a fault of ours. What a destination has already, it still records.</summary>
    public async Task AbandonAsync(DateTimeOffset dueAt)
    {
        foreach (var ordinal in OpenRecipients.ToArray())
        {
            if (!_isHandedOver[ordinal])
                await RecordAsync(ordinal, new Verdict.NotTried(dueAt), null);
        }
    }

    void Close() => _services.Closed(_dispatched, _next);

    MessageEvent? Apply(int ordinal, Verdict verdict, Conversation? conversation, DateTimeOffset at)
    {
        if (verdict is Verdict.NotTried untried)
        {
            _notBefore = _notBefore > untried.Until ? _notBefore : untried.Until;
            return null;
        }

        _anythingTried = true;
        var (type, state, data) = Read(verdict, at);
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
        _services.Log.RecipientSettled(Leased.Message.Id, ordinal, type, data.MxHost, data.SmtpResponse ?? data.BounceReason);
        return new MessageEvent(new Messages.EventId(_services.Ids.Next()), type, ordinal, at, data);
    }

    (EventType, RecipientState, EventData) Read(Verdict verdict, DateTimeOffset at) => verdict switch
    {
        Verdict.Delivered delivered =>
            (EventType.Delivered, RecipientState.Delivered, new EventData { SmtpResponse = delivered.Reply }),
        Verdict.Deferred deferred => ReadDeferred(deferred, at),
        Verdict.Bounced bounced => (EventType.Bounce, RecipientState.Bounced, new EventData
        {
            SmtpResponse = bounced.Source == "smtp" ? bounced.Reply : null,
            BounceType = bounced.Kind == BounceKind.Hard ? "hard" : "soft",
            BounceReason = bounced.Reply,
            Status = bounced.Status,
            Source = bounced.Source,
        }),
        Verdict.Blocked blocked => (EventType.Blocked, RecipientState.Bounced, new EventData
        {
            SmtpResponse = blocked.Reply,
            BounceType = "block",
            BounceReason = blocked.Reply,
            Status = blocked.Status,
        }),
        Verdict.Dropped dropped =>
            (EventType.Dropped, RecipientState.Dropped, new EventData { Reason = dropped.Reason, BounceReason = dropped.Detail }),
        _ => throw new InvalidOperationException($"{verdict} settles nothing."),
    };

    (EventType, RecipientState, EventData) ReadDeferred(Verdict.Deferred deferred, DateTimeOffset at)
    {
        var retry = _services.Options.Retry;
        var next = retry.NextAttempt(Leased.RetryCount + 1, Leased.FirstDueAt, at, _services.Random);
        // Recipients wait for each other: one that was silent for ten minutes is not tried again the moment another's minute is over.
        if (next is not null && !(_nextAttempt > next))
            _nextAttempt = next;
        _deferred = true;
        var data = new EventData
        {
            SmtpResponse = deferred.Reply,
            Status = deferred.Status,
            NextRetryAt = next is null ? null : _nextAttempt,
            Uncertain = deferred.Uncertain ? true : null,
        };
        if (next is not null)
            return (EventType.Deferred, RecipientState.Open, data);
        return deferred.Throttled
            ? (EventType.Deferred, RecipientState.Failed, data)
            : (EventType.Bounce, RecipientState.Bounced, data with { BounceType = "soft", BounceReason = deferred.Reply, Source = "smtp" });
    }

    Task GiveBackAsync()
    {
        var due = _notBefore ?? _services.Time.GetUtcNow();
        _next = new Backlog(new BacklogKey(Leased.Message.Tenant, Leased.QueueDomain), due);
        return WriteAsync(cancel => _services.Queue.ReturnAsync(Leased.Key, due, cancel));
    }

    Task SettleAsync(int ordinal, MessageEvent? messageEvent, DateTimeOffset at, bool last)
    {
        var status = Rollup.StatusOf(_states);
        var firstAcceptance = messageEvent?.Type == EventType.Delivered && _states.Count(state => state == RecipientState.Delivered) == 1;
        var settlement = new Settlement
        {
            Lease = Leased.Key,
            At = at,
            Recipients = messageEvent is null ? [] : [new RecipientOutcome(ordinal, _states[ordinal], _lastReplies[ordinal])],
            Events = messageEvent is null ? [] : [messageEvent],
            Status = last || status == MessageStatus.Sent ? status : MessageStatus.Sending,
            Then = !last ? Continuation.Underway.Instance : status.IsSettled() ? Continuation.Done.Instance : Requeue(at),
            RetryCount = Leased.RetryCount + (_deferred ? 1 : 0),
            SentAt = firstAcceptance ? at : null,
            ErrorMessage = status.IsSettled() ? Rollup.ErrorOf(_states, i => _lastReplies[i]) : null,
        };
        return WriteAsync(cancel => _services.Queue.SettleAsync(settlement, cancel));
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
    async Task WriteAsync(Func<CancellationToken, Task<bool>> write)
    {
        var told = false;       // once a message: a node may hold thousands
        for (var pause = TimeSpan.FromMilliseconds(100); ; pause = pause < TimeSpan.FromSeconds(5) ? pause * 2 : pause)
        {
            try
            {
                if (!await write(CancellationToken.None))
                {
                    _lost = true;
                    _services.Log.LeaseLost(Leased.Message.Id, Leased.Generation);
                }
                return;
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

/// <summary>What was said between us and the MX host, as far as the timeline keeps it.</summary>
sealed record Conversation(string MxHost, string? RemoteAddress, string? TlsVersion, IReadOnlyList<string> Replies);

/// <summary>What every attempt works with.</summary>
/// <param name="Closed">Called once, when the attempt has ended and its lease with it.</param>
/// <param name="Stopping">The node's last moment: outcomes that could not be written by then are left to the next process.</param>
sealed record AttemptServices(
    IQueueStore Queue, DeliveryOptions Options, IdGenerator Ids, Random Random, TimeProvider Time, ILogger Log,
    Action<DispatchedMessage, Backlog?> Closed, CancellationToken Stopping);
