using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.NameServing;

/// <summary>DNS says for good that nobody is there: a hard bounce without any SMTP.</summary>
public sealed class DomainTakesNoMail
{
    [Theory]
    [InlineData("null.postrider.test", "5.1.10", "null.postrider.test takes no mail (null MX, RFC 7505)")]
    [InlineData("gone.postrider.test", "5.1.2", "gone.postrider.test does not exist (NXDOMAIN)")]
    public async Task Bounces(string domain, string status, string reason)
    {
        await using var zone = await Zone.ServeAsync();
        await using var server = await PostriderServer.StartAsync(zone.Settings);

        var message = await server.SendAndSettleAsync(Letter.To($"ada@{domain}"));

        Snapshot.Is(
            $"""
            bounced, retry_count 0, error: {reason}
            processed ada@{domain}
            bounce ada@{domain} bounce_type=hard smtp_response={reason} [status={status} source=smtp category=no-such-domain]
            """,
            message.Timeline);
    }
}
