using System.Text.Json.Nodes;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Suppressions;

/// <summary>Contract §8.5: who is kept from mail, for what reason, and until when.</summary>
public sealed class SuppressesAddresses
{
    const string NoSuchUser = "550 5.1.1 no such user";

    [Fact]
    public async Task Whose_mailbox_does_not_exist_until_the_row_is_removed()
    {
        await using var mx = ScriptedMx.Start(new MxScript().For("ada", MxStep.Say(NoSuchUser)));
        await using var server = await PostriderServer.StartAsync(mx.Route);

        var bounced = await server.SendAndSettleAsync(Letter.To("ada@peer.test"));
        var rows = await server.Api.GetAsync("/v3/suppression/bounces");
        var dropped = await server.SendAndSettleAsync(Letter.To("ADA@peer.test"));
        var others = await server.As(server.Installation.OtherKey).GetAsync("/v3/suppression/bounces");
        var removed = await server.Api.DeleteAsync("/v3/suppression/bounces/ada@peer.test");
        var delivered = await server.SendAndSettleAsync(Letter.To("ada@peer.test"));

        Snapshot.Is(
            $"""
            bounced, retry_count 0, error: {NoSuchUser}
            processed ada@peer.test
            bounce ada@peer.test bounce_type=hard smtp_response={NoSuchUser} [status=5.1.1 source=smtp]
            """,
            bounced.Timeline);
        var row = rows.Body.GetProperty("bounces")[0];
        Assert.Equal(
            ("ada@peer.test", NoSuchUser, "hard", "5.1.1", bounced.Id, bounced.Events.Last().GetProperty("event_id").GetString(), 1),
            (Of("email"), Of("reason"), Of("bounce_type"), Of("status"), Of("message_id"), Of("event_id"), rows.Body.GetProperty("total").GetInt32()));
        Snapshot.Is(
            """
            failed, retry_count 0, error: All recipients suppressed
            processed ADA@peer.test
            dropped ADA@peer.test [reason=bounced_address]
            """,
            dropped.Timeline);
        Assert.Equal((204, 0, "delivered"), (removed.Status, others.Body.GetProperty("total").GetInt32(), delivered.Status));
        Assert.Single(mx.Taken);

        string? Of(string name) => row.GetProperty(name).GetString();
    }

    [Fact]
    public async Task And_not_those_whose_mailbox_was_full_or_who_refused_for_policy()
    {
        await using var mx = ScriptedMx.Start(new MxScript()
            .For("ada", MxStep.Say("552 5.2.2 mailbox full")).For("bob", MxStep.Say("554 5.7.1 not welcome")));
        await using var server = await PostriderServer.StartAsync(mx.Route);
        await server.SendAndSettleAsync(Letter.To("ada@peer.test", "bob@peer.test"));

        var again = await server.SendAndSettleAsync(Letter.To("ada@peer.test", "bob@peer.test"));

        var rows = (await server.Api.GetAsync("/v3/suppression/bounces")).Body.GetProperty("bounces").EnumerateArray();
        Assert.Equal(["block", "soft"], rows.Select(row => row.GetProperty("bounce_type").GetString()!).Order(StringComparer.Ordinal));
        Assert.Equal("delivered", again.Status);
    }

    [Fact]
    public async Task While_the_other_recipients_of_the_message_get_it()
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(mx.Route);
        await server.Api.PostAsync("/v3/asm/suppressions/global", Emails("bob@peer.test"));
        await server.Api.PostAsync("/v3/suppression/spam_reports", new JsonObject { ["email"] = "cy@peer.test" });

        var message = await server.SendAndSettleAsync(Letter.To("bob@peer.test", "ada@peer.test", "cy@peer.test"));

