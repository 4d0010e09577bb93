using Postrider.Scenarios.Peers;

namespace Postrider.Scenarios.Misbehaving;

/// <summary>Contract §8.4: who is refused for good, and who has no room.</summary>
public sealed class RefusesTheRecipient
{
    [Theory]
    [InlineData("Rcpt", "550 5.1.1 no such user", "hard", "5.1.1", "no-such-mailbox")]
    [InlineData("Rcpt", "550 5.1.10 takes no mail", "hard", "5.1.10", "no-such-mailbox")]
    [InlineData("Rcpt", "550 no such user", "hard", null, "no-such-mailbox")]
    [InlineData("Rcpt", "551 user not local", "hard", null, "no-such-mailbox")]
    [InlineData("Rcpt", "553 mailbox name not allowed", "hard", null, "no-such-mailbox")]
    [InlineData("Rcpt", "550 5.2.1 mailbox disabled", "hard", "5.2.1", "mailbox-disabled")]
    [InlineData("Rcpt", "552 5.2.2 mailbox full", "soft", "5.2.2", "mailbox-full")]
    [InlineData("Rcpt", "552 mailbox full", "soft", null, "mailbox-full")]
    [InlineData("Mail", "552 5.3.4 message too big", "soft", "5.3.4", "message-too-large")]
    [InlineData("EndOfData", "552 5.2.3 message too long", "soft", "5.2.3", "message-too-large")]
    [InlineData("EndOfData", "550 5.1.1 no such user", "hard", "5.1.1", "no-such-mailbox")]
    public Task Bounces(string stage, string reply, string kind, string? status, string category) => Trial.EndsAsync(
        $"""
        bounced, retry_count 0, error: {reply}
        processed ada@peer.test
        bounce ada@peer.test bounce_type={kind} smtp_response={reply} [{(status is null ? "" : $"status={status} ")}source=smtp category={category}]
        mx: {(stage == "EndOfData" ? 1 : 0)} came, 0 taken
        """,
        new MxScript().At(Enum.Parse<MxStage>(stage), MxStep.Say(reply)));
}
