using System.Net;
using Postrider.Mail.Smtp;
using Postrider.Mail.Smtp.Client;
using Postrider.Testing;
using static Postrider.Mail.Tests.Smtp.Client.Peer;

namespace Postrider.Mail.Tests.Smtp.Client;

public sealed class SmtpOpeningTests
{
    static readonly Exchange OffersTls = new("EHLO", "250-mx\r\n250 STARTTLS\r\n");

    [Theory]
    [InlineData("554 5.7.1 go away\r\n", Then.GoOn, 554)]
    [InlineData("421 4.3.2 busy\r\n", Then.Close, 421)]
    [InlineData("450 4.3.2 busy\r\n", Then.GoOn, 450)]
    [InlineData("", Then.Close, null)]
    [InlineData("", Then.Reset, null)]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n", Then.GoOn, null)]
    public async Task Fails_at_a_greeting_that_is_none(string reply, Then then, int? code)
    {
        var peer = new ReplayStream(new Exchange("", reply, then));

        var failed = await FailAsync(peer, Target);

        Assert.Equal((SmtpStage.Greeting, code, false), (failed.Stage, failed.Reply?.Code, failed.TlsBroken));
        Assert.True(peer.IsDisposed);
    }

    [Theory]
    [InlineData("421 4.3.2 busy\r\n", Then.Close, 421)]
    [InlineData("451 4.3.2 busy\r\n", Then.GoOn, 451)]
    [InlineData("", Then.Close, null)]
    [InlineData("hm\r\n", Then.GoOn, null)]
    public async Task Fails_at_EHLO(string reply, Then then, int? code)
    {
        var failed = await FailAsync(new ReplayStream(Greeting, new Exchange("EHLO", reply, then)), Target);

        Assert.Equal((SmtpStage.Ehlo, code), (failed.Stage, failed.Reply?.Code));
        Assert.Equal(code is null ? ["Greeting"] : ["Greeting", "Ehlo"], failed.Transcript.Select(entry => entry.Stage.ToString()));
    }

    [Theory]
    [InlineData("500 what?\r\n")]
    [InlineData("502 5.5.1 no\r\n")]
    [InlineData("550 no\r\n")]
    public async Task Says_HELO_to_a_peer_that_does_not_know_EHLO(string refusal)
    {
        var peer = new ReplayStream(Greeting, new("EHLO", refusal), new("HELO client.example", "250 mx\r\n"), MailFrom, Rcpt, Data, Dot);
        await using var session = await ConnectAsync(peer);

        var outcome = await SendAsync(session);

        Assert.Equal("accepted-250", Brief(outcome));
        Assert.Equal(SmtpCapabilities.None, session.Capabilities);
    }

    [Fact]
    public async Task Fails_when_HELO_is_refused_too()
    {
        var failed = await FailAsync(new ReplayStream(Greeting, new("EHLO", "502 no\r\n"), new("HELO", "550 never\r\n")), Target);

        Assert.Equal((SmtpStage.Helo, 550), (failed.Stage, failed.Reply?.Code));
    }

    [Theory]
    [InlineData(true, 300)]
    [InlineData(false, 300)]
    public async Task Waits_for_greeting_and_EHLO_as_long_as_the_RFC_says(bool atGreeting, int seconds)
    {
        var time = new ManualTime();
        var stall = atGreeting ? Greeting with { Reply = "220-dribbles", Then = Then.Stall } : Greeting;
        var peer = new ReplayStream(stall, Plain with { Reply = "", Then = Then.Stall });

        var connecting = SmtpClientSession.ConnectAsync(Target, Options(peer), time, TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromTicks(1));
        Assert.False(connecting.IsCompleted);
        time.Advance(TimeSpan.FromTicks(1));

        var failed = Assert.IsType<SmtpConnectOutcome.Failed>(await connecting);
        Assert.Equal(atGreeting ? SmtpStage.Greeting : SmtpStage.Ehlo, failed.Stage);
    }

