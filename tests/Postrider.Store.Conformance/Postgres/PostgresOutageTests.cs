using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Store.Postgres;
using Postrider.Testing;

namespace Postrider.Store.Conformance.Postgres;

/// <summary>What becomes of writes when their connection, or the server, goes away beneath them.</summary>
public sealed class PostgresOutageTests : StoreConformance<PostgresFixture>
{
    const string CutSql =
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";

    [Fact]
    public async Task Connections_cut_under_load_lose_nothing_that_was_acknowledged_and_make_no_message_twice()
    {
        var acknowledged = new List<MessageId>();
        using var stop = new CancellationTokenSource();
        var accepting = Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                var message = Sample.Message();
                try
                {
                    Assert.IsType<AcceptOutcome.Stored>(await Sample.AcceptAsync(Sample.Acceptance(message)));
                    lock (acknowledged) acknowledged.Add(message.Message.Id);
                }
                catch (StoreUnavailableException)
                {
                    // Not acknowledged: there or not.
                }
            }
        })));

        for (var i = 0; i < 10; i++)
            await Store.Cluster.QueryAsync(Store.Database, CutSql);
        await stop.CancelAsync();
        await accepting;

        var page = await Sample.ListAsync(page: new PageRequest(null, 0, 100_000));
        Assert.NotEmpty(acknowledged);
        Assert.Empty(acknowledged.Except(page.Items.Select(item => item.Id)));
        Assert.Equal(page.Items.Count, page.Total);
        var summary = await Store.Postgres.SummaryAsync(Store.Now, CancellationToken.None);
        Assert.Equal(page.Total, summary.Live);
    }

    [Fact]
    public async Task A_claim_whose_answer_was_lost_is_given_back()
    {
        await Sample.AcceptAsync(Sample.Acceptance([.. Enumerable.Range(0, 600).Select(_ => Sample.Message())]));
        var held = new List<MessageId>();
        var cutting = Task.Run(async () =>
        {
            for (var i = 0; i < 8; i++)
                await Store.Cluster.QueryAsync(Store.Database, CutSql);
        });
        while (!cutting.IsCompleted || held.Count == 0)
        {
            try
            {
                held.AddRange((await Sample.ClaimAsync(limit: 3)).Select(leased => leased.Message.Id));
            }
            catch (StoreUnavailableException)
            {
                // What it leased, if anything, nobody holds.
            }
        }
        await cutting;
        await Store.Queue.RenewAsync(Sample.Node, Sample.Later, CancellationToken.None);

        // A session that was cut holds its rows a moment longer, and a claim passes over them.
        ClaimResult result;
        do
        {
            result = await Store.Queue.ClaimAsync(
                new Claim(Sample.Backlog(), Store.Now, 1000, Sample.Node, Sample.Later), CancellationToken.None);
            held.AddRange(result.Messages.Select(leased => leased.Message.Id));
        }
        while (result.NextDueAt is not null);

        Assert.Equal((600, 600), (held.Count, held.Distinct().Count()));
    }

    [Fact]
    public async Task A_server_that_crashed_is_told_as_unavailable_and_found_again_with_all_that_was_acknowledged()
    {
        await using var cluster = await PostgresCluster.StartAsync(durable: true);
        await using var store = await PostgresStore.OpenAsync(
            new PostgresStoreOptions(cluster.ConnectionString("postgres")), Store.Time, Store.Ids, log: null, CancellationToken.None);
        var tenant = new Engine.Tenants.Tenant(Sample.Tenant, "acme", Store.Now, Suspended: false);
        Assert.True(await store.AddTenantAsync(tenant, CancellationToken.None));
        var acknowledged = new List<MessageId>();
        for (var round = 0; round < 3; round++)
        {
            using var stop = new CancellationTokenSource();
            var unavailable = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var accepting = Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    var message = Sample.Message();
                    try
                    {
                        Assert.IsType<AcceptOutcome.Stored>(await store.AcceptAsync(Sample.Acceptance(message), CancellationToken.None));
                        lock (acknowledged) acknowledged.Add(message.Message.Id);
                    }
                    catch (StoreUnavailableException)
                    {
                        unavailable.TrySetResult();
                    }
                }
            })));
            await cluster.StopAsync(immediately: true);
            await unavailable.Task;
            await Assert.ThrowsAsync<StoreUnavailableException>(
                () => store.FindAsync(Sample.Tenant, new MessageId(Store.Ids.Next()), CancellationToken.None));
            await Assert.ThrowsAsync<StoreUnavailableException>(
                () => store.ClaimAsync(new Claim(Sample.Backlog(), Store.Now, 1, Sample.Node, Sample.Later), CancellationToken.None));
            await cluster.StartAsync();
            var after = Sample.Message();
            Assert.IsType<AcceptOutcome.Stored>(await store.AcceptAsync(Sample.Acceptance(after), CancellationToken.None));
            lock (acknowledged) acknowledged.Add(after.Message.Id);
            await stop.CancelAsync();
            await accepting;
        }

        var page = await store.ListAsync(Sample.Tenant, new MessageFilter(), new PageRequest(null, 0, 1_000_000), CancellationToken.None);
        Assert.Empty(acknowledged.Except(page.Items.Select(item => item.Id)));
        Assert.Equal(page.Items.Count, page.Total);
    }
}
