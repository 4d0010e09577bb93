using FsCheck;
using FsCheck.Fluent;
using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;

namespace Postrider.Store.Conformance;

/// <summary>Any order of steps, compared with a model after each: who holds what, what each message shows as, what the totals say.</summary>
public abstract class LifecycleConformance<TFixture> : StoreConformance<TFixture> where TFixture : StoreFixture, new()
{
    [Fact]
    public void Any_order_of_steps_keeps_to_the_model()
    {
        var steps = Gen.Choose(0, 14).SelectMany(step => Gen.Choose(0, 1000), (step, which) => (step, which)).ListOf(60);

        Prop.ForAll(steps.ToArbitrary(), schedule => RunAsync(schedule)).Check(Config.QuickThrowOnFailure.WithMaxTest(25));
    }

    async Task RunAsync(IList<(int Step, int Which)> schedule)
    {
        var model = new Model(Store, Sample, await Sample.AddTenantAsync($"tenant {Store.Ids.Next()}"));
        await model.StartAsync();
        foreach (var (step, which) in schedule)
        {
            await model.StepAsync(step, which);
            await model.CheckAsync();
        }
    }

    sealed class Model(StoreFixture store, Sample sample, TenantId tenant)
    {
        static readonly TimeSpan LeaseTime = TimeSpan.FromMinutes(1);

        readonly List<Live> _messages = [];

        /// <summary>Every lease that was ever given, most of them stale.</summary>
        readonly List<LeaseKey> _leases = [];
        readonly NodeId _node = new(store.Ids.Next());
        BatchId _batch;

        public async Task StartAsync()
        {
            _batch = new BatchId(store.Ids.Next());
            await store.Batches.CreateAsync(tenant, _batch, CancellationToken.None);
        }

        public Task StepAsync(int step, int which) => step switch
        {
            0 or 1 => AcceptAsync(sandbox: which % 7 == 0),
            2 or 3 => ClaimAsync(1 + (which % 3)),
            4 => OnLeaseAsync(which, (lease, live) => MarkAsync(live, live?.Status == MessageStatus.Processing, MessageStatus.Rendered, store.Queue.MarkRenderedAsync(lease, default))),
            5 => OnLeaseAsync(which, (lease, live) => MarkAsync(live, live?.Status is MessageStatus.Processing or MessageStatus.Rendered, MessageStatus.Sending, store.Queue.MarkSendingAsync(lease, default))),
            6 => OnLeaseAsync(which, (lease, live) => SettleAsync(live, sample.Delivered(lease))),
            7 => OnLeaseAsync(which, (lease, live) => SettleAsync(live, sample.Delivered(lease) with
            {
                Status = MessageStatus.Bounced, SentAt = null, Recipients = [new RecipientOutcome(0, RecipientState.Bounced, "550 5.1.1 No")],
            })),
            8 => OnLeaseAsync(which, (lease, live) => SettleAsync(live, sample.Deferred(lease, store.Now, (live?.Retries ?? 0) + 1) with
            {
                Status = live is { Partly: true } ? MessageStatus.Sent : MessageStatus.Queued,
            })),
            9 => OnLeaseAsync(which, (lease, live) => SettleAsync(live, sample.Delivered(lease) with
            {
                Status = MessageStatus.Sent, Then = Continuation.Underway.Instance, RetryCount = live?.Retries ?? 0,
            })),
            10 => OnLeaseAsync(which, ReturnAsync),
            11 => ReleaseAsync(expire: which % 2 == 0),
            _ => ControlAsync((ControlAction)(step - 12), which),
        };

        public async Task CheckAsync()
        {
            var cancel = CancellationToken.None;
            var counts = new long[MessageStatuses.Count];
            foreach (var live in _messages)
                counts[(int)live.Shown]++;
            for (var status = 0; status < counts.Length; status++)
            {
                var filter = new MessageFilter { Statuses = [(MessageStatus)status] };
                var page = await store.Messages.ListAsync(tenant, filter, new PageRequest(null, 0, 100), cancel);
                Assert.Equal(counts[status], page.Total);
                Assert.Equal(counts[status], page.Items.Count);
            }
            var batch = await store.Batches.FindAsync(tenant, _batch, cancel);
            Assert.Equal(counts, batch!.Counts);
            Assert.Equal(_messages.Count > 0 && _messages.TrueForAll(live => live.Shown.IsSettled()), batch.CompletedAt is not null);
            foreach (var live in _messages)
            {
                var view = await store.Messages.FindAsync(tenant, live.Id, cancel);
                Assert.Equal((live.Shown, live.Retries, live.Events), (view!.Status, view.RetryCount, view.Events.Count));
            }
        }

        async Task AcceptAsync(bool sandbox)
        {
            var message = sample.Message(message => message with { Tenant = tenant, Batch = _batch, Sandbox = sandbox });
            await sample.AcceptAsync(sample.Acceptance(message));
            _messages.Add(new Live(message.Message.Id)
            {
                Status = sandbox ? MessageStatus.Sandbox : MessageStatus.Queued,
                DueAt = store.Now,
                Events = sandbox ? 0 : 1,
            });
        }

