using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Postrider.Mail.Mime;

/// <summary>A text part: how it must be encoded, and its octets in that encoding.</summary>
readonly ref struct TextPart
{
    const int Base64LineOctets = 57;    // 76 characters: RFC 2045 §6.8

    static readonly SearchValues<byte> LineEnds = SearchValues.Create("\r\n"u8);

    readonly ReadOnlySpan<byte> _text;

    /// <param name="text">UTF-8, with whatever line ends.</param>
    /// <param name="boundaryPrefix">What every boundary begins with. Quoted-printable and base64 cannot hold it, the others could.</param>
    /// <param name="allow8Bit">The peer is known to offer 8BITMIME (RFC 6152).</param>
    public TextPart(ReadOnlySpan<byte> text, ReadOnlySpan<byte> boundaryPrefix, bool allow8Bit)
    {
        _text = text;
        IsAscii = Ascii.IsValid(text);
        Encoding = Choose(text, IsAscii, boundaryPrefix, allow8Bit);
    }

    public bool IsAscii { get; }

    public TransferEncoding Encoding { get; }

    /// <param name="endsWithLine">The part is the whole body, which must end with a line; in a multipart its last line end is the
    /// boundary's.</param>
    public void Write(OctetWriter writer, bool endsWithLine)
    {
        if (Encoding == TransferEncoding.Base64)
        {
            using var canonical = new OctetWriter(_text.Length + (_text.Length / 16) + 16);
            WriteLines(canonical, asQuotedPrintable: false);
            WriteBase64(writer, canonical.Written);
        }
        else
        {
            WriteLines(writer, Encoding == TransferEncoding.QuotedPrintable);
            if (endsWithLine && writer.Column > 0)
                writer.EndLine();
        }
    }

    /// <summary>Whole lines of 76 characters; the last ends with a CRLF too.</summary>
    public static void WriteBase64(OctetWriter writer, ReadOnlySpan<byte> octets)
    {
        while (!octets.IsEmpty)
        {
            var line = octets[..Math.Min(Base64LineOctets, octets.Length)];
            Base64.EncodeToUtf8(line, writer.GetSpan(80), out _, out var written);
            writer.Advance(written);
            writer.EndLine();
            octets = octets[line.Length..];
        }
    }

    /// <summary>What <see cref="WriteBase64"/> writes for so many octets.</summary>
    public static long Base64Octets(long octets)
    {
        var (lines, rest) = Math.DivRem(octets, Base64LineOctets);
        return (lines * 78) + (rest == 0 ? 0 : ((rest + 2) / 3 * 4) + 2);
    }

    /// <summary>RFC 5322 §2.3: CRLF, a bare LF and a bare CR each end one line, and CRLF is written for them.</summary>
    void WriteLines(OctetWriter writer, bool asQuotedPrintable)
    {
        var rest = _text;
        while (true)
        {
            var end = rest.IndexOfAny(LineEnds);
            var line = end < 0 ? rest : rest[..end];
            if (asQuotedPrintable)
                QuotedPrintable.WriteLine(writer, line);
            else
                writer.Write(line);
            if (end < 0)
                break;
            writer.EndLine();
            rest = rest[(end + (rest[end] == '\r' && end + 1 < rest.Length && rest[end + 1] == '\n' ? 2 : 1))..];
        }
    }

    static TransferEncoding Choose(ReadOnlySpan<byte> text, bool isAscii, ReadOnlySpan<byte> boundaryPrefix, bool allow8Bit)
    {
        if ((isAscii || allow8Bit) && !text.Contains((byte)0) && LongestLine(text) <= 998 && text.IndexOf(boundaryPrefix) < 0)
            return isAscii ? TransferEncoding.SevenBit : TransferEncoding.EightBit;

        var quotedPrintable = text.Length + (2L * QuotedPrintable.CountEscaped(text));
        return quotedPrintable <= Base64Octets(text.Length) ? TransferEncoding.QuotedPrintable : TransferEncoding.Base64;
    }

    static int LongestLine(ReadOnlySpan<byte> text)
    {
        var longest = 0;
        while (true)
        {
            var end = text.IndexOfAny(LineEnds);
            if (end < 0)
                return Math.Max(longest, text.Length);
            longest = Math.Max(longest, end);
            text = text[(end + 1)..];
        }
    }
}

/// <summary>RFC 2045 §6.1, and what RFC 6152 lets a body be.</summary>
enum TransferEncoding
{
    SevenBit,
    EightBit,
    QuotedPrintable,
    Base64,
}
