namespace Postrider.Mail.Mime;

/// <summary>Undoes RFC 2045 §6.7 and §6.8 as far as it goes: what is not of the encoding is kept or skipped, never an error.</summary>
static class TransferDecoding
{
    /// <summary>
    /// Octets that are not of the alphabet are skipped, padding in the middle starts a new group; a rest of one digit is dropped.
    /// </summary>
    public static byte[] Base64(ReadOnlySpan<byte> encoded)
    {
        var decoded = new byte[(encoded.Length / 4 * 3) + 3];
        var (length, group, digits) = (0, 0, 0);
        foreach (var octet in encoded)
        {
            var digit = Digit(octet);
            if (digit >= 0)
            {
                (group, digits) = ((group << 6) | digit, digits + 1);
                if (digits < 4)
                    continue;
            }
            else if (octet != '=')
            {
                continue;
            }
            Flush(decoded, ref length, group, digits);
            (group, digits) = (0, 0);
        }
        Flush(decoded, ref length, group, digits);
        return decoded[..length];
    }

    /// <param name="isHeader">The Q of RFC 2047 §4.2, where white space at the end stays.</param>
    public static byte[] QuotedPrintable(ReadOnlySpan<byte> encoded, bool isHeader = false)
    {
        var decoded = new byte[encoded.Length];
        var length = 0;
        while (!encoded.IsEmpty)
        {
            var end = encoded.IndexOf((byte)'\n');
            var line = end < 0 ? encoded : encoded[..end];
            encoded = end < 0 ? [] : encoded[(end + 1)..];
            var lineEnd = end < 0 ? "" : line is [.., (byte)'\r'] ? "\r\n" : "\n";
            line = line[..^(lineEnd.Length == 2 ? 1 : 0)];
            if (!isHeader)
                line = line.TrimEnd(" \t\r"u8);     // added on the way: RFC 2045 §6.7 (3)

            var isSoft = !isHeader && line is [.., (byte)'='];
            DecodeLine(isSoft ? line[..^1] : line, decoded, ref length);
            foreach (var c in isSoft ? "" : lineEnd)
                decoded[length++] = (byte)c;
        }
        return decoded[..length];
    }

    static void DecodeLine(ReadOnlySpan<byte> line, Span<byte> decoded, ref int length)
    {
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] == '=' && i + 2 < line.Length && HexValue(line[i + 1]) is var high and >= 0
                && HexValue(line[i + 2]) is var low and >= 0)
            {
                decoded[length++] = (byte)((high << 4) | low);
                i += 2;
            }
            else
            {
                decoded[length++] = line[i];
            }
        }
    }

    static void Flush(Span<byte> decoded, ref int length, int group, int digits)
    {
        if (digits < 2)
            return;
        group <<= 6 * (4 - digits);
        for (var i = 0; i < digits - 1; i++)
            decoded[length++] = (byte)(group >> (16 - (8 * i)));
    }

    static int Digit(byte octet) => octet switch
    {
        >= (byte)'A' and <= (byte)'Z' => octet - 'A',
        >= (byte)'a' and <= (byte)'z' => octet - 'a' + 26,
        >= (byte)'0' and <= (byte)'9' => octet - '0' + 52,
        (byte)'+' => 62,
        (byte)'/' => 63,
        _ => -1,
    };

    static int HexValue(byte octet) => Uri.IsHexDigit((char)octet) ? Uri.FromHex((char)octet) : -1;
}
