using Postrider.Api.RateLimits;

namespace Postrider.Api.Tests.RateLimits;

public sealed class RateLimitTests
{
    [Fact]
    public async Task The_request_past_the_limit_is_refused_until_the_next_second()
    {
        await using var host = new ApiHost(new ApiOptions { RateLimits = new RateLimitOptions { MessageListsPerSecond = 3 } });
        await host.InitializeAsync();
        var caller = host.NewCaller("stats.read");
        var second = host.Time.GetUtcNow().ToUnixTimeSeconds();

        var answers = new List<Answer>();
        for (var i = 0; i < 4; i++)
            answers.Add(await caller.Get("/v3/messages"));
        var other = await caller.Get("/v3/scopes");
        host.Time.Advance(TimeSpan.FromSeconds(1));
        var later = await caller.Get("/v3/messages");

        Assert.Equal([200, 200, 200, 429], answers.Select(answer => answer.Status));
        Assert.Equal(["2", "1", "0", "0"], answers.Select(answer => answer.Header("X-RateLimit-Remaining")));
        Assert.All(answers, answer => Assert.Equal("3", answer.Header("X-RateLimit-Limit")));
        Assert.All(answers, answer => Assert.Equal($"{second + 1}", answer.Header("X-RateLimit-Reset")));
        Assert.Equal([null, null, null, "1"], answers.Select(answer => answer.Header("Retry-After")));
        Assert.Equal("""{"detail":"Rate limit exceeded"}""", answers[3].Text);
        Assert.Equal((200, 200), (other.Status, later.Status));
    }

    [Fact]
    public async Task Sends_are_counted_by_tenant_and_refused_in_both_shapes()
    {
        await using var host = new ApiHost(new ApiOptions { RateLimits = new RateLimitOptions { SendsPerSecond = 2 } });
        await host.InitializeAsync();
        var one = host.NewCaller("mail.send");
        var two = host.NewCaller(new CallerOptions { Tenant = one.Tenant });
        var stranger = host.NewCaller("mail.send");

        var first = await one.Send(ScaiSend.SendRequests.Simple);
        var second = await two.Send(ScaiSend.SendRequests.Simple);
        var third = await one.Send(ScaiSend.SendRequests.Simple);
        var elsewhere = await stranger.Send(ScaiSend.SendRequests.Simple);

        Assert.Equal((202, 202, 429, 202), (first.Status, second.Status, third.Status, elsewhere.Status));
        Assert.Equal("Rate limit exceeded", (string?)third.Body!["detail"]);
        Assert.Equal("Rate limit exceeded", (string?)third.Body["errors"]![0]!["message"]);
        Assert.Equal(2, one.Stored.Count);
    }

    [Fact]
    public async Task Without_a_credential_an_address_is_counted()
    {
        await using var host = new ApiHost(new ApiOptions { RateLimits = new RateLimitOptions { OthersPerSecond = 1 } });
        await host.InitializeAsync();
        using var http = new HttpClient { BaseAddress = host.Address };

        var first = await Answer.Of(await http.GetAsync(new Uri("/v3/messages", UriKind.Relative)));
        var second = await Answer.Of(await http.GetAsync(new Uri("/v3/nothing", UriKind.Relative)));

        Assert.Equal((401, 429), (first.Status, second.Status));
    }

    [Fact]
    public async Task Counts_exactly_under_contention()
    {
        var window = new RateWindow();

        var taken = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
            Enumerable.Range(0, 1_000).Count(_ => window.TryTake(1_772_439_300, 2_500, out _)))));

        Assert.Equal(2_500, taken.Sum());
        Assert.True(window.TryTake(1_772_439_301, 2_500, out var remaining));
        Assert.Equal(2_499, remaining);
    }

    [Fact]
    public void Every_setting_that_cannot_be_served_is_named()
    {
        var options = new ApiOptions
        {
            RateLimits = new RateLimitOptions { SendsPerSecond = 0, OthersPerSecond = -1 },
            ScaiSend = new Postrider.Api.ScaiSend.ScaiSendOptions { MaxBodyOctets = 0, MaxRecipients = 0 },
        };

        var faults = options.FindFaults();

        Assert.Equal(4, faults.Count);
        Assert.Throws<ArgumentException>(() => new Microsoft.Extensions.DependencyInjection.ServiceCollection().AddPostriderApi(options));
    }
}
