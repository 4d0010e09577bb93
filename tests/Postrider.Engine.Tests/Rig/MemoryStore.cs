using Postrider.Engine.Control;
using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;

namespace Postrider.Engine.Tests.Rig;

/// <summary>A point at which the store may fail: before it has done anything, or after all of it is on disk.</summary>
enum Fault { None, Before, After }

/// <summary>The engine's ports in memory, as their comments ask; each call can be made to fail.</summary>
sealed partial class MemoryStore(Watch watch) : IQueueStore, IControlStore, IContentReader, IIntakeStore
{
    readonly Lock _lock = new();
    readonly Dictionary<MessageId, Row> _rows = [];
    readonly Dictionary<ContentHash, byte[]> _contents = [];
    readonly HashSet<EventId> _eventIds = [];

    sealed class Row
    {
        public required StoredMessage Message { get; set; }
        public required string Domain { get; set; }
        public required DateTimeOffset DueAt { get; set; }
        public required DateTimeOffset FirstDueAt { get; set; }
        public int RetriesBefore { get; set; }
        public MessageStatus Status { get; set; } = MessageStatus.Queued;
        public bool PartlyAccepted { get; set; }
        public bool IsLeased { get; set; }
        public bool IsSending { get; set; }
        public int Generation { get; set; }
        public NodeId Owner { get; set; }
        public DateTimeOffset Until { get; set; }
        public int RetryCount { get; set; }
        public int Requeued { get; set; }
        public DateTimeOffset? SentAt { get; set; }
        public string? Error { get; set; }
        public List<MessageEvent> Events { get; } = [];
        public BacklogKey Backlog => new(Message.Tenant, Domain);
    }

    /// <summary>Asked at each call, by the name of the operation.</summary>
    public Func<string, Fault> FaultAt { get; set; } = _ => Fault.None;

    /// <summary>Waited for before an operation, by its name.</summary>
    public Func<string, LeaseKey?, Task> Gate { get; set; } = (_, _) => Task.CompletedTask;

    public List<Acceptance> Accepted { get; } = [];

    public Func<Acceptance, AcceptOutcome>? AnswerAccept { get; set; }

    public List<Settlement> Settlements { get; } = [];

    public Dictionary<string, int> Calls { get; } = [];

    public int Settled { get; private set; }

    public int Claimed { get; private set; }

    public MessageStatus StatusOf(MessageId id) => Read(id, row => row.Status);

    public int RetryCountOf(MessageId id) => Read(id, row => row.RetryCount);

    public DateTimeOffset DueAtOf(MessageId id) => Read(id, row => row.DueAt);

    public DateTimeOffset? SentAtOf(MessageId id) => Read(id, row => row.SentAt);

    public string? ErrorOf(MessageId id) => Read(id, row => row.Error);

    public bool IsWaiting(MessageId id) => Read(id, row => !row.IsLeased && !row.Status.IsSettled());

    /// <summary>Waits for another attempt, after one that was recorded.</summary>
    public bool IsWaitingAgain(MessageId id) => Read(id, row => !row.IsLeased && !row.Status.IsSettled() && row.Requeued > 0);

    public RecipientState[] StatesOf(MessageId id) =>
        Read(id, row => row.Message.Recipients.Select(recipient => recipient.State).ToArray());

    /// <summary>What became of it: without acceptance and the audit trail.</summary>
    public MessageEvent[] EventsOf(MessageId id) =>
        Read(id, row => row.Events.Where(one => one.Type is > EventType.Processed and < EventType.Cancelled).ToArray());

    public int LeasedRows
    {
        get
        {
            lock (_lock) return _rows.Values.Count(row => row.IsLeased);
        }
    }

