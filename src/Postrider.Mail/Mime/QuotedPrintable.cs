using System.Buffers;

namespace Postrider.Mail.Mime;

/// <summary>RFC 2045 §6.7.</summary>
static class QuotedPrintable
{
    /// <summary>RFC 2045 §6.7 (5).</summary>
    const int MaxLineOctets = 76;

    static readonly SearchValues<byte> Literal =
        SearchValues.Create([.. Enumerable.Range(32, 95).Select(octet => (byte)octet).Where(octet => octet != '=').Append((byte)'\t')]);

    /// <summary>How many octets of <paramref name="text"/> would be written as three; line ends are not among them.</summary>
    public static int CountEscaped(ReadOnlySpan<byte> text)
    {
        var count = 0;
        while (true)
        {
            var next = text.IndexOfAnyExcept(Literal);
            if (next < 0)
                return count;
            if (text[next] is not ((byte)'\r' or (byte)'\n'))
                count++;
            text = text[(next + 1)..];
        }
    }

    /// <summary>Writes one line of text, without its line end, softly broken where it is too long.</summary>
    public static void WriteLine(OctetWriter writer, ReadOnlySpan<byte> line)
    {
        while (!line.IsEmpty)
        {
            var run = line.IndexOfAnyExcept(Literal);
            if (run < 0)
                run = line.Length;
            // White space at the end of a line is lost on the way (RFC 2045 §6.7 (3)), so it is escaped.
            if (run == line.Length && line[^1] is (byte)' ' or (byte)'\t')
                run--;

            WriteLiterals(writer, line[..run]);
            line = line[run..];
            if (line.IsEmpty)
                break;
            BreakBefore(writer, 3, isLast: line.Length == 1);
            WriteEscaped(writer, line[0]);
            line = line[1..];
        }
    }

    public static void WriteEscaped(OctetWriter writer, byte octet)
    {
        var span = writer.GetSpan(3);
        (span[0], span[1], span[2]) = ((byte)'=', HexDigit(octet >> 4), HexDigit(octet & 15));
        writer.Advance(3);
    }

    static void WriteLiterals(OctetWriter writer, ReadOnlySpan<byte> literals)
    {
        while (writer.Column + literals.Length > MaxLineOctets - 1)
        {
            var fits = Math.Max(MaxLineOctets - 1 - writer.Column, 0);
            writer.Write(literals[..fits]);
            writer.Write((byte)'=');
            writer.EndLine();
            literals = literals[fits..];
        }
        writer.Write(literals);
    }

    static void BreakBefore(OctetWriter writer, int octets, bool isLast)
    {
        if (writer.Column + octets <= MaxLineOctets - (isLast ? 0 : 1))
            return;
        writer.Write((byte)'=');
        writer.EndLine();
    }

    static byte HexDigit(int value) => (byte)(value < 10 ? '0' + value : 'A' + value - 10);
}
