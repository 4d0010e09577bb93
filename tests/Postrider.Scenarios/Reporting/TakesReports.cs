using System.Text;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Reporting;

/// <summary>
/// Contract §4.2, §5.2, §8.6: what comes back to return paths and to the feedback address, and what must not take effect.
/// </summary>
public sealed class TakesReports
{
    const string NoSuchUser = "550 5.1.1 no such user";

    readonly Reporter _reporter = Reporter.OnAnyPort();

    [Fact]
    public async Task A_failure_bounces_the_message_once_and_keeps_later_mail_from_the_address()
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(mx.Route, _reporter.Listen);
        var batch = (await server.Api.PostAsync("/v3/mail/batch", null)).Text("batch_id");
        var sent = await server.SendAndSettleAsync(Letter.To("ada@peer.test").With("batch_id", batch));
        var returnPath = Assert.Single(mx.Taken).From;

        var first = await _reporter.SendAsync(returnPath, Reporter.Failed(NoSuchUser));
        var again = await _reporter.SendAsync(returnPath, Reporter.Failed(NoSuchUser));
        await server.KillAsync();
        await server.StartAgainAsync();
        var afterwards = await _reporter.SendAsync(returnPath, Reporter.Failed(NoSuchUser));
        var another = await _reporter.SendAsync(returnPath, Reporter.Failed("550 5.2.1 closed", "5.2.1", id: "2"));

        Assert.Equal(["250 2.0.0 Ok"], new[] { first, again, afterwards, another }.Distinct());
        var bounced = await server.Api.MessageAsync(sent.Id);
        Snapshot.Is(
            $"""
            bounced, retry_count 0, error: {NoSuchUser}
            processed ada@peer.test
            delivered ada@peer.test smtp_response=250 2.0.0 taken [mx_host=127.0.0.1]
            bounce ada@peer.test bounce_type=hard smtp_response={NoSuchUser} [status=5.1.1 source=dsn category=no-such-mailbox]
            """,
            bounced.Timeline);
        var counts = (await server.Api.GetAsync($"/v3/mail/batch/{batch}")).Body;
        Assert.Contains("\"bounced\":1", counts.GetRawText().Replace(" ", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("\"delivered\":0", counts.GetRawText().Replace(" ", "", StringComparison.Ordinal), StringComparison.Ordinal);
        var row = Assert.Single((await server.Api.GetAsync("/v3/suppression/bounces")).Body.GetProperty("bounces").EnumerateArray());
        Assert.Equal(
            ("ada@peer.test", NoSuchUser, "hard", "5.1.1", sent.Id),
            (row.GetProperty("email").GetString(), row.GetProperty("reason").GetString(), row.GetProperty("bounce_type").GetString(),
                row.GetProperty("status").GetString(), row.GetProperty("message_id").GetString()));
        var dropped = await server.SendAndSettleAsync(Letter.To("ada@peer.test"));
        Assert.Equal(("failed", "dropped"), (dropped.Status, dropped.EventTypes.Last()));
    }

    [Fact]
    public async Task A_delay_is_told_once_and_a_full_mailbox_keeps_no_mail_away()
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(mx.Route, _reporter.Listen);
        var sent = await server.SendAndSettleAsync(Letter.To("ada@peer.test"));
        var returnPath = Assert.Single(mx.Taken).From;

        await _reporter.SendAsync(returnPath, Reporter.Delayed("1"));
        await _reporter.SendAsync(returnPath, Reporter.Delayed("2"));
        var delayed = await server.Api.MessageAsync(sent.Id);
        await _reporter.SendAsync(returnPath, Reporter.Failed("552 5.2.2 mailbox full", "5.2.2"));
        var bounced = await server.Api.MessageAsync(sent.Id);
        var next = await server.SendAndSettleAsync(Letter.To("ada@peer.test"));

        Snapshot.Is(
            """
            delivered, retry_count 0
            processed ada@peer.test
            delivered ada@peer.test smtp_response=250 2.0.0 taken [mx_host=127.0.0.1]
            deferred ada@peer.test smtp_response=451 4.7.1 try later [mx_host=mx.peer.test source=dsn]
            """,
            delayed.Timeline);
        Assert.Equal(("bounced", "soft"), (bounced.Status, bounced.Events.Last().GetProperty("bounce_type").GetString()));
        Assert.Equal("delivered", next.Status);
    }

