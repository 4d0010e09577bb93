using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Postrider.Mail.Addresses;
using Postrider.Mail.Smtp;
using Postrider.Mail.Smtp.Client;
using Postrider.Mail.Smtp.Server;
using static Postrider.Fuzz.FuzzException;

namespace Postrider.Fuzz;

static class SmtpTargets
{
    public static IEnumerable<FuzzTarget> All { get; } =
    [
        new("smtp-reply", Seeds(
            "250 2.1.5 Ok\r\n", "250-a\r\n250-SIZE 10\r\n250 b\r\n550 5.1.1 no\r\n", "421\r\n", "550 na\u00efve \x1b[2J\r\n"), input =>
        {
            var whole = Replies(input, input.Length);
            Unless(whole == Replies(input, 1), "the same however it is split");
            Unless(!whole.Any(character => char.IsControl(character) && character != '\n'), "no controls");
        }),
        new("enhanced-status-code", Seeds("5.1.1 x", "4.7.650"), input =>
        {
            if (!EnhancedStatusCode.TryRead(input, out var code, out var consumed))
                return;
            var text = Encoding.ASCII.GetBytes(code.ToString());
            Unless(EnhancedStatusCode.TryRead(text, out var again, out _) && again == code, "reads back");
            Unless(consumed <= input.Length, "consumes what is there");
        }),
        new("smtp-command", Seeds(
            "EHLO mx.example", "MAIL FROM:<\"a>b\"@example.org> SIZE=12 BODY=8BITMIME SMTPUTF8", "RCPT TO:<@r.example:a@b.example>",
            "RCPT TO:<postmaster>", "VRFY a"),
            input =>
            {
                var command = SmtpCommandParser.Read(input);
                Unless(command is not SmtpCommand.Bad bad || bad.Reply.IsPermanent, "bad commands are refused");
                if (command is not SmtpCommand.Mail mail)
                    return;
                var line = Encoding.UTF8.GetBytes($"MAIL FROM:{mail.From} SMTPUTF8");
                Unless(SmtpCommandParser.Read(line) is SmtpCommand.Mail again && again.From == mail.From, "reads back");
            }),
        new("smtp-session", Seeds(
            "EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nSubject: x\r\n\r\n..a\r\n.\r\nQUIT\r\n",
            "HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<postmaster>\r\nDATA\r\n.\r\nRSET\r\nNOOP\r\nSTARTTLS\r\n"), input =>
        {
            var receiver = new StrictReceiver();
            var replies = Serve(input, receiver);
            var parser = new SmtpReplyParser();
            for (var at = 0; at < replies.Length;)
            {
                Unless(parser.Read(replies.AsSpan(at), out var consumed, out _) == SmtpReplyParse.Complete, "replies are replies");
                at += consumed;
            }
            Unless(receiver.Open == 0, "every message is disposed");
            Unless(!receiver.GotBareLineEnd, "no bare CR or LF");
        }),
        new("dot-stuffing", Seeds("a\r\n.\r\n..b\r\n", "\n.\n\r.\r", ".", "\r"), input =>
        {
            var stuffer = new DotStuffer();
            var wire = new byte[input.Length * 2 + DotStuffer.MaxFinishOctets];
            stuffer.Stuff(input, wire, out _, out var written);
            written += stuffer.Finish(wire.AsSpan(written));
            var (unstuffer, content) = (new DotUnstuffer(), new byte[wire.Length]);
            Unless(unstuffer.Read(wire.AsSpan(0, written), content, out var consumed, out _) && consumed == written, "the end is the end");
            Unless(!unstuffer.HasBareLineEnd, "no bare CR or LF");
        }),
        new("dot-unstuffing", Seeds("a\r\n..b\r\n.\r\nx", "a\n.\n\r\n.\r\n", ".\r\n", "\r\r\n.\r\r\n.\r\n"), input =>
        {
            var whole = Unstuff(input, input.Length, input.Length + 2);
            Unless(whole == Unstuff(input, 1, 2) && whole == Unstuff(input, 3, 5), "the same however it is split");
            Unless(whole.Ended == (input.StartsWith(".\r\n"u8) || input.IndexOf("\r\n.\r\n"u8) >= 0), "ends at CRLF.CRLF only");
        }),
    ];

