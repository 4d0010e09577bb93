using System.Buffers;
using System.Text;
using Postrider.Mail.Smtp.Client;

namespace Postrider.Mail.Tests.Smtp.Client;

public sealed class DotStufferTests
{
    public static TheoryData<string, string> Messages => new()
    {
        { "", ".\r\n" },
        { "a", "a\r\n.\r\n" },
        { "a\r\n", "a\r\n.\r\n" },
        { ".", "..\r\n.\r\n" },
        { ".\r\n", "..\r\n.\r\n" },
        { "..\r\n", "...\r\n.\r\n" },
        { "a.b.\r\n.c\r\n", "a.b.\r\n..c\r\n.\r\n" },
        { "a\r\n.\r\nMAIL FROM:<x>\r\n", "a\r\n..\r\nMAIL FROM:<x>\r\n.\r\n" },
        { "a\n.\nb", "a\r\n..\r\nb\r\n.\r\n" },
        { "a\r.\rb", "a\r\n..\r\nb\r\n.\r\n" },
        { "a\n.\r\nb", "a\r\n..\r\nb\r\n.\r\n" },
        { "a\r\n.\nb", "a\r\n..\r\nb\r\n.\r\n" },
        { "a\r\n.\rb", "a\r\n..\r\nb\r\n.\r\n" },
        { "a\r\r\nb", "a\r\n\r\nb\r\n.\r\n" },
        { "a\n\n", "a\r\n\r\n.\r\n" },
        { "a\r", "a\r\n.\r\n" },
        { "\0.\x80\xff\r\n", "\0.\x80\xff\r\n.\r\n" },
    };

    [Theory]
    [MemberData(nameof(Messages))]
    public void Writes_the_same_whatever_the_pieces_and_buffers(string message, string expected)
    {
        for (var piece = 1; piece <= Math.Max(1, message.Length); piece++)
        {
            for (var buffer = 2; buffer <= 12; buffer++)
                Assert.Equal(expected, Stuff(message, piece, buffer));
        }
    }

    [Fact]
    public void Fills_a_large_buffer_in_one_call()
    {
        var source = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("a line\r\n", 100)));
        var stuffer = new DotStuffer();

        var status = stuffer.Stuff(source, new byte[1000], out var consumed, out var written);

        Assert.Equal((OperationStatus.Done, 800, 800), (status, consumed, written));
    }

    static string Stuff(string message, int piece, int buffer)
    {
        var stuffer = new DotStuffer();
        var (output, destination) = (new StringBuilder(), new byte[buffer]);
        foreach (var chunk in Encoding.Latin1.GetBytes(message).Chunk(piece))
        {
            for (var source = chunk.AsMemory(); ;)
            {
                var status = stuffer.Stuff(source.Span, destination, out var consumed, out var written);
                output.Append(Encoding.Latin1.GetString(destination, 0, written));
                source = source[consumed..];
                if (status == OperationStatus.Done)
                    break;
            }
        }
        var end = new byte[DotStuffer.MaxFinishOctets];
        return output + Encoding.Latin1.GetString(end, 0, stuffer.Finish(end));
    }
}