        Snapshot.Is(
            """
            delivered, retry_count 0, error: 2 of 3 recipients dropped
            processed ada@peer.test
            delivered ada@peer.test smtp_response=250 2.0.0 taken [mx_host=127.0.0.1]
            processed bob@peer.test
            dropped bob@peer.test [reason=unsubscribed_address]
            processed cy@peer.test
            dropped cy@peer.test [reason=spam_reporting_address]
            """,
            message.TimelineByRecipient);
        Assert.Equal(["ada@peer.test"], mx.Mail.SelectMany(mail => mail.To));
    }

    [Theory]
    [InlineData("bypass_bounce_management", "hard@peer.test")]
    [InlineData("bypass_spam_management", "spam@peer.test")]
    [InlineData("bypass_unsubscribe_management", "global@peer.test")]
    [InlineData("bypass_list_management", "global@peer.test", "group@peer.test", "hard@peer.test", "spam@peer.test")]
    public async Task Unless_the_send_passes_the_list_by(string bypass, params string[] reached)
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(mx.Route);
        var group = await ListAllAsync(server);
        var letter = Letter.To("hard@peer.test", "spam@peer.test", "global@peer.test", "group@peer.test")
            .With("asm", new JsonObject { ["group_id"] = group })
            .With("mail_settings", new JsonObject { [bypass] = new JsonObject { ["enable"] = true } });

        var message = await server.SendAndSettleAsync(letter);

        Assert.Equal("delivered", message.Status);
        Assert.Equal(reached, mx.Mail.SelectMany(mail => mail.To).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Of_a_group_only_from_mail_of_that_group()
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(mx.Route);
        var group = await ListAllAsync(server);
        var inGroup = Letter.To("group@peer.test").With("asm", new JsonObject { ["group_id"] = group });

        var dropped = await server.SendAndSettleAsync(inGroup);
        var delivered = await server.SendAndSettleAsync(Letter.To("group@peer.test"));
        var unknown = await server.Api.PostAsync("/v3/mail/send", Letter.To("ada@peer.test").With("asm", new JsonObject { ["group_id"] = group + 1 }));

        Snapshot.Is(
            $"""
            failed, retry_count 0, error: All recipients suppressed
            processed group@peer.test
            dropped group@peer.test [reason=group_unsubscribed group_id={group}]
            """,
            dropped.Timeline);
        Assert.Equal("delivered", delivered.Status);
        Assert.Equal((400, "asm.group_id"), (unknown.Status, unknown.Body.GetProperty("errors")[0].GetProperty("field").GetString()));
    }

    [Fact]
    public async Task Listed_while_a_scheduled_or_deferred_message_waits()
    {
        await using var mx = ScriptedMx.Start(new MxScript().For("ada", MxStep.Say("451 4.7.1 greylisted")));
        await using var server = await PostriderServer.StartAsync(mx.Route, "Retry:Delays=2s", "Retry:Jitter=0");
        var id = await server.SendAsync(Letter.To("ada@peer.test"));
        await server.SeesAsync(id, message => message.RetryCount == 1, "it is deferred");

        await server.Api.PostAsync("/v3/asm/suppressions/global", Emails("ada@peer.test"));
        var message = await server.SettledAsync(id);

        Assert.Equal(["processed", "deferred", "dropped"], message.Events.Select(one => one.GetProperty("event_type").GetString()!));
        Assert.Empty(mx.Taken);
    }

    /// <summary>An address on each list, named after it.</summary>
    /// <returns>The group's id.</returns>
    static async Task<int> ListAllAsync(PostriderServer server)
    {
        var group = await server.Api.PostAsync("/v3/asm/groups", new JsonObject { ["name"] = "Digest", ["description"] = "Weekly digest" });
        var id = group.Body.GetProperty("id").GetInt32();
        ApiAnswer[] answers =
        [
            await server.Api.PostAsync("/v3/suppression/bounces", new JsonObject { ["email"] = "hard@peer.test" }),
            await server.Api.PostAsync("/v3/suppression/spam_reports", new JsonObject { ["email"] = "spam@peer.test" }),
            await server.Api.PostAsync("/v3/asm/suppressions/global", Emails("global@peer.test")),
            await server.Api.PostAsync($"/v3/asm/groups/{id}/suppressions", Emails("group@peer.test")),
        ];
        Assert.All(answers, answer => Assert.Equal(201, answer.Status));
        return id;
    }

    static JsonObject Emails(params string[] addresses) =>
        new() { ["recipient_emails"] = new JsonArray([.. addresses.Select(address => (JsonNode)address)]) };
}
