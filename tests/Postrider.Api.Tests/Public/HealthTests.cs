using Postrider.Api.Public;

namespace Postrider.Api.Tests.Public;

public sealed class HealthTests
{
    [Fact]
    public async Task Health_says_that_the_process_answers()
    {
        await using var host = new ApiHost();
        await host.InitializeAsync();

        var answer = await AskAsync(host, "/health");

        Assert.Equal((200, """{"status":"healthy"}"""), (answer.Status, answer.Text));
    }

    [Fact]
    public async Task Ready_shows_every_check()
    {
        await using var host = new ApiHost(new ApiOptions(), new Check("database", true, "reads and writes"), new Check("dispatcher", true, "0.2 s ago"));
        await host.InitializeAsync();

        var answer = await AskAsync(host, "/ready");

        Assert.Equal(200, answer.Status);
        Assert.Equal(
            """{"status":"ready","checks":[{"name":"database","ok":true,"detail":"reads and writes"},{"name":"dispatcher","ok":true,"detail":"0.2 s ago"}]}""",
            answer.Text);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_check_that_is_not_well_makes_it_unavailable(bool throws)
    {
        await using var host = new ApiHost(
            new ApiOptions(), new Check("database", false, "away") { Fault = throws ? new InvalidOperationException("secret") : null }, new Check("dispatcher", true, "fine"));
        await host.InitializeAsync();

        var answer = await AskAsync(host, "/ready");

        Assert.Equal((503, "unavailable"), (answer.Status, (string?)answer.Body!["status"]));
        Assert.Equal((false, true), ((bool)answer.Body["checks"]![0]!["ok"]!, (bool)answer.Body["checks"]![1]!["ok"]!));
        Assert.DoesNotContain("secret", answer.Text, StringComparison.Ordinal);
    }

    static async Task<Answer> AskAsync(ApiHost host, string path)
    {
        using var http = new HttpClient { BaseAddress = host.Address };
        return await Answer.Of(await http.GetAsync(new Uri(path, UriKind.Relative)));
    }

    sealed class Check(string name, bool ok, string detail) : IReadinessCheck
    {
        public string Name => name;

        public Exception? Fault { get; init; }

        public ValueTask<Readiness> CheckAsync(CancellationToken cancel) => Fault is null ? new(new Readiness(ok, detail)) : throw Fault;
    }
}