    public Task<ControlResult> ChangeAsync(ControlWrite write, CancellationToken cancel) => DoAsync("control", null, () =>
    {
        if (!_rows.TryGetValue(write.Message, out var row) || row.Message.Tenant != write.Tenant)
            return ControlResult.NotFound.Instance;
        var rule = ControlRules.Of(write.Action, row.Status, row.RetryCount > 0);
        if (rule != ControlRule.Taken && !(rule == ControlRule.AsksHolder && write.GivenUp == row.Generation))
            return (ControlResult)new ControlResult.Kept(row.Status, row.RetryCount > 0);
        if (write.Action == ControlAction.Retry && row.Message.Recipients.All(recipient => recipient.State == RecipientState.Delivered))
            return new ControlResult.Kept(row.Status, row.RetryCount > 0);

        var generation = row.Generation;
        AddEvents(row, [write.AuditEvent]);
        if (write.Action != ControlAction.Retry)
        {
            var to = write.Action == ControlAction.Cancel ? RecipientState.Cancelled : RecipientState.Failed;
            SetStates(row, state => state == RecipientState.Open ? to : state);
            row.Error = write.Reason ?? row.Error;
            Settle(row, write.Action == ControlAction.Cancel ? MessageStatus.Cancelled : MessageStatus.Failed);
            return new ControlResult.Changed(row.Status, generation, null);
        }
        SetStates(row, state => state == RecipientState.Delivered ? state : RecipientState.Open);
        row.Generation++;
        row.RetriesBefore = ++row.RetryCount;
        (row.FirstDueAt, row.Error, row.SentAt) = (write.At, null, null);
        row.PartlyAccepted = false;
        row.Domain = QueueDomain.Of(row.Message.Recipients);
        Release(row, write.At);
        return new ControlResult.Changed(row.Status, generation, new Backlog(row.Backlog, write.At));
    });

    public Task<bool> NoteLateAsync(LeaseKey lease, MessageEvent late, CancellationToken cancel) => DoAsync("late", lease, () =>
    {
        var row = _rows[lease.Message];
        if (row.Status != MessageStatus.Failed || row.Generation != lease.Generation)
            return false;
        AddEvents(row, [late]);
        if (late.Type == EventType.Delivered)
            SetStates(row, (state, ordinal) => ordinal == late.Recipient ? RecipientState.Delivered : state);
        return true;
    });

    static void SetStates(Row row, Func<RecipientState, RecipientState> next) => SetStates(row, (state, _) => next(state));

    static void SetStates(Row row, Func<RecipientState, int, RecipientState> next) => row.Message = row.Message with
    {
        Recipients = row.Message.Recipients.Select(
            (recipient, ordinal) => recipient with { State = next(recipient.State, ordinal) }).ToArray(),
    };

    public Task<AcceptOutcome> AcceptAsync(Acceptance acceptance, CancellationToken cancel) => DoAsync("accept", null, () =>
    {
        Accepted.Add(acceptance);
        if (AnswerAccept is { } answer)
            return answer(acceptance);
        foreach (var content in acceptance.Contents)
            _contents[content.Hash] = content.Octets.ToArray();
        foreach (var (message, domain, events) in acceptance.Messages)
        {
            var row = new Row { Message = message, Domain = domain, DueAt = message.DueAt, FirstDueAt = message.DueAt };
            if (message.Sandbox)
                row.Status = MessageStatus.Sandbox;
            AddEvents(row, events);
            _rows.Add(message.Id, row);
        }
        return AcceptOutcome.Stored.Instance;
    });

    public Task<ClaimResult> ClaimAsync(Claim claim, CancellationToken cancel) => DoAsync("claim", null, () =>
    {
        Assert.True(claim.Limit > 0);
        var waiting = _rows.Values.Where(row => row.Backlog == claim.Backlog && !row.IsLeased && !row.Status.IsSettled()).ToList();
        var due = waiting.Where(row => row.DueAt <= claim.Now)
            .OrderBy(row => row.DueAt).ThenBy(row => row.Message.Id.ToString(), StringComparer.Ordinal)
            .Take(claim.Limit).ToList();
        var leased = due.ConvertAll(row => Lease(row, claim.Owner, claim.LeaseUntil));
        var left = waiting.Where(row => !row.IsLeased).Select(row => (DateTimeOffset?)row.DueAt).Min();
        return new ClaimResult(leased, left);
    });

