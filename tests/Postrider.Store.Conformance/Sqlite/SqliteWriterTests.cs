using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Store.Sqlite.Connections;

namespace Postrider.Store.Conformance.Sqlite;

public sealed class SqliteWriterTests : StoreConformance<SqliteFixture>
{
    [Fact]
    public async Task A_poisoned_write_harms_only_itself()
    {
        using var held = new ManualResetEventSlim();
        var holding = Store.Sqlite.Writer.RunAsync(_ => held.Wait(TimeSpan.FromSeconds(10)), CancellationToken.None);
        // These wait together, so they become one transaction.
        var good = Enumerable.Range(0, 20).Select(_ => Sample.Message()).ToArray();
        var first = good[..10].Select(message => Sample.AcceptAsync(Sample.Acceptance(message))).ToArray();
        var poisoned = Store.Sqlite.Writer.RunAsync<int>(
            session =>
            {
                session.Connection.Prepare("delete from message").Run();
                throw new InvalidOperationException("poison");
            },
            CancellationToken.None);
        var second = good[10..].Select(message => Sample.AcceptAsync(Sample.Acceptance(message))).ToArray();
        held.Set();

        Assert.True(await holding);
        await Assert.ThrowsAsync<InvalidOperationException>(() => poisoned);
        Assert.All(await Task.WhenAll([.. first, .. second]), outcome => Assert.IsType<AcceptOutcome.Stored>(outcome));
        Assert.Equal(20, (await Sample.ListAsync()).Total);
        Assert.Equal(20, (await Sample.ClaimAsync()).Count);
    }

    [Fact]
    public async Task A_full_disk_fails_the_write_leaves_nothing_and_is_got_over_without_help()
    {
        var before = await Sample.AcceptAsync();
        await Store.Sqlite.Writer.RunAsync(session => LimitPages(session.Connection, 1), CancellationToken.None);
        var content = Sample.Content(NoiseOf(1 << 20, seed: 1));
        var message = Sample.Message();

        await Assert.ThrowsAsync<StoreUnavailableException>(
            () => Sample.AcceptAsync(Sample.Acceptance(message) with { Contents = [content] }));

        Assert.Null(await Sample.FindAsync(message.Message.Id));
        Assert.NotNull(await Sample.FindAsync(before.Id));
        Assert.Equal(1, (await Sample.ListAsync()).Total);
        await Store.Sqlite.Writer.RunAsync(session => LimitPages(session.Connection, 1 << 30), CancellationToken.None);
        Assert.IsType<AcceptOutcome.Stored>(await Sample.AcceptAsync(Sample.Acceptance(message) with { Contents = [content] }));
    }

    [Fact]
    public async Task Nothing_is_accepted_into_a_file_that_is_gone()
    {
        await Sample.AcceptAsync();
        var aside = Store.Path + ".aside";
        File.Move(Store.Path, aside);

        for (var attempt = 0; attempt < 2; attempt++)       // on the old connection, and on a new one
            await Assert.ThrowsAsync<StoreUnavailableException>(() => Sample.AcceptAsync());
        var exists = File.Exists(Store.Path);
        File.Move(aside, Store.Path);
        var message = await Sample.AcceptAsync();

        Assert.False(exists);
        Assert.NotNull(await Sample.FindAsync(message.Id));
        Assert.Equal(2, (await Sample.ListAsync()).Total);
    }

    [Fact]
    public async Task A_spoiled_connection_is_replaced()
    {
        await Assert.ThrowsAsync<StoreUnavailableException>(
            () =>
                Store.Sqlite.Writer.RunAsync<int>(
                    _ => throw new SqliteFault(SQLitePCL.raw.SQLITE_IOERR, "simulated"), CancellationToken.None));

        var message = await Sample.AcceptAsync();
        Assert.NotNull(await Sample.FindAsync(message.Id));
    }

    [Fact]
    public async Task Every_acknowledged_message_is_there_after_an_unclean_stop()
    {
        var acknowledged = new List<MessageId>();
        using var stop = new CancellationTokenSource();
        var accepting = Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                var message = Sample.Message();
                await Sample.AcceptAsync(Sample.Acceptance(message));
                lock (acknowledged) acknowledged.Add(message.Message.Id);
            }
        })));

        // What a kill leaves: the files as they are at one moment, the WAL torn at its end perhaps.
        var copies = new List<(string Path, MessageId[] Acknowledged)>();
        for (var i = 0; i < 3; i++)
        {
            var path = System.IO.Path.Combine(Store.Folder, $"copy{i}", "postrider.db");
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
            await Sample.AcceptAsync();
            MessageId[] before;
            lock (acknowledged) before = [.. acknowledged];
            File.Copy(Store.Path, path);
            File.Copy(Store.Path + "-wal", path + "-wal");
            copies.Add((path, before));
        }
        await stop.CancelAsync();
        await accepting;

        foreach (var (path, ids) in copies)
        {
            await using var reopened = await Store.OpenAsync(path);
            foreach (var id in ids)
                Assert.NotNull(await reopened.FindAsync(Sample.Tenant, id, CancellationToken.None));
            var page = await reopened.ListAsync(
                Sample.Tenant, new MessageFilter(), new PageRequest(null, 0, 100_000), CancellationToken.None);
            Assert.Equal(page.Items.Count, page.Total);
            Assert.InRange(page.Total, ids.Length, long.MaxValue);
        }
    }

    [Fact]
    public async Task The_wal_is_copied_back_while_writes_go_on()
    {
        var path = System.IO.Path.Combine(Store.Folder, "small", "postrider.db");
        var options = new Postrider.Store.Sqlite.SqliteStoreOptions(path) { ServeLock = true, CheckpointOctets = 256 << 10 };
        var octets = 0L;
        await using (
            var store = await Postrider.Store.Sqlite.SqliteStore.OpenAsync(options, Store.Time, Store.Ids, null, CancellationToken.None))
        {
            for (var i = 0; i < 40; i++)
            {
                var content = Sample.Content(NoiseOf(200 << 10, seed: i));
                var accepted = await store.AcceptAsync(
                    Sample.Acceptance(Sample.Message()) with { Contents = [content] }, CancellationToken.None);
                Assert.IsType<AcceptOutcome.Stored>(accepted);
                octets += content.Octets.Length;
            }

            Assert.True(new FileInfo(path + "-wal").Length < octets, "The WAL was never started over.");
        }
        Assert.False(File.Exists(path + "-wal"));
    }

    static byte[] NoiseOf(int octets, int seed)
    {
        var noise = new byte[octets];
        var state = (uint)seed + 1;
        for (var i = 0; i < octets; i++)
            noise[i] = (byte)((state = (state * 1664525) + 1013904223) >> 24);
        return noise;
    }

    static int LimitPages(Connection connection, int pages)
    {
        connection.Execute($"pragma max_page_count = {pages}");
        return pages;
    }
}
