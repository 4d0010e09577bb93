using Postrider.Scenarios.Peers;

namespace Postrider.Scenarios.Misbehaving;

/// <summary>Contract §8.4: a 5xx about us or the message, at any stage, blocks; nobody's mailbox is at fault.</summary>
public sealed class RefusesForPolicy
{
    [Theory]
    [InlineData("Greeting", "554 5.7.1 your network is listed", "5.7.1", "policy")]
    [InlineData("Greeting", "554 no SMTP service here", null, "policy")]
    [InlineData("Mail", "550 5.7.1 sender refused", "5.7.1", "policy")]
    [InlineData("Mail", "550 sender refused", null, "other")]
    [InlineData("Mail", "553 5.1.8 bad sender domain", "5.1.8", "authentication")]
    [InlineData("Rcpt", "554 5.7.1 relaying denied", "5.7.1", "relay-denied")]
    [InlineData("Data", "554 5.7.1 refused", "5.7.1", "policy")]
    [InlineData("Data", "554 no", null, "other")]
    [InlineData("EndOfData", "554 5.7.1 looks like spam", "5.7.1", "content")]
    [InlineData("EndOfData", "550 content refused", null, "other")]
    public Task Blocks(string stage, string reply, string? status, string category) => Trial.EndsAsync(
        $"""
        bounced, retry_count 0, error: {reply}
        processed ada@peer.test
        blocked ada@peer.test smtp_response={reply} [{(status is null ? "" : $"status={status} ")}bounce_type=block category={category}]
        mx: {(stage == "EndOfData" ? 1 : 0)} came, 0 taken
        """,
        new MxScript().At(Enum.Parse<MxStage>(stage), MxStep.Say(reply)));
}
