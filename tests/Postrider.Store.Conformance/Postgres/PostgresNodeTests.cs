using Postrider.Engine.Messages;
using Postrider.Engine.Queue;

namespace Postrider.Store.Conformance.Postgres;

public sealed class PostgresNodeTests : StoreConformance<PostgresFixture>
{
    [Fact]
    public async Task Nodes_are_counted_while_they_are_seen_and_do_not_leave()
    {
        var (one, two) = (Node("one"), Node("two"));

        Assert.Equal(1, await BeatAsync(one));
        Assert.Equal(2, await BeatAsync(two));
        Store.Time.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(2, await BeatAsync(one));
        Store.Time.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(1, await BeatAsync(one));
        Assert.Equal(2, await BeatAsync(two));

        await Store.Postgres.LeaveAsync(two.Id, CancellationToken.None);

        Assert.Equal(1, await BeatAsync(one));
    }

    [Fact]
    public async Task Rows_of_the_dead_are_swept_after_a_day()
    {
        await BeatAsync(Node("dead"));
        Store.Time.Advance(TimeSpan.FromDays(1) + TimeSpan.FromSeconds(1));

        await BeatAsync(Node("alive"));

        Assert.Equal("alive", (await Store.Cluster.QueryAsync(Store.Database, "select name from node")).Trim());
    }

    [Fact]
    public async Task A_database_that_holds_no_store_gets_one_only_from_those_who_may_make_it()
    {
        var empty = $"{Store.Database}_empty";
        await Store.Cluster.CreateDatabaseAsync(empty);
        try
        {
            var options = new Postrider.Store.Postgres.PostgresStoreOptions(Store.Cluster.ConnectionString(empty)) { MayCreate = false };
            var refused = await Assert.ThrowsAsync<StoreUnavailableException>(() =>
                Postrider.Store.Postgres.PostgresStore.OpenAsync(options, Store.Time, Store.Ids, log: null, CancellationToken.None));

            Assert.Contains("no store", refused.Message, StringComparison.Ordinal);
            Assert.Equal("0", (await Store.Cluster.QueryAsync(empty, "select count(*) from pg_tables where schemaname = 'public'")).Trim());
        }
        finally
        {
            await Store.Cluster.DropDatabaseAsync(empty);
        }
    }

    [Fact]
    public async Task Other_nodes_are_told_of_what_is_given_back_and_of_what_is_taken_back()
    {
        var told = new List<Backlog>();
        await Sample.AcceptAsync();
        var lease = await Sample.ClaimOneAsync();
        Store.Postgres.Waiting += told.Add;

        var given = Store.Now.AddMinutes(1);
        Assert.True(await Store.Queue.ReturnAsync(lease, given, CancellationToken.None));
        Store.Time.Advance(TimeSpan.FromMinutes(1));
        await Sample.ClaimOneAsync();
        var taken = Sample.Later.AddMinutes(1);
        await Store.Queue.ReleaseExpiredAsync(taken, null, CancellationToken.None);

        Assert.Equal([new Backlog(Sample.Backlog(), given), new Backlog(Sample.Backlog(), taken)], told);
    }

    [Fact]
    public async Task A_node_that_vanished_in_the_middle_of_a_transaction_does_not_keep_its_rows_for_long()
    {
        await using var writer = await Store.Postgres.Database.OpenWriterAsync(CancellationToken.None);
        await using var command = writer.CreateCommand();
        command.CommandText = "select setting::integer from pg_settings where name = 'idle_in_transaction_session_timeout'";

        var milliseconds = (int)(await command.ExecuteScalarAsync(CancellationToken.None))!;

        Assert.InRange(TimeSpan.FromMilliseconds(milliseconds), TimeSpan.FromSeconds(1), new QueueOptions().Lease / 2);
    }

    /// <summary>A reader's plan, made when the queue was empty, would read a million rows of it from end to end in every lane.</summary>
    [Fact]
    public async Task Leases_are_renewed_with_the_plans_and_the_time_outs_of_a_writer()
    {
        await Sample.AcceptAsync();
        await Sample.ClaimOneAsync();
        await Store.Cluster.QueryAsync(Store.Database, """
            create table seen (settings text);
            create function see() returns trigger language plpgsql as $$
            begin
                insert into seen
                values (concat_ws(' ', current_setting('enable_seqscan'), current_setting('idle_in_transaction_session_timeout')));
                return null;
            end $$;
            create trigger see after update on queue for each row execute function see();
            """);

        await Store.Queue.RenewAsync(Sample.Node, Sample.Later.AddMinutes(1), CancellationToken.None);

        Assert.Equal("off 15s", (await Store.Cluster.QueryAsync(Store.Database, "select settings from seen")).Trim());
    }

    [Fact]
    public async Task A_row_that_somebody_has_locked_keeps_no_other_lease_from_being_renewed()
    {
        var (locked, free) = (await Sample.SendingAsync(), await Sample.SendingAsync());
        await using var other = await Store.Postgres.Database.OpenReaderAsync(CancellationToken.None);
        await using var settling = await other.BeginTransactionAsync();
        await using (var locking = other.CreateCommand())
        {
            locking.CommandText = $"select 1 from queue where message_id = '{locked.Message.Value}' for update";
            await locking.ExecuteNonQueryAsync();
        }

        await Store.Queue.RenewAsync(Sample.Node, Sample.Later.AddMinutes(1), CancellationToken.None);

        var renewed = await Store.Cluster.QueryAsync(
            Store.Database, $"select message_id from queue where lease_until = '{Sample.Later.AddMinutes(1):O}'");
        Assert.Equal(free.Message.Value.ToString(), renewed.Trim());
    }

    [Fact]
    public async Task A_transaction_ended_by_the_server_counts_as_a_connection_that_broke()
    {
        var ended = await Assert.ThrowsAsync<StoreUnavailableException>(() => Store.Postgres.Database.WriteAsync(
            async connection =>
            {
                await using var command = connection.CreateCommand();
                command.CommandText = "set idle_in_transaction_session_timeout = 1";
                await command.ExecuteNonQueryAsync(CancellationToken.None);
                var itself = $"select count(*) from pg_stat_activity where pid = {connection.ProcessID}";
                while ((await Store.Cluster.QueryAsync(Store.Database, itself)).Trim() != "0")
                {
                }
                command.CommandText = "select 1";
                return await command.ExecuteNonQueryAsync(CancellationToken.None);
            },
            CancellationToken.None));

        Assert.NotNull(ended.InnerException);
    }

    Node Node(string name) => new(new NodeId(Store.Ids.Next()), name, Store.Now);

    async Task<int> BeatAsync(Node node) =>
        (await Store.Postgres.BeatAsync(node, Store.Now, Store.Now.AddSeconds(-20), CancellationToken.None)).Live;
}
