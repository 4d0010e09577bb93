using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Postrider.Mail.Smtp.Client;
using Postrider.Mail.Smtp.Server;

namespace Postrider.Mail.Tests.Smtp.Server;

public sealed class DotUnstufferTests
{
    public static TheoryData<string, string, string, bool> Messages => new()
    {
        { ".\r\n", "", "", false },
        { ".\r\nQUIT\r\n", "", "QUIT\r\n", false },
        { "a\r\n.\r\n", "a\r\n", "", false },
        { "..\r\n.\r\n", ".\r\n", "", false },
        { ".a\r\n...\r\n.\r\n", "a\r\n..\r\n", "", false },
        { "a\n.\n\r\n.\r\nx", "a\n.\n\r\n", "x", true },
        { "a\r.\r\r\n.\r\n", "a\r.\r\r\n", "", true },
        { "a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", "", true },
        { ".\n\r\n.\r\n", "\n\r\n", "", true },
        { "\r\r\n.\r\n", "\r\r\n", "", true },
        { "\0\xff\r\n.\r\n", "\0\xff\r\n", "", false },
    };

    [Theory]
    [MemberData(nameof(Messages))]
    public void Reads_the_same_whatever_the_pieces_and_buffers(string wire, string content, string left, bool bare)
    {
        for (var piece = 1; piece <= wire.Length; piece++)
        {
            for (var buffer = 2; buffer <= 9; buffer++)
                Assert.Equal((content, left, bare), Unstuff(Encoding.Latin1.GetBytes(wire), piece, buffer));
        }
    }

    [Fact]
    public void Reads_back_what_the_client_writes()
    {
        var octets = Gen.Elements((byte)'\r', (byte)'\n', (byte)'.', (byte)'a', (byte)0, (byte)200).ArrayOf();

        Prop.ForAll(octets.ToArbitrary(), Gen.Choose(1, 7).ToArbitrary(), (message, piece) =>
        {
            var stuffer = new DotStuffer();
            var wire = new byte[message.Length * 2 + DotStuffer.MaxFinishOctets];
            stuffer.Stuff(message, wire, out _, out var written);
            written += stuffer.Finish(wire.AsSpan(written));

            var (content, left, bare) = Unstuff(wire[..written], piece, buffer: 5);

            return content == Canonical(message) && left == "" && !bare;
        }).QuickCheckThrowOnFailure();
    }

    /// <summary>CRLF for every line end, and one at the end.</summary>
    static string Canonical(byte[] message)
    {
        var lines = Encoding.Latin1.GetString(message).Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        return (lines is "" or [.., '\n'] ? lines : lines + "\n").Replace("\n", "\r\n", StringComparison.Ordinal);
    }

    static (string Content, string Left, bool Bare) Unstuff(byte[] wire, int piece, int buffer)
    {
        var unstuffer = new DotUnstuffer();
        var (content, destination, at) = (new StringBuilder(), new byte[buffer], 0);
        for (var ended = false; !ended && at < wire.Length;)
        {
            ended = unstuffer.Read(wire.AsSpan(at, Math.Min(piece, wire.Length - at)), destination, out var consumed, out var written);
            content.Append(Encoding.Latin1.GetString(destination, 0, written));
            at += consumed;
        }
        return (content.ToString(), Encoding.Latin1.GetString(wire[at..]), unstuffer.HasBareLineEnd);
    }
}
