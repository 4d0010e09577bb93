using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Engine.Suppressions;
using Postrider.Store.Postgres;

namespace Postrider.Store.Conformance.Postgres;

public sealed class PostgresStoreTests : StoreConformance<PostgresFixture>
{
    [Fact]
    public void The_lane_of_a_tenant_never_changes_and_tenants_spread_over_all_of_them()
    {
        Assert.Equal(55, Lane.Of(new TenantId(Guid.Parse("018f3c2a-7b1e-7c4d-9a52-3f6e8d0b1c27"))));

        var lanes = Enumerable.Range(0, 6400).Select(_ => Lane.Of(new TenantId(Store.Ids.Next()))).CountBy(lane => lane).ToArray();
        Assert.Equal(Lane.Count, lanes.Length);
        Assert.All(lanes, lane => Assert.InRange(lane.Value, 50, 170));
    }

    [Fact]
    public async Task Only_a_settlement_that_suppresses_sends_statements_for_it()
    {
        var delivered = await Sample.SendingAsync();
        var bounced = await Sample.SendingAsync();
        var bounce = Sample.Event(EventType.Bounce, data: new EventData { BounceType = "hard", BounceReason = "550 5.1.1 gone" });
        var before = Store.Postgres.StatementsSent;

        await Sample.SettleAsync(Sample.Delivered(delivered));
        var between = Store.Postgres.StatementsSent;
        await Sample.SettleAsync(Sample.Delivered(bounced) with
        {
            Status = MessageStatus.Bounced, Events = [bounce],
            Suppressions = [BounceRows.Of(bounce, bounced.Message, Sample.Address("bo@example.net").Mailbox)!],
        });

        Assert.Equal((1, 3), (between - before, Store.Postgres.StatementsSent - between));
    }

    [Fact]
    public async Task Two_nodes_claim_disjoint_messages_and_together_all()
    {
        await using var other = await Store.OpenAnotherAsync();
        await Sample.AcceptAsync(Sample.Acceptance([.. Enumerable.Range(0, 400).Select(_ => Sample.Message())]));

        async Task<List<MessageId>> DrainAsync(PostgresStore store)
        {
            var claimed = new List<MessageId>();
            ClaimResult result;
            do
            {
                result = await store.ClaimAsync(
                    new Claim(Sample.Backlog(), Store.Now, 13, Sample.Node, Sample.Later), CancellationToken.None);
                claimed.AddRange(result.Messages.Select(leased => leased.Message.Id));
            }
            while (result.Messages.Count > 0 || result.NextDueAt is not null);
            return claimed;
        }
        var both = await Task.WhenAll(DrainAsync(Store.Postgres), DrainAsync(other), DrainAsync(Store.Postgres), DrainAsync(other));

        var all = both.SelectMany(claimed => claimed).ToArray();
        Assert.Equal((400, 400), (all.Length, all.Distinct().Count()));
    }

    [Fact]
    public async Task One_key_used_on_two_nodes_at_once_makes_one_message()
    {
        await using var other = await Store.OpenAnotherAsync();
        for (var round = 0; round < 10; round++)
        {
            var claim = new IdempotencyClaim($"key {round}", ContentHash.Of("body"u8), Sample.Later);
            var outcomes = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => (i % 2 == 0 ? Store.Postgres : other)
                .AcceptAsync(Sample.Acceptance(Sample.Message()) with { Idempotency = claim }, CancellationToken.None)));

