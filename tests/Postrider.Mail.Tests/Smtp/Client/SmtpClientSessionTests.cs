using Postrider.Mail.Addresses;
using Postrider.Mail.Smtp.Client;
using Postrider.Testing;
using static Postrider.Mail.Tests.Smtp.Client.Peer;

namespace Postrider.Mail.Tests.Smtp.Client;

public sealed class SmtpClientSessionTests
{
    [Fact]
    public async Task Sends_a_pipelined_transaction_in_two_writes()
    {
        var peer = new ReplayStream(Greeting, Pipelining, MailFrom, Rcpt, Data, Dot);
        await using var session = await ConnectAsync(peer);
        var before = peer.Writes;

        var outcome = await SendAsync(session);

        Assert.Equal("accepted-250", Brief(outcome));
        Assert.Equal(2, peer.Writes - before);
        Assert.Equal(
            "EHLO client.example\r\nMAIL FROM:<a@example.org> SIZE=26\r\nRCPT TO:<b@example.net>\r\nDATA\r\n"
            + "Subject: hello\r\n\r\nHello.\r\n.\r\n",
            peer.Written);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Sends_one_message_after_another(bool pipelining)
    {
        var peer = new ReplayStream(Greeting, Ehlo(pipelining),
            MailFrom, Rcpt, Data, Dot, MailFrom, Rcpt, Rcpt, Data, Dot, new("QUIT", "221 bye\r\n"));
        await using var session = await ConnectAsync(peer);

        var first = await SendAsync(session);
        var second = await SendAsync(session, "b@example.net", "c@example.net");
        await session.QuitAsync(TestContext.Current.CancellationToken);

        Assert.Equal("accepted-250 accepted-250 accepted-250", $"{Brief(first)} {Brief(second)}");
        Assert.Equal(["MailFrom", "RcptTo", "RcptTo", "Data", "EndOfData"], second.Transcript.Select(entry => entry.Stage.ToString()));
        Assert.True(peer.IsFinished && peer.IsDisposed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Reads_replies_that_come_octet_by_octet(bool pipelining)
    {
        var dot = Dot with { Reply = "250-one\r\n250-two\r\n250 three\r\n" };
        var peer = new ReplayStream(Greeting, Ehlo(pipelining), MailFrom, Rcpt, Data, dot) { Piece = 1 };
        await using var session = await ConnectAsync(peer);

        var outcome = await SendAsync(session);

        var accepted = Assert.IsType<RecipientOutcome.Accepted>(outcome.Recipients[0]);
        Assert.Equal("250 one two three", accepted.Reply.ToString());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Gives_each_recipient_its_own_reply(bool pipelining)
    {
        var peer = new ReplayStream(Greeting, Ehlo(pipelining), MailFrom,
            Rcpt, Rcpt with { Reply = "550 5.1.1 unknown\r\n" }, Rcpt with { Reply = "450 4.2.1 later\r\n" }, Rcpt, Data, Dot);
        await using var session = await ConnectAsync(peer);

        var outcome = await SendAsync(session, "a@x.example", "b@x.example", "c@x.example", "d@x.example");

        Assert.Equal("accepted-250 refused-RcptTo-550 refused-RcptTo-450 accepted-250", Brief(outcome));
        Assert.True(session.CanReuse);
    }

    [Fact]
    public async Task Ends_with_a_lone_dot_when_nobody_is_left_but_the_peer_wants_data()
    {
        var peer = new ReplayStream(Greeting, Pipelining, MailFrom, Rcpt with { Reply = "550 5.1.1 unknown\r\n" }, Data,
            new(".", "554 5.5.1 no valid recipients\r\n"), MailFrom, Rcpt, Data, Dot);
        await using var session = await ConnectAsync(peer);

        var outcome = await SendAsync(session);
        var next = await SendAsync(session);

        Assert.Equal("refused-RcptTo-550", Brief(outcome));
        Assert.Equal("accepted-250", Brief(next));
        Assert.Contains("DATA\r\n.\r\nMAIL", peer.Written, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Resets_an_envelope_that_was_left_with_the_peer(bool pipelining)
    {
        var refused = Rcpt with { Reply = "550 5.1.1 unknown\r\n" };
        var peer = new ReplayStream([Greeting, Ehlo(pipelining), MailFrom, refused,
            .. pipelining ? [Data with { Reply = "503 no recipients\r\n" }] : Array.Empty<Exchange>(), Reset, MailFrom, Rcpt, Data, Dot]);
        await using var session = await ConnectAsync(peer);

        var outcome = await SendAsync(session);
        var next = await SendAsync(session);

        Assert.Equal("refused-RcptTo-550 accepted-250", $"{Brief(outcome)} {Brief(next)}");
    }

    [Fact]
    public async Task Does_not_reuse_a_session_that_refuses_RSET()
    {
        var peer = new ReplayStream(Greeting, Plain, MailFrom, Rcpt with { Reply = "550 no\r\n" }, Reset with { Reply = "502 no\r\n" });
        await using var session = await ConnectAsync(peer);
        await SendAsync(session);

        var outcome = await SendAsync(session);

        Assert.Equal("silent-Reset", Brief(outcome));
        Assert.False(session.CanReuse);
    }

    [Fact]
    public async Task Sends_a_thousand_recipients_in_groups()
    {
        var peer = new ReplayStream([Greeting, Pipelining, MailFrom, .. Enumerable.Repeat(Rcpt, 1000), Data, Dot]);
        await using var session = await ConnectAsync(peer);

        var outcome = await SendAsync(session, [.. Enumerable.Range(0, 1000).Select(i => $"r{i}@example.net")]);

        Assert.All(outcome.Recipients, recipient => Assert.IsType<RecipientOutcome.Accepted>(recipient));
    }

    [Theory]
    [InlineData("MailFrom", "421 4.3.2 bye\r\n", Then.Close, "refused-MailFrom-421 refused-MailFrom-421", false)]
    [InlineData("MailFrom", "451 4.3.0 later\r\n", Then.GoOn, "refused-MailFrom-451 refused-MailFrom-451", true)]
    [InlineData("MailFrom", "550 5.7.1 never\r\n", Then.GoOn, "refused-MailFrom-550 refused-MailFrom-550", true)]
    [InlineData("MailFrom", "", Then.Close, "silent-MailFrom silent-MailFrom", false)]
    [InlineData("MailFrom", "", Then.Reset, "silent-MailFrom silent-MailFrom", false)]
    [InlineData("MailFrom", "nonsense\r\n", Then.GoOn, "silent-MailFrom silent-MailFrom", false)]
    [InlineData("MailFrom", "354 what\r\n", Then.GoOn, "silent-MailFrom silent-MailFrom", false)]
    [InlineData("RcptTo", "421 4.3.2 bye\r\n", Then.Close, "refused-RcptTo-421 refused-RcptTo-421", false)]
    [InlineData("RcptTo", "", Then.Close, "silent-RcptTo silent-RcptTo", false)]
    [InlineData("RcptTo", "250-half", Then.Close, "silent-RcptTo silent-RcptTo", false)]
    [InlineData("RcptTo", "nonsense\r\n", Then.GoOn, "silent-RcptTo silent-RcptTo", false)]
    [InlineData("Data", "421 4.3.2 bye\r\n", Then.Close, "refused-Data-421 refused-Data-421", false)]
    [InlineData("Data", "452 4.3.1 full\r\n", Then.GoOn, "refused-Data-452 refused-Data-452", true)]
    [InlineData("Data", "554 5.7.1 never\r\n", Then.GoOn, "refused-Data-554 refused-Data-554", true)]
    [InlineData("Data", "250 what\r\n", Then.GoOn, "silent-Data silent-Data", false)]
    [InlineData("Data", "", Then.Close, "silent-Data silent-Data", false)]
    [InlineData("Data", "354 go\r\n", Then.Close, "silent-Content silent-Content", false)]
    [InlineData("Data", "354 go\r\n552 5.3.4 too big\r\n", Then.Close, "refused-Content-552 refused-Content-552", false)]
    [InlineData("Data", "354 go\r\n421 4.3.2 bye\r\n", Then.Close, "refused-Content-421 refused-Content-421", false)]
    [InlineData("EndOfData", "421 4.3.2 bye\r\n", Then.Close, "refused-EndOfData-421 refused-EndOfData-421", false)]
    [InlineData("EndOfData", "451 4.3.0 later\r\n", Then.GoOn, "refused-EndOfData-451 refused-EndOfData-451", true)]
    [InlineData("EndOfData", "554 5.7.1 spam\r\n", Then.GoOn, "refused-EndOfData-554 refused-EndOfData-554", true)]
    [InlineData("EndOfData", "", Then.Close, "silent-EndOfData silent-EndOfData", false)]
    [InlineData("EndOfData", "", Then.Reset, "silent-EndOfData silent-EndOfData", false)]
    [InlineData("EndOfData", "nonsense\r\n", Then.GoOn, "silent-EndOfData silent-EndOfData", false)]
    [InlineData("EndOfData", "250 ok\r\n250 and more\r\n", Then.GoOn, "accepted-250 accepted-250", false)]
    public async Task Tells_what_went_wrong_and_where(string stage, string reply, Then then, string expected, bool canReuse)
    {
        foreach (var pipelining in new[] { false, true })
        {
            var peer = new ReplayStream(Transaction(pipelining, stage, reply, then));
            await using var session = await ConnectAsync(peer);

            var outcome = await SendAsync(session, "b@example.net", "c@example.net");

            Assert.Equal((expected, canReuse), (Brief(outcome), session.CanReuse));
            Assert.Equal(stage == "EndOfData" && expected.StartsWith("silent", StringComparison.Ordinal),
                outcome.Recipients.Any(recipient => recipient is RecipientOutcome.NoAnswer { PossiblyDelivered: true }));
        }
    }

    /// <summary>A transaction with two recipients, in which the peer does the given thing at the given stage.</summary>
    static IEnumerable<Exchange> Transaction(bool pipelining, string stage, string reply, Then then)
    {
        Exchange At(string here, Exchange usual) => here == stage ? usual with { Reply = reply, Then = then } : usual;

        yield return Greeting;
        yield return Ehlo(pipelining);
        yield return At("MailFrom", MailFrom);
        var refused = stage == "MailFrom" && reply.StartsWith('4') || stage == "MailFrom" && reply.StartsWith('5');
        if (refused && !pipelining)
            yield break;
        yield return refused ? Rcpt with { Reply = "503 no MAIL\r\n" } : At("RcptTo", Rcpt);
        yield return refused ? Rcpt with { Reply = "503 no MAIL\r\n" } : Rcpt;
        yield return refused ? Data with { Reply = "503 no RCPT\r\n" } : At("Data", Data);
        yield return At("EndOfData", Dot);
    }

    [Theory]
    [InlineData("MailFrom", "silent-MailFrom", 300)]
    [InlineData("RcptTo", "silent-RcptTo", 300)]
    [InlineData("Data", "silent-Data", 300)]
    [InlineData("EndOfData", "silent-EndOfData", 600)]
    public async Task Waits_for_a_silent_peer_as_long_as_the_RFC_says_and_no_longer(string stage, string expected, int seconds)
    {
        foreach (var reply in new[] { "", "250-drib" })
        {
            var time = new ManualTime();
            var peer = new ReplayStream(Transaction(pipelining: true, stage, reply, Then.Stall));
            await using var session = await ConnectAsync(peer, time);

            var sending = SendAsync(session, "b@example.net", "c@example.net");
            Assert.True(peer.IsStalled);
            time.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromTicks(1));
            Assert.False(sending.IsCompleted);
            time.Advance(TimeSpan.FromTicks(1));

            Assert.Equal($"{expected} {expected}", Brief(await sending));
            Assert.False(session.CanReuse);
        }
    }

    [Fact]
    public async Task Waits_three_minutes_for_a_peer_that_reads_no_more_of_a_message()
    {
        var time = new ManualTime();
        var peer = new ReplayStream(Greeting, Pipelining, MailFrom, Rcpt, Data with { Then = Then.Jam });
        await using var session = await ConnectAsync(peer, time);

        var sending = SendAsync(session, Message(string.Concat(Enumerable.Repeat("a line\r\n", 10_000))));
        Assert.True(peer.IsStalled);
        time.Advance(TimeSpan.FromMinutes(3) - TimeSpan.FromTicks(1));
        Assert.False(sending.IsCompleted);
        time.Advance(TimeSpan.FromTicks(1));

        Assert.Equal("silent-Content", Brief(await sending));
    }

    [Fact]
    public async Task Stops_when_the_caller_says_so_and_does_not_reuse_the_session()
    {
        using var stop = new CancellationTokenSource();
        var peer = new ReplayStream(Transaction(pipelining: true, "EndOfData", "", Then.Stall));
        await using var session = await ConnectAsync(peer);

        var sending = session.SendAsync(
            ReversePath.Null, [Mailbox("b@example.net"), Mailbox("c@example.net")], Message(), stop.Token);
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        Assert.False(session.CanReuse);
    }

    [Theory]
    [InlineData("421 4.4.2 idle\r\n", "refused-MailFrom-421")]
    [InlineData("", "silent-MailFrom")]
    public async Task Tells_that_the_peer_had_ended_an_idle_session(string lastWords, string expected)
    {
        var peer = new ReplayStream(
            Greeting, Pipelining, MailFrom, Rcpt, Data, Dot, MailFrom with { Reply = lastWords, Then = Then.Close });
        await using var session = await ConnectAsync(peer);
        var first = await SendAsync(session);

        var second = await SendAsync(session);

        Assert.Equal(expected, Brief(second));
        Assert.Equal((false, true), (first.SessionWasStale, second.SessionWasStale));
    }

    [Fact]
    public async Task Ends_the_session_without_the_final_dot_when_the_message_fails_to_write_itself()
    {
        var peer = new ReplayStream(Greeting, Pipelining, MailFrom, Rcpt, Data);
        await using var session = await ConnectAsync(peer);

        await Assert.ThrowsAsync<InvalidDataException>(() => SendAsync(session, new FailingMessage()));

        Assert.False(session.CanReuse);
        Assert.EndsWith("DATA\r\n", peer.Written, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refuses_locally_what_the_peer_said_it_would_not_take()
    {
        var peer = new ReplayStream(Greeting, Plain);
        await using var session = await ConnectAsync(peer);

        var tooBig = await SendAsync(session, Message(new string('x', 1_000_001)));
        var eightBit = await SendAsync(session, new SegmentedMessage("x"u8.ToArray()) { Is8Bit = true });
        var utf8Header = await SendAsync(session, new SegmentedMessage("x"u8.ToArray()) { NeedsSmtpUtf8 = true });
        var utf8Address = await SendAsync(session, "jörg@example.net");

        var replies = new[] { tooBig, eightBit, utf8Header, utf8Address }
            .Select(outcome => ((RecipientOutcome.Refused)outcome.Recipients[0]).Reply);
        Assert.Equal(["5.3.4", "5.6.3", "5.6.7", "5.6.7"], replies.Select(reply => reply.Enhanced.ToString()));
        Assert.All(replies, reply => Assert.True(reply.IsLocal));
        Assert.Equal("EHLO client.example\r\n", peer.Written);
        Assert.True(session.CanReuse);
    }

    [Fact]
    public async Task Says_what_the_message_needs_where_the_peer_offers_it()
    {
        var ehlo = Plain with { Reply = "250-mx\r\n250-8bitmime\r\n250 SmtpUtf8\r\n" };
        var peer = new ReplayStream(Greeting, ehlo, new("MAIL FROM:<> BODY=8BITMIME SMTPUTF8", "250 ok\r\n"),
            new("RCPT TO:<j\u00c3\u00b6rg@", "250 ok\r\n"), Data, Dot);
        await using var session = await ConnectAsync(peer);

        var outcome = await session.SendAsync(ReversePath.Null, [Mailbox("jörg@example.net")],
            new SegmentedMessage("x"u8.ToArray()) { Is8Bit = true }, TestContext.Current.CancellationToken);

        Assert.Equal("accepted-250", Brief(outcome));
    }

    [Fact]
    public async Task Streams_a_message_larger_than_its_buffers()
    {
        var text = string.Concat(Enumerable.Repeat(".a line that starts with a dot\r\n", 3000));
        var peer = new ReplayStream(Greeting, Pipelining, MailFrom, Rcpt, Data, Dot);
        await using var session = await ConnectAsync(peer);

        var outcome = await SendAsync(session, Message(text));

        Assert.Equal("accepted-250", Brief(outcome));
        Assert.EndsWith($"DATA\r\n{text.Replace(".a", "..a", StringComparison.Ordinal)}.\r\n", peer.Written, StringComparison.Ordinal);
    }

    sealed class FailingMessage : IOutgoingMessage
    {
        public long Octets => 1;
        public bool Is8Bit => false;
        public bool NeedsSmtpUtf8 => false;

        public async ValueTask WriteToAsync(IMessageSink sink, CancellationToken cancel)
        {
            await sink.WriteAsync("half a mess"u8.ToArray(), cancel);
            throw new InvalidDataException("the store lost the rest");
        }
    }
}
