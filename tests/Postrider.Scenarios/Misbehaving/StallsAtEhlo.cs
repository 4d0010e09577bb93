using Postrider.Scenarios.Peers;

namespace Postrider.Scenarios.Misbehaving;

public sealed class StallsAtEhlo
{
    [Fact]
    public Task Is_tried_again() => Trial.EndsAsync(
        """
        delivered, retry_count 1
        processed ada@peer.test
        deferred ada@peer.test smtp_response=127.0.0.1 [127.0.0.1:PORT]: no answer within 00:00:01 [attempt=1 next_retry_at mx_host=127.0.0.1]
        delivered ada@peer.test smtp_response=250 2.0.0 taken [mx_host=127.0.0.1]
        mx: 1 came, 1 taken
        """,
        new MxScript().At(MxStage.Ehlo, MxStep.Stall), "Smtp:Timeouts:Command=1s");
}
