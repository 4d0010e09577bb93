using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;
using Postrider.Testing;

namespace Postrider.Scenarios.Operating;

public sealed class StoreIsRefused
{
    [Fact]
    public async Task A_second_server_refuses_and_the_first_goes_on()
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(mx.Route);

        var rival = await server.StartRivalAsync();

        Assert.Equal((1, ""), (rival.ExitCode, rival.Output));
        Assert.Contains("Another Postrider server uses this database", rival.Errors);
        Assert.DoesNotContain("   at ", rival.Errors);
        Assert.Equal("delivered", (await server.SendAndSettleAsync(Letter.To("ada@peer.test"))).Status);
    }

    [Fact]
    public async Task The_lock_ends_with_the_process_however_that_ends()
    {
        await using var server = await PostriderServer.StartAsync();

        await server.KillAsync();
        await server.StartAgainAsync();

        Assert.Equal(200, (await server.Api.GetAsync("/v3/messages")).Status);
    }

    [Fact]
    public async Task A_key_file_that_others_may_read_is_refused()
    {
        await using var server = await PostriderServer.StartAsync();
        var key = Path.Combine(server.Installation.Folder, "postrider.key");
        await ExternalProgram.RunAsync("chmod", ["0640", key], TestContext.Current.CancellationToken);

        var refused = await server.Installation.CommandAsync("tenant", "add", "third");

        Assert.Equal((2, ""), (refused.ExitCode, refused.Output));
        Assert.Contains(key, refused.Errors);
        Assert.Contains("0600", refused.Errors);
    }

    [Fact]
    public async Task A_database_whose_key_file_is_lost_gets_no_new_one()
    {
        await using var server = await PostriderServer.StartAsync();
        var key = Path.Combine(server.Installation.Folder, "postrider.key");
        File.Delete(key);

        var refused = await server.Installation.CommandAsync("tenant", "add", "third");

        Assert.Equal((2, ""), (refused.ExitCode, refused.Output));
        Assert.Contains(key, refused.Errors);
        Assert.False(File.Exists(key));
    }

    [Fact]
    public async Task A_server_does_not_start_with_a_key_that_opens_nothing_in_the_store()
    {
        await using var server = await PostriderServer.StartAsync();
        await server.KillAsync();

        var refused = await server.Installation.CommandAsync("serve", "--set", $"Secrets:Key={Convert.ToBase64String(new byte[32])}");

        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.Contains("sealed with another key", refused.Errors);
    }

    [Fact]
    public async Task A_mistyped_path_makes_no_store()
    {
        var folder = Directory.CreateTempSubdirectory("postrider-typo").FullName;

        var refused = await Installation.CommandAsync($"sqlite:{folder}/typo.db", ["queue"]);

        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.Empty(Directory.GetFileSystemEntries(folder));
        Directory.Delete(folder);
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_is_named()
    {
        var refused = await Installation.CommandAsync("sqlite:/proc/postrider/postrider.db", ["tenant", "add", "acme"]);

        Assert.Equal("", refused.Output);
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("/proc/postrider", refused.Errors);
        Assert.DoesNotContain("   at ", refused.Errors);
    }
}