            Assert.Single(outcomes.OfType<AcceptOutcome.Stored>());
            Assert.Single(outcomes.OfType<AcceptOutcome.Replayed>().SelectMany(replayed => replayed.Messages).Distinct());
            Assert.Equal(round + 1, (await Sample.ListAsync()).Total);
        }
    }

    [Fact]
    public async Task Totals_stay_right_while_two_nodes_carry_many_tenants_mail()
    {
        await using var other = await Store.OpenAnotherAsync();
        PostgresStore[] nodes = [Store.Postgres, other];
        var tenants = new List<(TenantId Id, BatchId Batch)>();
        for (var i = 0; i < 12; i++)
        {
            var tenant = await Sample.AddTenantAsync($"tenant {i}");
            var batch = new BatchId(Store.Ids.Next());
            await Store.Postgres.CreateAsync(tenant, batch, CancellationToken.None);
            tenants.Add((tenant, batch));
        }

        async Task CarryAsync(TenantId tenant, BatchId batch, int n)
        {
            var node = nodes[n % 2];
            var message = Sample.Message(message => message with { Tenant = tenant, Batch = batch });
            await node.AcceptAsync(Sample.Acceptance(message), CancellationToken.None);
            var claim = new Claim(new BacklogKey(tenant, "example.net"), Store.Now, 2, Sample.Node, Sample.Later);
            foreach (var leased in (await nodes[(n + 1) % 2].ClaimAsync(claim, CancellationToken.None)).Messages)
            {
                var rendered = node.MarkRenderedAsync(leased.Key, CancellationToken.None);
                Assert.True(await node.MarkSendingAsync(leased.Key, CancellationToken.None) && await rendered);
                Assert.True(await node.SettleAsync(Sample.Delivered(leased.Key), CancellationToken.None));
            }
        }
        await Task.WhenAll(
            tenants.SelectMany(tenant => Enumerable.Range(0, 20).Select(n => Task.Run(() => CarryAsync(tenant.Id, tenant.Batch, n)))));

        foreach (var (tenant, batch) in tenants)
        {
            var counts = (await Store.Postgres.FindAsync(tenant, batch, CancellationToken.None))!.Counts;
            var waiting = await Store.Postgres.ClaimAsync(
                new Claim(new BacklogKey(tenant, "example.net"), Store.Now, 100, Sample.Node, Sample.Later), CancellationToken.None);
            Assert.Equal((20L, (long)waiting.Messages.Count), (counts.Sum(), counts[(int)MessageStatus.Queued]));
            Assert.Equal(20L - waiting.Messages.Count, counts[(int)MessageStatus.Delivered]);
        }
    }

    [Fact]
    public async Task The_steps_of_a_lease_do_not_wait_for_whoever_changes_the_totals()
    {
        await Sample.AcceptAsync();

        await Store.Postgres.Database.WriteAsync(
            async connection =>
            {
                await using var hold = connection.CreateCommand();
                hold.CommandText = "select 1 from counter for update";
                await hold.ExecuteNonQueryAsync();

                var lease = await Sample.ClaimOneAsync();
                Assert.True(await Store.Queue.MarkRenderedAsync(lease, CancellationToken.None));
                Assert.True(await Store.Queue.MarkSendingAsync(lease, CancellationToken.None));
                return Assert.Single((await Sample.ListAsync(new MessageFilter { Statuses = [MessageStatus.Sending] })).Items);
            },
            CancellationToken.None);
    }

    [Fact]
    public async Task What_a_peer_wrote_that_no_text_column_holds_is_kept_as_well_as_may_be()
    {
        var lease = await Sample.SendingAsync();

        Assert.True(await Sample.SettleAsync(Sample.Delivered(lease) with
        {
            Recipients = [new RecipientOutcome(0, RecipientState.Delivered, "250 \0 \uD800 ok 😀")],
        }));

        Assert.Equal("250 \uFFFD \uFFFD ok 😀", (await Sample.ViewAsync(lease.Message)).Message.Recipients[0].LastReply);
    }

    [Theory]
    [InlineData("100%")]
    [InlineData("a_b")]
    [InlineData(@"c:\temp")]
    public async Task A_subject_is_searched_for_as_it_is_written(string part)
    {
        var found = await Sample.AcceptAsync(message => message with { Subject = $"It is {part.ToUpperInvariant()} sure" });
        await Sample.AcceptAsync(message => message with { Subject = "It is 100 aXb c:temp sure" });

        Assert.Equal([found.Id], (await Sample.ListAsync(new MessageFilter { Subject = part })).Items.Select(item => item.Id));
    }

    [Fact]
    public async Task A_purge_removes_expired_keys_and_only_those()
    {
        var fingerprint = ContentHash.Of("body"u8);
        await Task.WhenAll(Enumerable.Range(0, 600).Select(i => Sample.AcceptAsync(Sample.Acceptance() with
        {
            Messages = [Sample.Message()],
            Idempotency = new IdempotencyClaim($"key {i}", fingerprint, Store.Now.AddMinutes(i < 550 ? 1 : 3)),
        })));
        Store.Time.Advance(TimeSpan.FromMinutes(2));

        await Store.Postgres.PurgeAsync(Store.Now, CancellationToken.None);

        Assert.Equal("50", (await Store.Cluster.QueryAsync(Store.Database, "select count(*) from idempotency")).Trim());
    }

    [Fact]
    public async Task A_database_of_a_newer_version_is_refused()
    {
        await Store.Cluster.QueryAsync(
            Store.Database, "insert into schema_migration (version, name, applied_at) values (9999, 'later', now())");

        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(Store.OpenAnotherAsync);

        Assert.Contains("schema 9999", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_readiness_check_reads_and_writes()
    {
        await Store.Postgres.CheckAsync(TimeSpan.FromSeconds(5), CancellationToken.None);

        Assert.Equal("1", (await Store.Cluster.QueryAsync(Store.Database, "select count(*) from readiness")).Trim());
    }
}
