using Postrider.Scenarios.Peers;

namespace Postrider.Scenarios.Misbehaving;

/// <summary>The peer stops reading.</summary>
public sealed class StallsInContent
{
    [Fact]
    public async Task Is_tried_again()
    {
        await using var mx = ScriptedMx.Start(new MxScript().At(MxStage.Content, MxStep.StallUnread));

        await Trial.EndsAsync(
            """
            delivered, retry_count 1
            processed ada@peer.test
            deferred ada@peer.test smtp_response=127.0.0.1: no answer within 00:00:02 (Content) [attempt=1 next_retry_at mx_host=127.0.0.1]
            delivered ada@peer.test smtp_response=250 2.0.0 taken [mx_host=127.0.0.1]
            mx: 1 came, 1 taken
            """,
            mx, Trial.LargeLetter(), "Smtp:Timeouts:DataBlock=2s");
    }
}