    static string Replies(ReadOnlySpan<byte> input, int piece)
    {
        var (parser, replies) = (new SmtpReplyParser(), new StringBuilder());
        while (!input.IsEmpty)
        {
            var parse = parser.Read(input[..Math.Min(piece, input.Length)], out var consumed, out var reply);
            if (parse == SmtpReplyParse.Malformed)
                return replies.Append(parser.Fault).ToString();
            if (reply is not null)
            {
                Unless(reply.Lines.Count <= SmtpReplyParser.MaxLines, "few lines");
                Unless(reply.Lines.All(line => line.Length <= SmtpReplyParser.MaxLineOctets), "short lines");
                replies.Append(reply).Append('\n');
            }
            input = input[consumed..];
        }
        return replies.ToString();
    }

    static (string Content, bool Ended) Unstuff(ReadOnlySpan<byte> wire, int piece, int buffer)
    {
        var unstuffer = new DotUnstuffer();
        var (content, destination, ended) = (new StringBuilder(), new byte[buffer], false);
        while (!ended && !wire.IsEmpty)
        {
            ended = unstuffer.Read(wire[..Math.Min(piece, wire.Length)], destination, out var consumed, out var written);
            content.Append(Encoding.Latin1.GetString(destination, 0, written));
            wire = wire[consumed..];
        }
        return ($"{content}{unstuffer.HasBareLineEnd}", ended);
    }

    /// <summary>A session in memory, which runs to its end on this thread.</summary>
    static byte[] Serve(ReadOnlySpan<byte> input, ISmtpReceiver receiver)
    {
        var inline = new PipeOptions(
            readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline,
            pauseWriterThreshold: 0, useSynchronizationContext: false);
        var (toServer, toClient) = (new Pipe(inline), new Pipe(inline));
        toServer.Writer.Write(input);
        toServer.Writer.Complete();
        var session = new SmtpServerSession(
            new Transport(toServer.Reader, toClient.Writer), null, new() { HostName = "mx.example" }, receiver, TimeProvider.System,
            NullLogger.Instance);

        var run = session.RunAsync(default, default);
        Unless(run.IsCompleted, "a session ends with its input");
        run.GetAwaiter().GetResult();
        toClient.Writer.Complete();
        return toClient.Reader.TryRead(out var read) ? read.Buffer.ToArray() : [];
    }

    static IReadOnlyList<byte[]> Seeds(params string[] texts) => [.. texts.Select(Encoding.UTF8.GetBytes)];

    sealed record Transport(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    /// <summary>Takes everything, and objects to what must never reach a receiver.</summary>
    sealed class StrictReceiver : ISmtpReceiver
    {
        public int Open { get; private set; }

        public bool GotBareLineEnd { get; private set; }

        public ValueTask<SmtpReply?> CheckSenderAsync(SmtpPeer peer, ReversePath from, CancellationToken cancel) => default;

        public ValueTask<SmtpReply?> CheckRecipientAsync(
            SmtpPeer peer, ReversePath from, Mailbox recipient, CancellationToken cancel) => default;

        public ValueTask<IIncomingMessage> BeginAsync(SmtpPeer peer, IncomingEnvelope envelope, CancellationToken cancel)
        {
            Open++;
            return new(new Message(this));
        }

        sealed class Message(StrictReceiver receiver) : IIncomingMessage
        {
            readonly StringBuilder _content = new();

            public ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel)
            {
                _content.Append(Encoding.Latin1.GetString(content.Span));
                return default;
            }

            public ValueTask<SmtpReply> CommitAsync(CancellationToken cancel)
            {
                var lines = _content.Replace("\r\n", "").ToString();
                receiver.GotBareLineEnd |= lines.AsSpan().ContainsAny('\r', '\n');
                return new(new SmtpReply(250, "2.0.0 Ok"));
            }

            public ValueTask DisposeAsync()
            {
                receiver.Open--;
                return default;
            }
        }
    }
}
