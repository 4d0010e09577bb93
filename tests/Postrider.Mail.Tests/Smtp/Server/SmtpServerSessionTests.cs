using Postrider.Mail.Smtp;
using Postrider.Testing;

namespace Postrider.Mail.Tests.Smtp.Server;

public sealed class SmtpServerSessionTests
{
    const string Envelope = "EHLO client.example\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n";

    readonly CapturingReceiver _receiver = new();

    [Fact]
    public async Task Takes_a_pipelined_message()
    {
        var conversation = new Conversation(_receiver);

        await conversation.SayAllAsync($"{Envelope}Subject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n");

        Assert.Equal("""
            220 mx.example ESMTP
            250-mx.example
            250-PIPELINING
            250-SIZE 26214400
            250-8BITMIME
            250-SMTPUTF8
            250 ENHANCEDSTATUSCODES
            250 2.1.0 Ok
            250 2.1.5 Ok
            354 End data with <CR><LF>.<CR><LF>
            250 2.0.0 Ok: captured
            221 2.0.0 Bye

            """.ReplaceLineEndings("\r\n"), conversation.Replies);
        Assert.Equal(
            ["<a@example.org> b@example.net: Subject: x\r\n\r\n.dot\r\n"], _receiver.Messages.Select(message => message.ToString()));
    }

    [Fact]
    public async Task Understands_the_same_however_it_is_split()
    {
        var text = $"{Envelope}Subject: x\r\n\r\n..dot\r\n.a\r\n\r\n.\r\n"
            + "MAIL FROM:<> SIZE=5 BODY=8BITMIME\r\nRCPT TO:<postmaster>\r\nDATA\r\n.\r\nNOOP\r\nbad\r\nQUIT\r\n";
        var whole = new Conversation(_receiver);
        await whole.SayAllAsync(text);
        var expected = _receiver.Messages.Select(message => message.ToString()).ToArray();
        Assert.Equal(2, expected.Length);

        for (var split = 0; split <= text.Length; split++)
        {
            var receiver = new CapturingReceiver();
            var conversation = new Conversation(receiver);
            await conversation.SayAsync(text[..split], piece: split == 0 ? 1 : int.MaxValue);
            await conversation.SayAllAsync(text[split..], piece: split == 0 ? 1 : int.MaxValue);

            Assert.Equal(whole.Replies, conversation.Replies);
            Assert.Equal(expected, receiver.Messages.Select(message => message.ToString()));
        }
    }

    [Theory]
    [InlineData("\r\n.\r\n", "220 250 250 250 354 250 250 250 354 250 221", 2)]
    [InlineData("\n.\n", "220 250 250 250 354 550 221", 0)]
    [InlineData("\n.\r\n", "220 250 250 250 354 550 221", 0)]
    [InlineData("\r\n.\n", "220 250 250 250 354 550 221", 0)]
    [InlineData("\r.\r", "220 250 250 250 354 550 221", 0)]
    [InlineData("\r\n.\r", "220 250 250 250 354 550 221", 0)]
    [InlineData("\r.\r\n", "220 250 250 250 354 550 221", 0)]
    [InlineData("\r\r\n.\r\n", "220 250 250 250 354 550 250 250 354 250 221", 1)]
    [InlineData("\r\n.\r\r\n", "220 250 250 250 354 550 221", 0)]
    [InlineData("\r\n\0.\r\n", "220 250 250 250 354 250 221", 1)]
    public async Task Ends_a_message_at_CRLF_dot_CRLF_only_and_refuses_what_others_could_take_for_it(string end, string codes, int captured)
    {
        var text = $"{Envelope}one{end}MAIL FROM:<evil@example.org>\r\nRCPT TO:<c@example.net>\r\nDATA\r\ntwo\r\n.\r\nQUIT\r\n";
        foreach (var piece in new[] { 1, 3, int.MaxValue })
        {
            var receiver = new CapturingReceiver();
            var conversation = new Conversation(receiver);

            await conversation.SayAllAsync(text, piece);

            Assert.Equal((codes, captured), (conversation.Codes, receiver.Messages.Count));
        }
    }