    [Fact]
    public async Task A_complaint_is_an_event_and_keeps_later_mail_from_who_complained()
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(mx.Route, _reporter.Listen);
        var sent = await server.SendAndSettleAsync(Letter.To("ada@peer.test"));
        var complaint = Reporter.Complaint(Assert.Single(mx.Taken).From);

        await _reporter.SendAsync("fbl@sender.test", complaint);
        await _reporter.SendAsync("fbl@sender.test", complaint);
        await _reporter.SendAsync("fbl@sender.test", Reporter.Complaint("b+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@sender.test"));

        var complained = await server.Api.MessageAsync(sent.Id);
        Snapshot.Is(
            """
            delivered, retry_count 0
            processed ada@peer.test
            delivered ada@peer.test smtp_response=250 2.0.0 taken [mx_host=127.0.0.1]
            spam_report ada@peer.test [feedback_type=abuse]
            """,
            complained.Timeline);
        var dropped = await server.SendAndSettleAsync(Letter.To("ada@peer.test"));
        Assert.Equal("spam_reporting_address", dropped.Events.Last().GetProperty("metadata").GetProperty("reason").GetString());
    }

    [Fact]
    public async Task A_message_to_several_is_bounced_when_all_of_them_have()
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(mx.Route, _reporter.Listen);
        var sent = await server.SendAndSettleAsync(Letter.To("ada@peer.test", "bob@peer.test"));
        var paths = mx.Taken.Select(mail => mail.From).ToArray();

        await _reporter.SendAsync(paths[0], Reporter.Failed(NoSuchUser));
        var one = await server.Api.MessageAsync(sent.Id);
        await _reporter.SendAsync(paths[1], Reporter.Failed(NoSuchUser));
        var both = await server.Api.MessageAsync(sent.Id);

        Assert.Equal(("delivered", "1 of 2 recipients bounced"), (one.Status, one.Json.GetProperty("error_message").GetString()));
        Assert.Equal(("bounced", "2 of 2 recipients bounced"), (both.Status, both.Json.GetProperty("error_message").GetString()));
    }

    [Fact]
    public async Task Nothing_changes_for_forged_paths_replies_letters_and_what_nobody_can_read()
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(mx.Route, _reporter.Listen);
        var sent = await server.SendAndSettleAsync(Letter.To("ada@peer.test"));
        var returnPath = Assert.Single(mx.Taken).From;
        var forged = returnPath.Replace(returnPath[2..4], returnPath[2] == 'a' ? "bb" : "aa", StringComparison.Ordinal);
        var nested = new StringBuilder("MIME-Version: 1.0\n");
        for (var depth = 0; depth < 5_000; depth++)
            nested.Append($"Content-Type: multipart/report; boundary=b{depth}\n\n--b{depth}\n");

        string[] refused =
        [
            await _reporter.SendAsync(forged, Reporter.Failed(NoSuchUser)), await _reporter.SendAsync("ada@peer.test", Reporter.Failed(NoSuchUser)),
            await _reporter.SendAsync("postmaster@sender.test", "Subject: x\n\nx\n"), await _reporter.SendAsync("b+@sender.test", "Subject: x\n\nx\n"),
        ];
        string[] taken =
        [
            await _reporter.SendAsync(returnPath, "Auto-Submitted: auto-replied\nSubject: Away\n\nUntil Monday.\n"),
            await _reporter.SendAsync(returnPath, "Subject: Undelivered mail\n\n<ada@peer.test>: 550 5.1.1 user unknown\n"),
            await _reporter.SendAsync("fbl@sender.test", Reporter.Complaint(returnPath, "not-spam")),
            await _reporter.SendAsync(returnPath, nested.ToString()),
            await _reporter.SendAsync(returnPath, new string('\u00ff', 100_000) + "\n\n" + new string('\u0001', 1_000)),
        ];

        Assert.Equal(["550 5.1.1 No such mailbox here"], refused.Distinct());
        Assert.Equal(["250 2.0.0 Ok"], taken.Distinct());
        var after = await server.Api.MessageAsync(sent.Id);
        Assert.Equal(("delivered", 2), (after.Status, after.Events.Count()));
        Assert.Equal(0, (await server.Api.GetAsync("/v3/suppression/bounces")).Body.GetProperty("total").GetInt32());
        Assert.Equal(1, mx.Connections);        // nothing is ever sent in answer
        var metrics = (await server.Api.GetAsync("/metrics")).Raw;
        Assert.Contains("postrider_inbound_reports_total{outcome=\"not-ours\"} 4", metrics, StringComparison.Ordinal);
        Assert.Contains("postrider_inbound_reports_total{outcome=\"automatic-reply\"} 1", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_report_with_a_large_message_returned_is_taken_and_one_beyond_all_measure_is_not()
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(mx.Route, _reporter.Listen);
        var sent = await server.SendAndSettleAsync(Letter.To("ada@peer.test"));
        var returnPath = Assert.Single(mx.Taken).From;
        var lines = string.Concat(Enumerable.Repeat(new string('x', 76) + "\n", 30_000));      // 2 MiB, of which 512 KiB are read
        var large = Reporter.Failed(NoSuchUser).Replace("Subject: Hello\n", $"Subject: Hello\n\n{lines}", StringComparison.Ordinal);

        var answer = await _reporter.SendAsync(returnPath, large);
        var tooLarge = await _reporter.SendAsync(returnPath, large + string.Concat(Enumerable.Repeat(lines, 12)));

        Assert.Equal(("250 2.0.0 Ok", "552 5.3.4 Message too big"), (answer, tooLarge));
        Assert.Equal("bounced", (await server.Api.MessageAsync(sent.Id)).Status);
    }

    [Fact]
    public async Task The_demo_takes_reports_on_the_port_of_its_capture_MX()
    {
        await using var demo = await PostriderServer.DemoAsync(_reporter.Listen);
        var sent = await demo.SendAndSettleAsync(Letter.To("ada@peer.test"));
        var returnPath = (await demo.Api.GetAsync("/captured")).Body.GetProperty("messages")[0].GetProperty("from").GetString()!;

        await _reporter.SendAsync(returnPath, Reporter.Failed(NoSuchUser));
        await _reporter.SendAsync("anybody@sender.test", Reporter.Failed(NoSuchUser));

        Assert.Equal("bounced", (await demo.Api.MessageAsync(sent.Id)).Status);
        Assert.Equal(2, (await demo.Api.GetAsync("/captured")).Body.GetProperty("total").GetInt32());
    }

    [Fact]
    public async Task And_what_a_real_Postfix_writes_who_accepted_the_message_and_could_not_deliver_it()
    {
        await using var behind = ScriptedMx.Start(new MxScript().AlwaysFor("ada", MxStep.Say("550 5.1.1 <ada@peer.test>: no such user")));
        await using var postfix = await RelayingPostfix.StartAsync(behind.Port, _reporter.Port);
        await using var server = await PostriderServer.StartAsync(postfix.Route, _reporter.Listen);

        var id = await server.SendAsync(Letter.To("ada@peer.test"));
        var bounced = await server.SeesAsync(id, message => message.Status == "bounced", "Postfix's report has come");

        var happened = bounced.Events.Last();
        Assert.Equal(["processed", "delivered", "bounce"], bounced.EventTypes);
        Assert.Equal(
            ("hard", "550 5.1.1 <ada@peer.test>: no such user"),
            (happened.GetProperty("bounce_type").GetString(), happened.GetProperty("smtp_response").GetString()));
        Assert.Equal("5.1.1", happened.GetProperty("metadata").GetProperty("status").GetString());
        var dropped = await server.SendAndSettleAsync(Letter.To("ada@peer.test"));
        Assert.Equal("dropped", dropped.EventTypes.Last());
    }
}
