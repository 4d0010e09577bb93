using System.Buffers;
using System.Text;
using Postrider.Mail.Smtp;

namespace Postrider.Mail.Tests.Smtp;

public sealed class SmtpReplyParserTests
{
    public static TheoryData<string, string> Replies => new()
    {
        { "250 2.1.0 Ok\r\n", "250 2.1.0 Ok" },
        { "250\r\n", "250 " },
        { "250 \r\n", "250 " },
        { "250-mx.example\r\n250-SIZE 10\r\n250 HELP\r\n", "250 mx.example SIZE 10 HELP" },
        { "250-\r\n250\r\n", "250  " },
        { "550 5.1.1 naïve ☃\r\n", "550 5.1.1 naïve ☃" },
        { "550 a\x1b[2Jb\x07\tc\0d\r\n", "550 a?[2Jb? c?d" },
        { "550 bare\rcr and bare\nlf\r\n", "550 bare?cr and bare?lf" },
        { "550 \r\r\n", "550 ?" },
        { "299 unheard of\r\n", "299 unheard of" },
    };

    [Theory]
    [MemberData(nameof(Replies))]
    public void Reads_a_reply_whole(string wire, string expected)
    {
        var (parse, reply, left) = Read(wire, [wire.Length]);

        Assert.Equal(SmtpReplyParse.Complete, parse);
        Assert.Equal(expected, reply?.ToString());
        Assert.Equal(0, left);
    }

    [Theory]
    [MemberData(nameof(Replies))]
    public void Reads_a_reply_split_at_every_octet(string wire, string expected)
    {
        var octets = Encoding.UTF8.GetByteCount(wire);
        for (var split = 1; split < octets; split++)
            Assert.Equal(expected, Read(wire, [split, octets - split]).Reply?.ToString());
        Assert.Equal(expected, Read(wire, [.. Enumerable.Repeat(1, octets)]).Reply?.ToString());
    }

    [Theory]
    [InlineData("garbage\r\n")]
    [InlineData("\r\n")]
    [InlineData("25\r\n")]
    [InlineData("2500 x\r\n")]
    [InlineData("250_x\r\n")]
    [InlineData("150 preliminary\r\n")]
    [InlineData("650 too high\r\n")]
    [InlineData("250-one\r\n251 two\r\n")]
    [InlineData("HTTP/1.1 400 Bad Request\r\n")]
    [InlineData("\0\0\0\r\n")]
    public void Refuses_what_is_no_reply(string wire)
    {
        var (parse, reply, _) = Read(wire, [wire.Length]);

        Assert.Equal(SmtpReplyParse.Malformed, parse);
        Assert.Null(reply);
    }

    [Fact]
    public void Leaves_what_comes_after_a_reply()
    {
        var parser = new SmtpReplyParser();
        var input = new ReadOnlySequence<byte>("250 one\r\n550 two\r\n4"u8.ToArray());

        parser.Read(ref input, out var one);
        parser.Read(ref input, out var two);
        var parse = parser.Read(ref input, out var none);

        Assert.Equal(("250 one", "550 two"), (one?.ToString(), two?.ToString()));
        Assert.Equal(SmtpReplyParse.Incomplete, parse);
        Assert.Null(none);
        Assert.Equal(0, input.Length);
    }

    [Fact]
    public void Keeps_the_start_of_a_line_that_is_too_long()
    {
        var (_, reply, _) = Read($"550 {new string('x', 9_000)}\r\n", [5000, 4006]);

        Assert.Equal(SmtpReplyParser.MaxLineOctets - 4, reply!.Text.Length);
    }

    [Fact]
    public void Keeps_the_first_lines_of_a_reply_that_has_too_many()
    {
        var wire = string.Concat(Enumerable.Repeat("250-x\r\n", 500)) + "250 y\r\n";

        var (_, reply, left) = Read(wire, [wire.Length]);

        Assert.Equal((SmtpReplyParser.MaxLines, 0), (reply!.Lines.Count, left));
    }

    [Theory]
    [InlineData("250-x\r\n")]
    [InlineData("xxxxxxxx")]
    public void Gives_up_on_a_reply_without_end(string repeated)
    {
        var parser = new SmtpReplyParser();
        var parse = SmtpReplyParse.Incomplete;
        var octets = 0;

        for (; parse == SmtpReplyParse.Incomplete; octets += repeated.Length)
            parse = parser.Read(Encoding.ASCII.GetBytes(repeated), out _, out _);

        Assert.Equal(SmtpReplyParse.Malformed, parse);
        Assert.InRange(octets, SmtpReplyParser.MaxReplyOctets, SmtpReplyParser.MaxReplyOctets + 16);
    }

    [Theory]
    [InlineData("550 5.1.1 unknown", "5.1.1")]
    [InlineData("550 4.1.1 of another class", null)]
    [InlineData("550 unknown", null)]
    public void Tells_the_enhanced_status_code(string line, string? expected)
    {
        var (_, reply, _) = Read(line + "\r\n", [line.Length + 2]);

        Assert.Equal(expected, reply!.Enhanced?.ToString());
    }

    static (SmtpReplyParse Parse, SmtpReply? Reply, int Left) Read(string wire, int[] pieces)
    {
        var (parser, octets, start) = (new SmtpReplyParser(), Encoding.UTF8.GetBytes(wire), 0);
        foreach (var piece in pieces)
        {
            var input = new ReadOnlySequence<byte>(octets, start, Math.Min(piece, octets.Length - start));
            start += (int)input.Length;
            var parse = parser.Read(ref input, out var reply);
            if (parse != SmtpReplyParse.Incomplete)
                return (parse, reply, octets.Length - start + (int)input.Length);
        }
        return start < octets.Length ? Read(wire, [.. pieces, octets.Length - start]) : (SmtpReplyParse.Incomplete, null, 0);
    }
}
