using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Operating;

public sealed class SettingsAreWrong
{
    [Fact]
    public async Task All_are_named_at_once_from_wherever_they_came()
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, """{ "Retry": { "Delays": "1m,soon" }, "Colour": "blue" }""");
            await using var process = ServerProcess.Start(
                ["serve", "--config", file, "--set", "Smtp:Port=70000", "--set", "Smtp:Routes=peer.test", "--store", "mysql:here"],
                new Dictionary<string, string> { ["POSTRIDER_Queue__Lease"] = "forever", ["POSTRIDER_Log__Level"] = "Loud" });

            var end = await process.FinishAsync(TestContext.Current.CancellationToken);

            Assert.Equal((2, ""), (end.ExitCode, end.Output));
            string[] wrong = ["Retry:Delays:", "Colour:", "Smtp:Port:", "Smtp:Routes:", "Store:", "Queue:Lease:", "Log:Level:"];
            Assert.All(wrong, name => Assert.Contains($"  {name}", end.Errors));
            Assert.DoesNotContain("   at ", end.Errors);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData("serve", "--set", "Smtp:Port")]
    [InlineData("serve", "--config", "/nonexistent/postrider.json")]
    [InlineData("serve", "--nonsense")]
    [InlineData("sirve")]
    [InlineData("key", "add")]
    public async Task A_wrong_call_ends_with_2(params string[] arguments)
    {
        await using var process = ServerProcess.Start(arguments, new Dictionary<string, string>());

        var end = await process.FinishAsync(TestContext.Current.CancellationToken);

        Assert.Equal((2, ""), (end.ExitCode, end.Output));
        Assert.NotEmpty(end.Errors);
        Assert.DoesNotContain("   at ", end.Errors);
    }

    [Theory]
    [InlineData("https://127.0.0.1:0")]
    [InlineData("http://mail.example.test:0")]
    [InlineData("http://127.0.0.1:0/v3")]
    public async Task An_address_that_would_be_served_otherwise_than_it_says_is_refused(string listen)
    {
        await using var process = ServerProcess.Start(["serve", "--set", $"Http:Listen={listen}"], new Dictionary<string, string>());

        var end = await process.FinishAsync(TestContext.Current.CancellationToken);

        Assert.Equal((2, ""), (end.ExitCode, end.Output));
        Assert.Contains("  Http:Listen:", end.Errors);
    }

    [Fact]
    public async Task An_address_that_cannot_be_had_is_told_in_a_line()
    {
        var folder = Directory.CreateTempSubdirectory("postrider-address-");
        try
        {
            await using var process = ServerProcess.Start(
                ["serve", "--store", $"sqlite:{Path.Combine(folder.FullName, "p.db")}", "--set", "Http:Listen=http://192.0.2.1:1"],
                new Dictionary<string, string> { ["POSTRIDER_Log__Level"] = "Warning" });

            var end = await process.FinishAsync(TestContext.Current.CancellationToken);

            Assert.Equal((1, ""), (end.ExitCode, end.Output));
            Assert.Single(end.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
            Assert.DoesNotContain("   at ", end.Errors);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task The_last_of_several_flags_for_one_setting_counts()
    {
        await using var server = await PostriderServer.StartAsync("Log:Format=yaml", "Log:Format=json");

        Assert.Equal(200, (await server.Api.GetAsync("/v3/messages")).Status);
    }
}