    [Theory]
    [InlineData("MAIL FROM:<a@b.example>\r\n", "503")]
    [InlineData("DATA\r\n", "503")]
    [InlineData("HELO x\r\nRCPT TO:<a@b.example>\r\n", "250 503")]
    [InlineData("HELO x\r\nMAIL FROM:<>\r\nMAIL FROM:<>\r\n", "250 250 503")]
    [InlineData("HELO x\r\nMAIL FROM:<>\r\nDATA\r\n", "250 250 503")]
    [InlineData("HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<550@b.example>\r\nDATA\r\n", "250 250 550 503")]
    [InlineData("HELO x\r\nMAIL FROM:<451@b.example>\r\nRCPT TO:<a@b.example>\r\n", "250 451 503")]
    [InlineData("HELO x\r\nMAIL FROM:<>\r\nRSET\r\nRCPT TO:<a@b.example>\r\n", "250 250 250 503")]
    [InlineData("HELO x\r\nMAIL FROM:<>\r\nEHLO x\r\nRCPT TO:<a@b.example>\r\n", "250 250 250 503")]
    [InlineData("HELO x\r\nMAIL FROM:<> SIZE=26214401\r\nMAIL FROM:<> SIZE=26214400\r\n", "250 552 250")]
    [InlineData("HELO x\r\nMAIL FROM:<> SIZE=99999999999999999999\r\n", "250 552")]
    [InlineData("HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<j\u00f6rg@b.example>\r\n", "250 250 553")]
    [InlineData("HELO x\r\nMAIL FROM:<> SMTPUTF8\r\nRCPT TO:<j\u00f6rg@b.example>\r\n", "250 250 250")]
    [InlineData("NOOP x\r\nHELP\r\nVRFY a\r\nRSET\r\nEXPN x\r\nAUTH PLAIN AA==\r\nSTARTTLS\r\n", "250 214 252 250 502 502 503")]
    [InlineData("HELO x\r\nSTARTTLS\r\n", "250 502")]
    [InlineData("BDAT 5 LAST\r\nGET / HTTP/1.1\r\n\r\n", "502 500 500")]
    [InlineData("NOOP\nNOOP\r\nNOOP\rNOOP\r\nNOOP\r\n", "500 500 250")]
    [InlineData("QUIT\r\nNOOP\r\n", "221")]
    [InlineData("NOOP", "")]
    public async Task Answers_each_command_in_its_place(string commands, string codes)
    {
        var conversation = new Conversation(_receiver);

        await conversation.SayAllAsync(commands);

        Assert.Equal($"220 {codes}".TrimEnd(), conversation.Codes);
        Assert.Empty(_receiver.Messages);
    }

    [Fact]
    public async Task Refuses_a_line_that_is_too_long_and_goes_on()
    {
        var conversation = new Conversation(_receiver);
        var longest = "NOOP " + new string('x', 1024 - 7);

        await conversation.SayAllAsync($"{longest}\r\n{longest}x\r\nNOOP\r\n", piece: 700);

        Assert.Equal("220 250 500 250", conversation.Codes);
    }

