using Postrider.Scenarios.Peers;

namespace Postrider.Scenarios.Misbehaving;

/// <summary>It may have been delivered: that is told, and it is sent again as the same message.</summary>
public sealed class ClosesAfterFinalDot
{
    [Fact]
    public Task May_have_been_delivered() => Trial.EndsAsync(
        """
        delivered, retry_count 1
        processed ada@peer.test
        deferred ada@peer.test smtp_response=127.0.0.1: the connection was closed (EndOfData) [attempt=1 next_retry_at mx_host=127.0.0.1 uncertain=True]
        delivered ada@peer.test smtp_response=250 2.0.0 taken [mx_host=127.0.0.1]
        mx: 2 came, 1 taken
        """,
        new MxScript().At(MxStage.EndOfData, MxStep.Close));
}
