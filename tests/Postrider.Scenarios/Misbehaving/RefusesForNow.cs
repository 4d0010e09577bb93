using Postrider.Scenarios.Peers;

namespace Postrider.Scenarios.Misbehaving;

/// <summary>A 4xx at any stage is tried again.</summary>
public sealed class RefusesForNow
{
    [Theory]
    [InlineData("Greeting", "421 4.3.2 too busy")]
    [InlineData("Ehlo", "451 4.3.0 not now")]
    [InlineData("Mail", "451 4.3.0 not now")]
    [InlineData("Rcpt", "450 4.2.1 mailbox busy")]
    [InlineData("Rcpt", "451 4.7.1 greylisted")]
    [InlineData("Data", "451 4.3.0 not now")]
    [InlineData("EndOfData", "452 4.3.1 disk full")]
    public Task Is_tried_again(string stage, string reply) => Trial.EndsAsync(
        $"""
        delivered, retry_count 1
        processed ada@peer.test
        deferred ada@peer.test smtp_response={reply} [attempt=1 next_retry_at mx_host=127.0.0.1]
        delivered ada@peer.test smtp_response=250 2.0.0 taken [mx_host=127.0.0.1]
        mx: {(stage == "EndOfData" ? 2 : 1)} came, 1 taken
        """,
        new MxScript().At(Enum.Parse<MxStage>(stage), MxStep.Say(reply)));
}
