using Postrider.Engine.Control;
using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Store.Sqlite;

namespace Postrider.Store.Conformance.Sqlite;

public sealed class SqliteStoreTests : StoreConformance<SqliteFixture>
{
    [Fact]
    public async Task A_claim_that_cannot_be_read_gives_all_of_it_back_though_a_message_of_it_was_cancelled()
    {
        var (cancelled, _, broken) = (await Sample.AcceptAsync(), await Sample.AcceptAsync(), await Sample.AcceptAsync());
        const int Readers = 4;      // a store's default
        using var reading = new CountdownEvent(Readers);
        using var gate = new ManualResetEventSlim();
        Task<bool>[] readers = [.. Enumerable.Range(0, Readers).Select(_ => Task.Run(() => Store.Sqlite.Readers.ReadAsync(
            _ => reading.Signal() | gate.Wait(TimeSpan.FromSeconds(30)), CancellationToken.None)))];
        Assert.True(reading.Wait(TimeSpan.FromSeconds(30)));
        var claiming = Sample.ClaimAsync();
        Assert.Equal(3, await LeasedAsync());
        await Sample.ChangeAsync(cancelled.Id, ControlAction.Cancel);
        await Store.ExecuteAsync($"delete from message where id = x'{broken.Id.Value:N}'");

        gate.Set();

        await Assert.ThrowsAsync<InvalidDataException>(() => claiming);
        Assert.Equal(0, await LeasedAsync());
        Assert.All(await Task.WhenAll(readers), Assert.True);
    }

    Task<long> LeasedAsync() => Store.Sqlite.Writer.RunAsync(
        session =>
        {
            using var count = session.Connection.PrepareOnce("select count(*) from queue where phase > 0");
            count.Step();
            return count.Int64(0);
        },
        CancellationToken.None);

    [Fact]
    public async Task A_second_server_is_refused_and_a_command_is_not()
    {
        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(() => Store.OpenAsync(Store.Path));
        Assert.Contains("Another Postrider server", refused.Message, StringComparison.Ordinal);

        await using var command = await SqliteStore.OpenAsync(
            new SqliteStoreOptions(Store.Path), Store.Time, Store.Ids, null, CancellationToken.None);
        Assert.NotNull(await command.FindTenantAsync("acme", CancellationToken.None));
        await command.CreateAsync(Sample.Tenant, new BatchId(Store.Ids.Next()), CancellationToken.None);
        await Sample.AcceptAsync();
    }

    [Fact]
    public async Task A_database_of_a_newer_version_is_refused()
    {
        await Store.Sqlite.Writer.RunAsync(
            session =>
            {
                session.Connection.Execute("insert into schema_migration (version, name, applied_at) values (9999, 'later', 0)");
                return true;
            },
            CancellationToken.None);
        await Store.Sqlite.DisposeAsync();

        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(() => Store.OpenAsync(Store.Path));

        Assert.Contains("schema 9999", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_refused_and_left_alone()
    {
        var path = System.IO.Path.Combine(Store.Folder, "notes.txt");
        await File.WriteAllTextAsync(path, new string('x', 5000));

        await Assert.ThrowsAsync<StoreUnavailableException>(() => Store.OpenAsync(path));

        Assert.Equal(new string('x', 5000), await File.ReadAllTextAsync(path));
    }

    [Fact]
    public async Task What_was_written_is_there_when_the_store_is_opened_again()
    {
        var message = await Sample.AcceptAsync();
        await Store.Sqlite.DisposeAsync();

        await Store.OpenAsync();

        Assert.Equal(MessageStatus.Queued, (await Sample.ViewAsync(message.Id)).Status);
    }

    [Fact]
    public async Task A_purge_removes_expired_keys_and_only_those()
    {
        var fingerprint = ContentHash.Of("body"u8);
        for (var i = 0; i < 600; i++)
        {
            await Sample.AcceptAsync(Sample.Acceptance() with
            {
                Idempotency = new IdempotencyClaim($"key {i}", fingerprint, Store.Now.AddMinutes(i < 550 ? 1 : 3)),
            });
        }
        Store.Time.Advance(TimeSpan.FromMinutes(2));

        await Store.Sqlite.PurgeAsync(Store.Now, CancellationToken.None);

        var left = await Store.Sqlite.Readers.ReadAsync(
            db =>
            {
                using var count = db.PrepareOnce("select count(*) from idempotency");
                count.Step();
                return count.Int64(0);
            },
            CancellationToken.None);
        Assert.Equal(50, left);
    }

    [Fact]
    public async Task A_readiness_check_reads_and_writes()
    {
        await Store.Sqlite.CheckAsync(TimeSpan.FromSeconds(5), CancellationToken.None);

        await Store.Sqlite.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Store.Sqlite.CheckAsync(TimeSpan.FromSeconds(5), CancellationToken.None));
        await Store.OpenAsync();
    }
}