    [Fact]
    public async Task Ends_a_session_whose_lines_have_no_end()
    {
        var conversation = new Conversation(_receiver);

        await conversation.SayAsync(new string('x', 65 * 1024));

        Assert.True(conversation.Ended.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Limits_recipients_but_delivers_to_those_it_took()
    {
        var conversation = new Conversation(_receiver, new() { HostName = "mx.example", MaxRecipients = 2 });

        var recipients = string.Concat(Enumerable.Range(0, 4).Select(i => $"RCPT TO:<r{i}@b.example>\r\n"));
        await conversation.SayAllAsync($"EHLO x\r\nMAIL FROM:<>\r\n{recipients}DATA\r\nx\r\n.\r\n");

        Assert.Equal("220 250 250 250 250 452 452 354 250", conversation.Codes);
        Assert.Equal(["r0@b.example", "r1@b.example"], _receiver.Messages[0].Envelope.Recipients.Select(mailbox => mailbox.ToString()));
    }

    [Fact]
    public async Task Refuses_a_message_that_is_too_big_after_its_end()
    {
        var conversation = new Conversation(_receiver, new() { HostName = "mx.example", MaxMessageOctets = 10 });

        await conversation.SayAllAsync($"{Envelope}12345678\r\n.\r\n{Envelope}123456789\r\n.\r\nQUIT\r\n", piece: 7);

        Assert.Equal("220 250 250 250 354 250 250 250 250 354 552 221", conversation.Codes);
        Assert.Equal((1, 1), (_receiver.Messages.Count, _receiver.Discarded));
    }

    [Fact]
    public async Task Ends_a_session_with_too_many_errors()
    {
        var conversation = new Conversation(_receiver, new() { HostName = "mx.example", MaxErrors = 2 });

        await conversation.SayAsync("what\r\nwhat\r\nwhat\r\nNOOP\r\n");

        Assert.Equal("220 500 500 500 421", conversation.Codes);
        Assert.True(conversation.Ended.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Ends_a_session_that_never_sends_a_message()
    {
        var conversation = new Conversation(_receiver, new() { HostName = "mx.example", MaxCommandsWithoutMessage = 5 });

        await conversation.SayAsync($"{Envelope}x\r\n.\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n");

        Assert.Equal("220 250 250 250 354 250 250 250 250 250 250 250 421", conversation.Codes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("EHLO x\r\nNOO")]
    public async Task Ends_an_idle_session(string said)
    {
        var time = new ManualTime();
        var conversation = new Conversation(_receiver, time: time);
        await conversation.SayAsync(said);

        time.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromTicks(1));
        Assert.False(conversation.Ended.IsCompleted);
        time.Advance(TimeSpan.FromTicks(1));
        await conversation.Ended;

        Assert.EndsWith("421 4.4.2 Timed out, closing\r\n", conversation.Replies, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Does_not_let_a_peer_dribble_a_command_for_ever()
    {
        var time = new ManualTime();
        var conversation = new Conversation(_receiver, time: time);

        for (var minute = 0; minute < 5; minute++)
        {
            await conversation.SayAsync("N");
            time.Advance(TimeSpan.FromMinutes(1));
        }
        await conversation.Ended;

        Assert.EndsWith("421 4.4.2 Timed out, closing\r\n", conversation.Replies, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Does_not_let_a_peer_dribble_a_message_for_ever_and_drops_it()
    {
        var time = new ManualTime();
        var conversation = new Conversation(_receiver, time: time);
        await conversation.SayAsync(Envelope);

        for (var minutes = 0; minutes < 120; minutes += 2)
        {
            Assert.False(conversation.Ended.IsCompleted);
            await conversation.SayAsync("x");
            time.Advance(TimeSpan.FromMinutes(2));
        }
        await conversation.Ended;

        Assert.EndsWith("421 4.4.2 Timed out, closing\r\n", conversation.Replies, StringComparison.Ordinal);
        Assert.Equal((0, 1), (_receiver.Messages.Count, _receiver.Discarded));
    }

    [Fact]
    public async Task Drops_a_message_whose_peer_closes_before_its_end()
    {
        var conversation = new Conversation(_receiver);

        await conversation.SayAllAsync($"{Envelope}half\r\n.\r");

        Assert.Equal((0, 1), (_receiver.Messages.Count, _receiver.Discarded));
    }

    [Fact]
    public async Task Says_421_when_its_receiver_fails()
    {
        var receiver = new CapturingReceiver { OnCommit = () => throw new IOException("No space left on device") };
        var conversation = new Conversation(receiver);

        await conversation.SayAsync($"{Envelope}x\r\n.\r\n");
        await conversation.Ended;

        Assert.Equal("220 250 250 250 354 421", conversation.Codes);
        Assert.DoesNotContain("No space", conversation.Replies, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Passes_on_what_its_receiver_replies_and_nothing_that_would_break_the_line()
    {
        var receiver = new CapturingReceiver { OnCommit = () => new SmtpReply(554, "5.7.1 No\r\n250 yes", new string('x', 600)) };
        var conversation = new Conversation(receiver);

        await conversation.SayAllAsync($"{Envelope}x\r\n.\r\nQUIT\r\n");

        Assert.Equal("220 250 250 250 354 554 221", conversation.Codes);
        Assert.All(conversation.Replies.Split("\r\n"), line => Assert.InRange(line.Length, 0, 510));
    }

    [Fact]
    public async Task Says_421_to_an_idle_peer_at_shutdown()
    {
        var conversation = new Conversation(_receiver);
        await conversation.SayAsync("EHLO x\r\n");

        await conversation.ShutDownAsync();
        await conversation.Ended;

        Assert.EndsWith("421 4.3.2 Shutting down, try again\r\n", conversation.Replies, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Finishes_the_message_in_work_at_shutdown()
    {
        var conversation = new Conversation(_receiver);
        await conversation.SayAsync($"{Envelope}first half, ");

        await conversation.ShutDownAsync();
        Assert.False(conversation.Ended.IsCompleted);
        await conversation.SayAsync("second half\r\n.\r\n");
        await conversation.Ended;

        Assert.Equal("220 250 250 250 354 250 421", conversation.Codes);
        Assert.Single(_receiver.Messages);
    }
}
