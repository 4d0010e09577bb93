using Postrider.Scenarios.Peers;

namespace Postrider.Scenarios.Misbehaving;

public sealed class ClosesInContent
{
    [Fact]
    public async Task Is_tried_again()
    {
        await using var mx = ScriptedMx.Start(new MxScript().At(MxStage.Content, MxStep.Close));

        await Trial.EndsAsync(
            """
            delivered, retry_count 1
            processed ada@peer.test
            deferred ada@peer.test smtp_response=127.0.0.1: the connection was closed (Content) [attempt=1 next_retry_at mx_host=127.0.0.1]
            delivered ada@peer.test smtp_response=250 2.0.0 taken [mx_host=127.0.0.1]
            mx: 1 came, 1 taken
            """,
            mx, Trial.LargeLetter());
    }

    /// <summary>All of a small message is on its way, final dot included, before the peer closes: what it took nobody knows.</summary>
    [Fact]
    public async Task May_have_been_delivered_when_it_was_small()
    {
        await Trial.EndsAsync(
            """
            delivered, retry_count 1
            processed ada@peer.test
            deferred ada@peer.test smtp_response=127.0.0.1: the connection was closed (EndOfData) [attempt=1 next_retry_at mx_host=127.0.0.1 uncertain=True]
            delivered ada@peer.test smtp_response=250 2.0.0 taken [mx_host=127.0.0.1]
            mx: 1 came, 1 taken
            """,
            new MxScript().At(MxStage.Content, MxStep.Close));
    }
}
