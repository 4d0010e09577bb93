using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Misbehaving;

/// <summary>Several recipients of one message, each with an answer of its own: contract §4.2, "Roll-up".</summary>
public sealed class AnswersRecipientsDifferently
{
    [Fact]
    public async Task Is_sent_while_one_waits_and_delivered_when_all_are_settled()
    {
        await using var mx = ScriptedMx.Start(new MxScript()
            .AlwaysFor("bob", MxStep.Say("550 5.1.1 no such user"))
            .For("cy", MxStep.Say("451 4.7.1 greylisted")));
        await using var server = await Trial.StartAsync(mx, "Retry:Delays=1s");
        var id = await server.SendAsync(Letter.To("ada@peer.test", "bob@peer.test", "cy@peer.test"));

        var sent = await server.SeesAsync(
            id, message => message.Status == "sent" && message.RetryCount == 1 && message.Timeline.Contains("\nbounce ", StringComparison.Ordinal),
            "it is sent to one, refused by one, and waits for another");
        var delivered = await server.SettledAsync(id);

        Snapshot.Is(
            """
            sent, retry_count 1
            processed ada@peer.test
            delivered ada@peer.test smtp_response=250 2.0.0 taken [mx_host=127.0.0.1]
            processed bob@peer.test
            bounce bob@peer.test bounce_type=hard smtp_response=550 5.1.1 no such user [status=5.1.1 source=smtp category=no-such-mailbox]
            processed cy@peer.test
            deferred cy@peer.test smtp_response=451 4.7.1 greylisted [attempt=1 next_retry_at mx_host=127.0.0.1]
            """,
            sent.TimelineByRecipient);
        Assert.NotNull(sent.Json.GetProperty("next_retry_at").GetString());
        Snapshot.Is(
            """
            delivered, retry_count 1, error: 1 of 3 recipients bounced
            processed ada@peer.test
            delivered ada@peer.test smtp_response=250 2.0.0 taken [mx_host=127.0.0.1]
            processed bob@peer.test
            bounce bob@peer.test bounce_type=hard smtp_response=550 5.1.1 no such user [status=5.1.1 source=smtp category=no-such-mailbox]
            processed cy@peer.test
            deferred cy@peer.test smtp_response=451 4.7.1 greylisted [attempt=1 next_retry_at mx_host=127.0.0.1]
            delivered cy@peer.test smtp_response=250 2.0.0 taken [mx_host=127.0.0.1]
            """,
            delivered.TimelineByRecipient);
        Assert.Equal(["ada@peer.test", "cy@peer.test"], mx.Mail.SelectMany(mail => mail.To).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Is_bounced_when_nobody_took_it()
    {
        await using var mx = ScriptedMx.Start(new MxScript()
            .AlwaysFor("ada", MxStep.Say("550 5.1.1 no such user")).AlwaysFor("bob", MxStep.Say("552 5.2.2 mailbox full")));

        await Trial.EndsAsync(
            """
            bounced, retry_count 0, error: 2 of 2 recipients bounced
            processed ada@peer.test
            bounce ada@peer.test bounce_type=hard smtp_response=550 5.1.1 no such user [status=5.1.1 source=smtp category=no-such-mailbox]
            processed bob@peer.test
            bounce bob@peer.test bounce_type=soft smtp_response=552 5.2.2 mailbox full [status=5.2.2 source=smtp category=mailbox-full]
            mx: 0 came, 0 taken
            """,
            mx, Letter.To("ada@peer.test", "bob@peer.test"));
    }
}
