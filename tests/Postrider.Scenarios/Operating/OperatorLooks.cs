using System.Text.Json;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Operating;

/// <summary>The commands of the design's §7, beside a server that runs.</summary>
public sealed class OperatorLooks
{
    [Fact]
    public async Task At_what_waits_and_at_one_message()
    {
        await using var mx = ScriptedMx.Start(new MxScript().AlwaysFor("ada", MxStep.Say("451 4.3.0 not now")));
        await using var server = await PostriderServer.StartAsync(mx.Route);
        var id = await server.SendAsync(Letter.To("ada@peer.test"));
        await server.SeesAsync(id, message => message.RetryCount == 1, "it is deferred");

        var queue = (await server.Installation.CommandAsync("queue", "--json")).Succeeded();
        var queueText = (await server.Installation.CommandAsync("queue")).Succeeded();
        var shown = (await server.Installation.CommandAsync("message", "show", id, "--json")).Succeeded();
        var shownText = (await server.Installation.CommandAsync("message", "show", id)).Succeeded();
        var absent = await server.Installation.CommandAsync("message", "show", "msg_00000000000000000000000000");

        var listed = JsonDocument.Parse(queue.Output).RootElement;
        Assert.Equal(1, listed.GetProperty("live").GetInt32());
        var waiting = listed.GetProperty("waiting")[0];
        Assert.Equal(
            ("acme", "peer.test", 1, "451 4.3.0 not now"),
            (waiting.GetProperty("tenant").GetString(), waiting.GetProperty("domain").GetString(),
                waiting.GetProperty("messages").GetInt32(), waiting.GetProperty("last_reply").GetString()));
        Assert.Contains("451 4.3.0 not now", queueText.Output);
        var message = JsonDocument.Parse(shown.Output).RootElement;
        Assert.Equal((id, "queued"), (message.GetProperty("id").GetString(), message.GetProperty("status").GetString()));
        var types = message.GetProperty("timeline").EnumerateArray().Select(one => one.GetProperty("type").GetString());
        Assert.Equal(["processed", "deferred"], types);
        Assert.Contains("RcptTo: 451 4.3.0 not now", shownText.Output);
        Assert.Equal((1, ""), (absent.ExitCode, absent.Output));
        Assert.NotEmpty(absent.Errors);
    }

    [Fact]
    public async Task At_keys_that_are_printed_alone_and_once()
    {
        await using var server = await PostriderServer.StartAsync();

        var live = (await AddKeyAsync("--tenant", "acme", "--name", "ci")).Succeeded();
        var test = (await AddKeyAsync("--tenant", "acme", "--test")).Succeeded();
        var unknownTenant = await AddKeyAsync("--tenant", "nobody");
        var unknownScope = await AddKeyAsync("--tenant", "acme", "--scopes", "mail.sned");

        Assert.Matches("^sg_live_[0-9a-f]{32}\n$", live.Output);
        Assert.Matches("^sg_test_[0-9a-f]{32}\n$", test.Output);
        Assert.Equal(200, (await server.As(live.Output.Trim()).GetAsync("/v3/scopes")).Status);      // at once, without a restart
        Assert.Equal((1, ""), (unknownTenant.ExitCode, unknownTenant.Output));
        Assert.Equal((1, ""), (unknownScope.ExitCode, unknownScope.Output));
        Assert.Contains("mail.sned", unknownScope.Errors);

        Task<CommandResult> AddKeyAsync(params string[] arguments) =>
            server.Installation.CommandAsync(["key", "add", "--dialect", "scaisend", .. arguments]);
    }

    [Fact]
    public async Task At_tenants_and_domains()
    {
        await using var server = await PostriderServer.StartAsync("Smtp:Routes=*=127.0.0.1:9");
        var nobodyThere = $"Smtp:Resolver=127.0.0.1:{Ports.Free()}";
        var letter = Letter.To("ada@peer.test").With("from", Letter.Person("hello@news.acme.test"));

        var again = await server.Installation.CommandAsync("tenant", "add", "acme");
        var added = (await server.Installation.CommandAsync("domain", "add", "--tenant", "acme", "news.acme.test")).Succeeded();
        var refused = await server.Api.PostAsync("/v3/mail/send", letter);
        var notPublished = await server.Installation.CommandAsync("domain", "verify", "news.acme.test", "--set", nobodyThere);
        (await server.Installation.CommandAsync("domain", "verify", "news.acme.test", "--assume-published")).Succeeded();
        var accepted = await server.Api.PostAsync("/v3/mail/send", letter);
        var unknown = await server.Installation.CommandAsync("domain", "verify", "elsewhere.test");
        var rotated = (await server.Installation.CommandAsync("domain", "rotate", "--tenant", "acme", "news.acme.test")).Succeeded();
        var rotatedAgain = (await server.Installation.CommandAsync("domain", "rotate", "--tenant", "acme", "news.acme.test")).Succeeded();
        var notSeen = await server.Installation.CommandAsync("domain", "verify", "news.acme.test", "--set", nobodyThere);
        (await server.Installation.CommandAsync("domain", "verify", "news.acme.test", "--assume-published")).Succeeded();
        var rotatedNext = (await server.Installation.CommandAsync("domain", "rotate", "--tenant", "acme", "news.acme.test")).Succeeded();
        var notOurs = await server.Installation.CommandAsync("domain", "rotate", "--tenant", "other", "news.acme.test");

        Assert.Equal(1, again.ExitCode);
        Assert.StartsWith("scaisend._domainkey.news.acme.test. TXT \"v=DKIM1; k=rsa; p=", added.Output);
        Assert.All(added.Output.Split('"').Where((_, i) => i % 2 == 1), text => Assert.InRange(text.Length, 1, 255));      // as a zone file takes it
        Assert.Contains("v=spf1", added.Output);
        Assert.Contains("_dmarc.news.acme.test. TXT \"v=DMARC1", added.Output);
        Assert.Equal((403, "Sender domain not verified"), (refused.Status, refused.Text("detail")));
        Assert.Equal(1, notPublished.ExitCode);
        Assert.Contains("scaisend._domainkey.news.acme.test", notPublished.Errors);
        Assert.Equal(1, unknown.ExitCode);
        Assert.Equal(202, accepted.Status);      // at once, without a restart
        Assert.StartsWith("scaisend2._domainkey.news.acme.test. TXT \"v=DKIM1; k=rsa; p=", rotated.Output);
        Assert.Equal(rotated.Output, rotatedAgain.Output);
        Assert.Contains("scaisend2._domainkey.news.acme.test", notSeen.Errors);
        Assert.Contains("scaisend goes on signing", notSeen.Errors);
        Assert.StartsWith("scaisend3._domainkey.", rotatedNext.Output);
        Assert.Equal(1, notOurs.ExitCode);
    }

    [Fact]
    public async Task At_health_and_readiness()
    {
        await using var server = await PostriderServer.StartAsync();

        var health = await server.Api.GetAsync("/health");
        var ready = await server.Api.GetAsync("/ready");
        var metrics = await server.Api.GetAsync("/metrics");

        Assert.Equal((200, "healthy"), (health.Status, health.Text("status")));
        Assert.Equal((200, "ready"), (ready.Status, ready.Text("status")));
        Assert.Equal(200, metrics.Status);
        Assert.Contains("# TYPE ", metrics.Raw);
    }
}