        async Task ClaimAsync(int limit)
        {
            var claim = new Claim(new BacklogKey(tenant, "example.net"), store.Now, limit, _node, store.Now + LeaseTime);
            var (claimed, nextDueAt) = await store.Queue.ClaimAsync(claim, CancellationToken.None);

            var expected = _messages.Where(live => live.Status == MessageStatus.Queued)
                .OrderBy(live => live.DueAt).ThenBy(live => live.Id.ToString(), StringComparer.Ordinal).Take(limit).ToArray();
            Assert.Equal(expected.Select(live => live.Id), claimed.Select(leased => leased.Message.Id));
            Assert.Equal(
                _messages.Except(expected).Where(live => live.Status == MessageStatus.Queued).Min(live => (DateTimeOffset?)live.DueAt), nextDueAt);
            foreach (var (live, leased) in expected.Zip(claimed))
            {
                Assert.Equal((++live.Generation, live.Retries), (leased.Generation, leased.RetryCount));
                live.Status = MessageStatus.Processing;
                live.LeaseUntil = claim.LeaseUntil;
                _leases.Add(leased.Key);
            }
        }

        /// <param name="act">Given the message when the lease still holds it, else null: then it must be refused.</param>
        async Task OnLeaseAsync(int which, Func<LeaseKey, Live?, Task> act)
        {
            if (_leases.Count == 0)
                return;
            // The last few more often than the old ones.
            var lease = _leases[^(1 + (which % Math.Min(_leases.Count, which % 3 == 0 ? 1000 : 3)))];
            var live = _messages.Find(live => live.Id == lease.Message)!;
            await act(lease, live.Generation == lease.Generation && live.IsLeased ? live : null);
        }

        static async Task MarkAsync(Live? live, bool allowed, MessageStatus to, Task<bool> mark)
        {
            Assert.Equal(allowed, await mark);
            if (allowed)
                live!.Status = to;
        }

        async Task SettleAsync(Live? live, Settlement settlement)
        {
            Assert.Equal(live is not null, await sample.SettleAsync(settlement));
            if (live is null)
                return;
            live.Events++;
            live.Retries = settlement.RetryCount;
            live.Partly = settlement.Status == MessageStatus.Sent;
            if (settlement.Then is not Continuation.Underway)
                live.Status = settlement.Then is Continuation.Requeue ? MessageStatus.Queued : settlement.Status;
            live.Delivered = settlement.Recipients[0].State == RecipientState.Delivered;
            live.DueAt = store.Now;
        }

        async Task ControlAsync(ControlAction action, int which)
        {
            if (_messages.Count == 0)
                return;
            var live = _messages[which % _messages.Count];
            var givenUp = which % 5 == 0 ? live.Generation : (int?)null;
            var write = new ControlWrite(tenant, live.Id, action, store.Now, new EventId(store.Ids.Next())) { GivenUp = givenUp };
            var rule = ControlRules.Of(action, live.Shown, live.Retries > 0);
            var takes = rule == ControlRule.Taken || (rule == ControlRule.AsksHolder && givenUp is not null);
            takes &= action != ControlAction.Retry || !live.Delivered;
            var (before, generation, tried) = (live.Shown, live.Generation, live.Retries > 0);

            var result = await store.Control.ChangeAsync(write, CancellationToken.None);

            if (!takes)
            {
                Assert.Equal(new ControlResult.Kept(before, tried), result);
                return;
            }
            live.Events++;
            live.DueAt = store.Now;
            live.Status = action switch
            {
                ControlAction.Cancel => MessageStatus.Cancelled,
                ControlAction.Fail => MessageStatus.Failed,
                _ => MessageStatus.Queued,
            };
            if (action == ControlAction.Retry)
                (live.Generation, live.Retries, live.Partly) = (generation + 1, live.Retries + 1, false);
            var waiting = action == ControlAction.Retry ? new Backlog(new BacklogKey(tenant, "example.net"), store.Now) : (Backlog?)null;
            Assert.Equal(new ControlResult.Changed(live.Status, generation, waiting), result);
        }

        async Task ReturnAsync(LeaseKey lease, Live? live)
        {
            Assert.Equal(live is not null, await store.Queue.ReturnAsync(lease, store.Now, CancellationToken.None));
            if (live is null)
                return;
            live.Status = MessageStatus.Queued;
            live.DueAt = store.Now;
        }

        async Task ReleaseAsync(bool expire)
        {
            if (expire)
                store.Time.Advance(LeaseTime + TimeSpan.FromSeconds(1));
            var released = await store.Queue.ReleaseExpiredAsync(store.Now, null, CancellationToken.None);

            var expected = _messages.Where(live => live.IsLeased && live.LeaseUntil < store.Now).ToArray();
            Assert.Equal(expected.Length > 0, released.Any(backlog => backlog.Key.Tenant == tenant));
            foreach (var live in expected)
            {
                if (live.Status == MessageStatus.Sending)
                {
                    live.Retries++;
                    live.Events += live.Delivered ? 0 : 1;
                }
                live.Status = MessageStatus.Queued;
                live.Generation++;
                live.DueAt = store.Now;
            }
        }

        sealed class Live(MessageId id)
        {
            public MessageId Id { get; } = id;

            /// <summary>As if it had not been accepted by anyone.</summary>
            public MessageStatus Status { get; set; }

            public bool Partly { get; set; }

            public bool Delivered { get; set; }

            public int Generation { get; set; }

            public int Retries { get; set; }

            public int Events { get; set; }

            public DateTimeOffset DueAt { get; set; }

            public DateTimeOffset LeaseUntil { get; set; }

            public bool IsLeased => Status is MessageStatus.Processing or MessageStatus.Rendered or MessageStatus.Sending;

            public MessageStatus Shown => Partly && !Status.IsSettled() ? MessageStatus.Sent : Status;
        }
    }
}
