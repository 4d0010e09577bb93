using Postrider.Scenarios.Peers;

namespace Postrider.Scenarios.Misbehaving;

/// <summary>TLS is opportunistic: a peer that offers it and cannot do it gets the message in clear, in the same attempt.</summary>
public sealed class StartTlsFails
{
    const string InClear =
        """
        delivered, retry_count 0
        processed ada@peer.test
        delivered ada@peer.test smtp_response=250 2.0.0 taken [mx_host=127.0.0.1]
        mx: 1 came, 1 taken
        """;

    [Theory]
    [InlineData("454 4.7.0 no certificate today")]
    [InlineData("502 5.5.1 not here")]
    public Task When_it_is_refused(string reply) => Trial.EndsAsync(InClear, Offering().At(MxStage.StartTls, MxStep.Say(reply)));

    [Fact]
    public Task When_the_peer_closes() => Trial.EndsAsync(InClear, Offering().At(MxStage.StartTls, MxStep.Close));

    [Fact]
    public Task When_there_is_no_handshake() =>
        Trial.EndsAsync(InClear, Offering().At(MxStage.StartTls, MxStep.SayAndClose("220 go ahead")));

    [Fact]
    public Task When_text_in_clear_follows_the_reply() => Trial.EndsAsync(
        InClear, Offering().At(MxStage.StartTls, MxStep.Write("220 go ahead\r\n250 2.0.0 injected\r\n")));

    [Fact]
    public Task When_the_handshake_never_ends() => Trial.EndsAsync(
        InClear, Offering().At(MxStage.StartTls, MxStep.Write("220 go ahead\r\n")), "Smtp:Timeouts:TlsHandshake=2s");

    static MxScript Offering() => new MxScript().Offers("PIPELINING", "STARTTLS");
}