    public Task<IReadOnlyList<LeasedMessage>> ClaimExpiredAsync(ClaimExpired claim, CancellationToken cancel) =>
        DoAsync("expire", null, () =>
        (IReadOnlyList<LeasedMessage>)_rows.Values
            .Where(row => !row.IsLeased && !row.Status.IsSettled() && row.FirstDueAt < claim.DueBefore).Take(claim.Limit).ToList()
            .ConvertAll(row => Lease(row, claim.Owner, claim.LeaseUntil)));

    public Task<bool> MarkRenderedAsync(LeaseKey lease, CancellationToken cancel) => DoAsync("rendered", lease, () =>
    {
        if (Held(lease) is not { } row)
            return false;
        if (row.Status == MessageStatus.Processing)
            row.Status = MessageStatus.Rendered;
        return true;
    });

    public Task<bool> MarkSendingAsync(LeaseKey lease, CancellationToken cancel) => DoAsync("sending", lease, () =>
    {
        if (Held(lease) is not { } row || row.Status is MessageStatus.Sending)
            return false;
        row.IsSending = true;
        row.Status = row.PartlyAccepted ? MessageStatus.Sent : MessageStatus.Sending;
        return true;
    });

    public Task<bool> SettleAsync(Settlement settlement, CancellationToken cancel) => DoAsync("settle", settlement.Lease, () =>
    {
        if (Held(settlement.Lease) is not { } row)
            return false;
        Settlements.Add(settlement);
        AddEvents(row, settlement.Events);
        row.Message = row.Message with
        {
            Recipients = row.Message.Recipients.Select((recipient, ordinal) =>
                settlement.Recipients.FirstOrDefault(outcome => outcome.Ordinal == ordinal) is { } outcome
                    ? recipient with { State = outcome.State, LastReply = outcome.LastReply } : recipient).ToArray(),
        };
        _suppressions.AddRange(settlement.Suppressions.Where(one => !_suppressions.Exists(other => other.Id == one.Id)));
        row.RetryCount = settlement.RetryCount;
        row.SentAt ??= settlement.SentAt;
        row.Error = settlement.ErrorMessage;
        row.PartlyAccepted |= settlement.Status == MessageStatus.Sent;
        switch (settlement.Then)
        {
            case Continuation.Underway:
                row.Status = row.PartlyAccepted ? MessageStatus.Sent : row.Status;
                break;
            case Continuation.Requeue requeue:
                Assert.Contains(settlement.Status, new[] { MessageStatus.Queued, MessageStatus.Sent });
                Release(row, requeue.DueAt);
                row.Requeued++;
                row.Domain = requeue.QueueDomain;
                break;
            case Continuation.Done:
                Assert.True(settlement.Status.IsSettled());
                Settle(row, settlement.Status);
                break;
        }
        return true;
    });

    public Task<bool> ReturnAsync(LeaseKey lease, DateTimeOffset dueAt, CancellationToken cancel) => DoAsync("return", lease, () =>
    {
        if (Held(lease) is not { } row)
            return false;
        Release(row, dueAt);
        return true;
    });

    public Task RenewAsync(NodeId owner, DateTimeOffset until, CancellationToken cancel) => DoAsync("renew", null, () =>
    {
        foreach (var row in _rows.Values.Where(row => row.IsLeased && row.Owner == owner))
            row.Until = until;
        return true;
    });

    public Task<IReadOnlyList<Backlog>> ReleaseExpiredAsync(DateTimeOffset now, Func<NodeId, bool>? alsoOf, CancellationToken cancel) =>
        DoAsync("release", null, () =>
        {
            var backlogs = new HashSet<Backlog>();
            foreach (var row in _rows.Values.Where(row => row.IsLeased && (row.Until < now || alsoOf?.Invoke(row.Owner) == true)))
            {
                row.Generation++;
                Release(row, now);
                backlogs.Add(new Backlog(row.Backlog, now));
            }
            return (IReadOnlyList<Backlog>)[.. backlogs];
        });