    [Fact]
    public async Task Reads_what_the_peer_offers()
    {
        var ehlo = "250-mx greets\r\n250-PIPELINING\r\n250-size 5000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
            + "250-ENHANCEDSTATUSCODES\r\n250-\r\n250 CHUNKING\r\n";
        await using var session = await ConnectAsync(new ReplayStream(Greeting, new("EHLO", ehlo)));

        Assert.Equal(new SmtpCapabilities
        {
            Pipelining = true, Size = true, MaxMessageOctets = 5000, EightBitMime = true, SmtpUtf8 = true,
            EnhancedStatusCodes = true, Chunking = true,
        }, session.Capabilities);
        Assert.Null(session.Tls);
    }

    [Theory]
    [InlineData("250-mx\r\n250 SIZE\r\n")]
    [InlineData("250-mx\r\n250 SIZE 0\r\n")]
    [InlineData("250-mx\r\n250 SIZE 99999999999999999999\r\n")]
    [InlineData("250-mx\r\n250 SIZE -1\r\n")]
    public async Task Takes_a_size_that_says_nothing_as_no_limit(string ehlo)
    {
        await using var session = await ConnectAsync(new ReplayStream(Greeting, new("EHLO", ehlo)));

        Assert.Equal((true, null), (session.Capabilities.Size, session.Capabilities.MaxMessageOctets));
    }

    [Fact]
    public async Task Fails_when_nobody_listens()
    {
        var target = Target with { EndPoint = new IPEndPoint(IPAddress.Loopback, ExternalProgram.FreePort()) };

        var outcome = await SmtpClientSession.ConnectAsync(
            target, new SmtpClientOptions { HostName = "client.example" }, TimeProvider.System, TestContext.Current.CancellationToken);

        var failed = Assert.IsType<SmtpConnectOutcome.Failed>(outcome);
        Assert.Equal((SmtpStage.Connect, false), (failed.Stage, failed.TlsBroken));
        Assert.NotEmpty(failed.Detail);
    }

    [Fact]
    public async Task Gives_up_on_a_connection_that_does_not_come_about()
    {
        var time = new ManualTime();

        var connecting = SmtpClientSession.ConnectAsync(Target, Options(new SilentNetwork()), time, TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromSeconds(30));

        Assert.Equal(SmtpStage.Connect, Assert.IsType<SmtpConnectOutcome.Failed>(await connecting).Stage);
    }

    [Fact]
    public async Task Refuses_what_was_slipped_in_behind_the_reply_to_STARTTLS()
    {
        var failed = await FailAsync(new ReplayStream(Greeting, OffersTls, new("STARTTLS", "220 go\r\n250 injected\r\n")), Target);

        Assert.Equal((SmtpStage.StartTls, true), (failed.Stage, failed.TlsBroken));
    }

    [Theory]
    [InlineData("this is not TLS\r\n", Then.Close)]
    [InlineData("", Then.Close)]
    [InlineData("", Then.Reset)]
    public async Task Tells_that_the_TLS_of_a_peer_is_broken(string answer, Then then)
    {
        var failed = await FailAsync(new ReplayStream(Greeting, OffersTls, new("STARTTLS", "220 go\r\n"), new("*", answer, then)), Target);

        Assert.Equal((SmtpStage.TlsHandshake, true), (failed.Stage, failed.TlsBroken));
    }

    [Theory]
    [InlineData(true, 300, SmtpStage.StartTls)]
    [InlineData(false, 60, SmtpStage.TlsHandshake)]
    public async Task Gives_up_on_TLS_that_does_not_come_about(bool atCommand, int seconds, SmtpStage expected)
    {
        var time = new ManualTime();
        var peer = new ReplayStream(
            Greeting, OffersTls,
            atCommand ? new("STARTTLS", "220-go", Then.Stall) : new("STARTTLS", "220 go\r\n"), new("*", "", Then.Stall));

        var connecting = SmtpClientSession.ConnectAsync(Target, Options(peer), time, TestContext.Current.CancellationToken);
        Assert.True(peer.IsStalled);
        time.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromTicks(1));
        Assert.False(connecting.IsCompleted);
        time.Advance(TimeSpan.FromTicks(1));

