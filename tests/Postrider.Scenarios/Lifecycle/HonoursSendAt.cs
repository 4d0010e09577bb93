using System.Text.Json.Nodes;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Lifecycle;

/// <summary>send_at: contract §7. The slack that makes a near time "now" is off here, so that the wait is short.</summary>
public sealed class HonoursSendAt
{
    const string NoSlack = "ScaiSend:ScheduleSlack=0ms";

    [Fact]
    public async Task Not_before_it_is_due()
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(mx.Route, NoSlack);
        var due = Now() + 2;

        var id = await server.SendAsync(Letter.To("ada@peer.test").With("send_at", due));
        var waiting = await server.Api.MessageAsync(id);
        await Eventually.IsTrueAsync(() => mx.Mail.Count == 1, "it arrives");
        var arrived = TimeProvider.System.GetUtcNow();
        var message = await server.SettledAsync(id);

        Assert.Equal("queued", waiting.Status);
        Assert.InRange((arrived - DateTimeOffset.FromUnixTimeSeconds(due)).TotalSeconds, 0, 2);
        Assert.Equal("delivered", message.Status);
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(due), message.Json.GetProperty("send_at").GetDateTimeOffset());
    }

    [Fact]
    public async Task To_the_second_with_thousands_waiting_for_another_day()
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(mx.Route, NoSlack);
        for (var i = 0; i < 10; i++)
        {
            var others = Enumerable.Range(0, 1_000).Select(n => $"r{i}.{n}@peer.test").ToArray();
            Assert.Equal(202, (await server.Api.PostAsync("/v3/mail/send", Letter.ToEach(others).With("send_at", Now() + 86_400))).Status);
        }
        var due = Now() + 2;

        await server.SendAsync(Letter.To("ada@peer.test").With("send_at", due));
        await Eventually.IsTrueAsync(() => mx.Mail.Count > 0, "it arrives");
        var late = (TimeProvider.System.GetUtcNow() - DateTimeOffset.FromUnixTimeSeconds(due)).TotalSeconds;

        Assert.Equal(["ada@peer.test"], mx.Mail.Single().To);
        Assert.InRange(late, 0, 2);
        TestContext.Current.TestOutputHelper!.WriteLine($"{late} s after it was due");
    }

    [Fact]
    public async Task At_the_start_when_it_was_missed()
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(mx.Route, NoSlack);
        var due = Now() + 1;
        var id = await server.SendAsync(Letter.To("ada@peer.test").With("send_at", due));
        await server.KillAsync();
        await Eventually.IsTrueAsync(() => Now() > due, "the time has passed");

        await server.StartAgainAsync();

        Assert.Equal("delivered", (await server.SettledAsync(id)).Status);
        Assert.Single(mx.Mail);
    }

    [Fact]
    public async Task For_each_personalization_on_its_own()
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(mx.Route);
        var letter = Letter.ToEach("past@peer.test", "inherits@peer.test", "later@peer.test").With("send_at", Now() + 3600);
        letter["personalizations"]![0]!["send_at"] = Now() - 60;
        letter["personalizations"]![2]!["send_at"] = Now() + 7200;

        var ids = (await server.Api.PostAsync("/v3/mail/send", letter)).Texts("message_ids");
        var past = await server.SettledAsync(ids[0]);

        Assert.Equal("delivered", past.Status);
        Assert.Equal("queued", (await server.Api.MessageAsync(ids[1])).Status);
        Assert.Equal("queued", (await server.Api.MessageAsync(ids[2])).Status);
        Assert.Equal(["past@peer.test"], mx.Mail.Single().To);
    }

    [Fact]
    public async Task Only_with_the_scope_for_it()
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(mx.Route);
        var sendOnly = server.As(server.Installation.SendOnlyKey);

        var future = await sendOnly.PostAsync("/v3/mail/send", Letter.To("ada@peer.test").With("send_at", Now() + 3600));
        var past = await sendOnly.PostAsync("/v3/mail/send", Letter.To("bob@peer.test").With("send_at", Now() - 60));
        var milliseconds = await server.Api.PostAsync("/v3/mail/send", Letter.To("cy@peer.test").With("send_at", Now() * 1000));
        var text = await server.Api.PostAsync("/v3/mail/send", Letter.To("cy@peer.test").With("send_at", JsonValue.Create("tomorrow")));

        Assert.Equal((403, "Missing required scope: mail.schedule"), (future.Status, future.Text("detail")));
        Assert.Equal(202, past.Status);
        Assert.Equal((400, 400), (milliseconds.Status, text.Status));
        Assert.Equal("send_at", text.Body.GetProperty("errors")[0].GetProperty("field").GetString());
        Assert.Equal(1, (await server.Api.GetAsync("/v3/messages")).Body.GetProperty("total").GetInt32());
    }

    static long Now() => TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
}