    public Task SetBackAsync(ClockSetBack clock, CancellationToken cancel) => DoAsync("set back", null, () =>
    {
        foreach (var row in _rows.Values.Where(row => !row.IsLeased && !row.Status.IsSettled() && row.DueAt > clock.To))
        {
            if (row.DueAt <= clock.From)
                row.DueAt = clock.To;
            else if (clock.WroteAll && row.RetryCount > 0)
                row.DueAt -= clock.From - clock.To;
        }
        return true;
    });

    public Task<IReadOnlyList<Backlog>> BacklogsAsync(BacklogKey? after, int limit, CancellationToken cancel) =>
        DoAsync("backlogs", null, () =>
        (IReadOnlyList<Backlog>)_rows.Values.Where(row => !row.IsLeased && !row.Status.IsSettled())
            .GroupBy(row => row.Backlog, row => row.DueAt).Select(group => new Backlog(group.Key, group.Min()))
            .OrderBy(backlog => Order(backlog.Key), StringComparer.Ordinal)
            .Where(backlog => after is not { } key || string.CompareOrdinal(Order(backlog.Key), Order(key)) > 0)
            .Take(limit).ToArray());

    static string Order(BacklogKey key) => $"{key.Tenant} {key.Domain}";

    public Task<IReadOnlyList<BacklogView>> DescribeBacklogsAsync(BacklogKey? after, int limit, CancellationToken cancel) =>
        throw new NotSupportedException();

    public Task<QueueSummary> SummaryAsync(DateTimeOffset now, CancellationToken cancel) => throw new NotSupportedException();

    public Task<ReadOnlyMemory<byte>?> ReadAsync(TenantId tenant, ContentHash hash, CancellationToken cancel) =>
        DoAsync("read", null, () => _contents.TryGetValue(hash, out var octets) ? (ReadOnlyMemory<byte>?)octets : null);

    public Stream Open(TenantId tenant, ContentHash hash)
    {
        if (FaultAt("open") != Fault.None)
            throw new StoreUnavailableException("open");
        lock (_lock) return new MemoryStream(_contents[hash]);
    }

    public void Put(ReadOnlyMemory<byte> content)
    {
        lock (_lock) _contents[ContentHash.Of(content.Span)] = content.ToArray();
    }

    async Task<T> DoAsync<T>(string operation, LeaseKey? lease, Func<T> work)
    {
        await Gate(operation, lease);
        var fault = FaultAt(operation);
        if (fault == Fault.Before)
            throw new StoreUnavailableException(operation);
        T result;
        lock (_lock)
        {
            Calls[operation] = Calls.GetValueOrDefault(operation) + 1;
            result = work();
        }
        watch.Changed();
        return fault == Fault.After ? throw new StoreUnavailableException(operation) : result;
    }

    T Read<T>(MessageId id, Func<Row, T> read)
    {
        lock (_lock) return read(_rows[id]);
    }

    Row? Held(LeaseKey lease) =>
        _rows.TryGetValue(lease.Message, out var row) && row.IsLeased && row.Generation == lease.Generation ? row : null;

    LeasedMessage Lease(Row row, NodeId owner, DateTimeOffset until)
    {
        (row.IsLeased, row.Owner, row.Until) = (true, owner, until);
        row.Generation++;
        row.Status = row.PartlyAccepted ? MessageStatus.Sent : MessageStatus.Processing;
        Claimed++;
        return new LeasedMessage(row.Message, row.Domain, row.Generation, row.RetryCount, row.FirstDueAt)
        {
            RetriesBefore = row.RetriesBefore,
        };
    }

    static void Release(Row row, DateTimeOffset dueAt)
    {
        (row.IsLeased, row.IsSending, row.DueAt) = (false, false, dueAt);
        row.Status = row.PartlyAccepted ? MessageStatus.Sent : MessageStatus.Queued;
    }

    void Settle(Row row, MessageStatus status)
    {
        (row.IsLeased, row.IsSending, row.Status) = (false, false, status);
        Settled++;
    }

    void AddEvents(Row row, IReadOnlyList<MessageEvent> events)
    {
        foreach (var one in events)
        {
            if (_eventIds.Add(one.Id))      // the same write again, after a fault that came too late, adds nothing
                row.Events.Add(one);
        }
    }
}
