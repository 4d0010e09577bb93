using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Postrider.Mail.Mime;

/// <summary>RFC 2047 §2: <c>encoded-word = "=?" charset "?" encoding "?" encoded-text "?="</c>.</summary>
static class EncodedWord
{
    const int MaxOctets = 75;
    const int MaxLineOctets = 76;

    /// <summary><c>=?utf-8?q?</c> and <c>?=</c>.</summary>
    const int Frame = 12;

    /// <summary>RFC 2047 §5 (3): what Q may leave as it is even in a phrase, the strictest place.</summary>
    static readonly SearchValues<byte> QSafe = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/"u8);

    /// <summary>
    /// Writes <paramref name="text"/> as one encoded-word a line, in Q or B, whichever is shorter; no code point is split.
    /// </summary>
    public static void Write(OctetWriter writer, ReadOnlySpan<char> text)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        var octets = buffer.AsSpan(0, Encoding.UTF8.GetBytes(text, buffer));
        var useQ = QOctets(octets) <= Base64.GetMaxEncodedToUtf8Length(octets.Length);
        while (true)
        {
            var room = Math.Min(MaxOctets, MaxLineOctets - writer.Column) - Frame;
            var taken = useQ ? TakeQ(octets, room) : TakeB(octets, room);
            writer.Write(useQ ? "=?utf-8?q?"u8 : "=?utf-8?b?"u8);
            if (useQ)
                WriteQ(writer, octets[..taken]);
            else
                WriteB(writer, octets[..taken]);
            writer.Write("?="u8);
            octets = octets[taken..];
            if (octets.IsEmpty)
                break;
            writer.Fold();
        }
        ArrayPool<byte>.Shared.Return(buffer);
    }

    static int QOctets(ReadOnlySpan<byte> octets)
    {
        var length = 0;
        foreach (var octet in octets)
            length += QOctets(octet);
        return length;
    }

    static int QOctets(byte octet) => octet == ' ' || QSafe.Contains(octet) ? 1 : 3;

    static int TakeQ(ReadOnlySpan<byte> octets, int room)
    {
        var (taken, length) = (0, 0);
        while (taken < octets.Length)
        {
            var point = CodePointOctets(octets[taken..]);
            length += QOctets(octets.Slice(taken, point));
            if (length > room && taken > 0)
                break;
            taken += point;
        }
        return taken;
    }

    static int TakeB(ReadOnlySpan<byte> octets, int room)
    {
        var limit = Math.Min(octets.Length, Math.Max(room / 4 * 3, 4));
        while (limit < octets.Length && (octets[limit] & 0xC0) == 0x80)
            limit--;
        return limit;
    }

    static int CodePointOctets(ReadOnlySpan<byte> octets)
    {
        var length = 1;
        while (length < octets.Length && (octets[length] & 0xC0) == 0x80)
            length++;
        return length;
    }

    static void WriteQ(OctetWriter writer, ReadOnlySpan<byte> octets)
    {
        foreach (var octet in octets)
        {
            if (octet == ' ')
                writer.Write((byte)'_');
            else if (QSafe.Contains(octet))
                writer.Write(octet);
            else
                QuotedPrintable.WriteEscaped(writer, octet);
        }
    }

    static void WriteB(OctetWriter writer, ReadOnlySpan<byte> octets)
    {
        Base64.EncodeToUtf8(octets, writer.GetSpan(Base64.GetMaxEncodedToUtf8Length(octets.Length)), out _, out var written);
        writer.Advance(written);
    }

    /// <summary>
    /// Replaces the encoded-words in unfolded text; white space between two of them goes (RFC 2047 §6.2). Never gives controls.
    /// </summary>
    /// <remarks>
    /// Laxer than the grammar: a word may be long, stand in a quoted-string or beside other text, or split a character over two words.
    /// </remarks>
    public static string Decode(string text)
    {
        if (!text.Contains("=?", StringComparison.Ordinal))
            return HeaderText.WithoutControls(text);

        var decoded = new StringBuilder(text.Length);
        var octets = new List<byte>();      // of adjacent words in one charset
        var (charset, end) = ("", 0);
        for (var at = text.IndexOf("=?", StringComparison.Ordinal); at >= 0; at = text.IndexOf("=?", at, StringComparison.Ordinal))
        {
            if (!TryRead(text.AsSpan(at), out var word))
            {
                at += 2;
                continue;
            }

            var gap = text.AsSpan(end, at - end);
            var isAdjacent = octets.Count > 0 && gap.Trim(" \t\r\n").IsEmpty;
            if (!isAdjacent || word.Charset != charset)
            {
                decoded.Append(Charsets.Decode(charset, [.. octets]));
                octets.Clear();
            }
            if (!isAdjacent)
                decoded.Append(gap);
            octets.AddRange(word.Octets);
            charset = word.Charset;
            at = end = at + word.Length;
        }
        decoded.Append(Charsets.Decode(charset, [.. octets])).Append(text.AsSpan(end));
        return HeaderText.WithoutControls(decoded.ToString());
    }

    static bool TryRead(ReadOnlySpan<char> text, out (string Charset, byte[] Octets, int Length) word)
    {
        word = default;
        var charsetEnd = IndexOfQuestion(text, 2);
        var encodingEnd = charsetEnd < 0 ? -1 : IndexOfQuestion(text, charsetEnd + 1);
        var end = encodingEnd < 0 ? -1 : IndexOfQuestion(text, encodingEnd + 1);
        if (encodingEnd != charsetEnd + 2 || end < 0 || end + 1 >= text.Length || text[end + 1] != '=' || charsetEnd is 2 or > 64)
            return false;

        var encoded = new byte[end - encodingEnd - 1];
        if (Encoding.ASCII.GetBytes(text[(encodingEnd + 1)..end], encoded) != encoded.Length)
            return false;
        byte[] octets;
        switch (text[charsetEnd + 1])
        {
            case 'q' or 'Q':
                encoded.AsSpan().Replace((byte)'_', (byte)' ');
                octets = TransferDecoding.QuotedPrintable(encoded, isHeader: true);
                break;
            case 'b' or 'B':
                octets = TransferDecoding.Base64(encoded);
                break;
            default:
                return false;
        }

        // RFC 2231 §5: a language may follow the charset.
        var charset = text[2..charsetEnd];
        var star = charset.IndexOf('*');
        word = ((star < 0 ? charset : charset[..star]).ToString().ToLowerInvariant(), octets, end + 2);
        return true;
    }

    static int IndexOfQuestion(ReadOnlySpan<char> text, int from)
    {
        var found = text[from..].IndexOf('?');
        return found < 0 ? -1 : from + found;
    }
}