        var failed = Assert.IsType<SmtpConnectOutcome.Failed>(await connecting);
        Assert.Equal((expected, true), (failed.Stage, failed.TlsBroken));
    }

    [Fact]
    public async Task Takes_a_421_at_STARTTLS_for_what_it_is()
    {
        var peer = new ReplayStream(Greeting, OffersTls, new("STARTTLS", "421 4.3.2 busy\r\n", Then.Close));

        var failed = await FailAsync(peer, Target);

        Assert.Equal((SmtpStage.StartTls, 421, false), (failed.Stage, failed.Reply?.Code, failed.TlsBroken));
    }

    [Fact]
    public async Task Goes_on_in_clear_when_STARTTLS_is_refused_for_now()
    {
        var peer = new ReplayStream(Greeting, OffersTls, new("STARTTLS", "454 4.7.0 not now\r\n"), MailFrom, Rcpt, Data, Dot);
        await using var session = await ConnectAsync(peer);

        var outcome = await SendAsync(session);

        Assert.Equal("accepted-250", Brief(outcome));
    }

    [Theory]
    [InlineData("250-mx\r\n250 STARTTLS\r\n")]
    [InlineData("250 mx\r\n")]
    public async Task Does_not_go_on_in_clear_when_TLS_is_required(string ehlo)
    {
        var peer = new ReplayStream(Greeting, new("EHLO", ehlo), new("STARTTLS", "454 4.7.0 not now\r\n"));

        var failed = await FailAsync(peer, Target with { RequireTls = true });

        Assert.Equal((SmtpStage.StartTls, false), (failed.Stage, failed.TlsBroken));
    }

    [Fact]
    public async Task Connects_again_in_clear_to_a_peer_whose_TLS_is_broken_and_remembers()
    {
        var time = new ManualTime();
        var network = new Network(
            new ReplayStream(Greeting, OffersTls, new("STARTTLS", "220 go\r\n"), new("*", "", Then.Close)),
            new ReplayStream(Greeting, OffersTls, MailFrom, Rcpt, Data, Dot),
            new ReplayStream(Greeting, OffersTls),
            new ReplayStream(Greeting, OffersTls, new("STARTTLS", "454 not now\r\n")));
        var connector = new SmtpConnector(Options(network), new BrokenTlsMemory(time), time);
        var cancel = TestContext.Current.CancellationToken;

        var first = await connector.ConnectWithFallbackAsync(Target, cancel);
        var second = await connector.ConnectWithFallbackAsync(Target, cancel);
        time.Advance(TimeSpan.FromDays(1));
        await connector.ConnectWithFallbackAsync(Target, cancel);

        Assert.IsType<SmtpConnectOutcome.Connected>(first);
        Assert.IsType<SmtpConnectOutcome.Connected>(second);
        Assert.Equal(
            [true, false, false, true], network.Opened.Select(peer => peer.Written.Contains("STARTTLS", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Never_falls_back_to_clear_when_TLS_is_required()
    {
        var time = new ManualTime();
        var network = new Network(new ReplayStream(Greeting, OffersTls, new("STARTTLS", "220 go\r\n"), new("*", "", Then.Close)));
        var connector = new SmtpConnector(Options(network), new BrokenTlsMemory(time), time);

        var outcome = await connector.ConnectWithFallbackAsync(Target with { RequireTls = true }, TestContext.Current.CancellationToken);

        Assert.IsType<SmtpConnectOutcome.Failed>(outcome);
        Assert.Single(network.Opened);
    }

    static async Task<SmtpConnectOutcome.Failed> FailAsync(ReplayStream peer, SmtpTarget target) =>
        Assert.IsType<SmtpConnectOutcome.Failed>(
            await SmtpClientSession.ConnectAsync(target, Options(peer), new ManualTime(), TestContext.Current.CancellationToken));

    sealed class SilentNetwork : IConnector
    {
        public async ValueTask<Stream> OpenAsync(IPEndPoint endPoint, CancellationToken cancel) =>
            await new TaskCompletionSource<Stream>().Task.WaitAsync(cancel);
    }

    sealed class Network(params ReplayStream[] peers) : IConnector
    {
        public List<ReplayStream> Opened { get; } = [];

        public ValueTask<Stream> OpenAsync(IPEndPoint endPoint, CancellationToken cancel)
        {
            Opened.Add(peers[Opened.Count]);
            return ValueTask.FromResult<Stream>(Opened[^1]);
        }
    }
}
