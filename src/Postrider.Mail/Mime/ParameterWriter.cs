using System.Text;

namespace Postrider.Mail.Mime;

/// <summary>Writes <c>; name=value</c> after a Content-Type or Content-Disposition, in a line of its own when it does not fit.</summary>
static class ParameterWriter
{
    /// <summary>RFC 2231 §3: longer values go in sections. Some readers know only unsectioned names, so what can stay whole does.</summary>
    const int MaxWholeOctets = 300;

    const int MaxSectionOctets = 60;

    /// <summary>A value of printable ASCII: a token or a quoted-string.</summary>
    public static void WriteParameter(this OctetWriter writer, ReadOnlySpan<byte> name, ReadOnlySpan<char> value)
    {
        writer.Write((byte)';');
        writer.SpaceOrFold(name.Length + value.Length + 3);
        writer.Write(name);
        writer.Write((byte)'=');
        if (MediaType.IsToken(value))
            writer.Write(value);
        else
            writer.WriteQuotedString(value);
    }

    /// <summary>
    /// A file name in any script: RFC 2231's extended form first, which readers prefer, then one of ASCII for those that know no other.
    /// </summary>
    public static void WriteFileName(this OctetWriter writer, string fileName)
    {
        // Many readers look for encoded-words even here.
        if (Ascii.IsValid(fileName) && !fileName.Contains("=?", StringComparison.Ordinal))
        {
            writer.WriteParameter("filename"u8, fileName);
            return;
        }

        var octets = Encoding.UTF8.GetBytes(fileName);      // a lone surrogate becomes U+FFFD
        if (EncodedOctets(octets) <= MaxWholeOctets)
        {
            writer.Write((byte)';');
            writer.SpaceOrFold("filename*=utf-8''".Length + EncodedOctets(octets));
            writer.Write("filename*=utf-8''"u8);
            WritePercentEncoded(writer, octets);
        }
        else
        {
            WriteSections(writer, octets);
        }
        writer.WriteParameter("filename"u8, Fallback(fileName));
    }

    static void WriteSections(OctetWriter writer, ReadOnlySpan<byte> octets)
    {
        for (var section = 0; !octets.IsEmpty; section++)
        {
            var (taken, length) = (0, 0);
            // Whole code points: some readers decode each section by itself.
            while (taken < octets.Length && (length < MaxSectionOctets - 12 || (octets[taken] & 0xC0) == 0x80))
                length += IsAttributeChar(octets[taken++]) ? 1 : 3;

            writer.Write((byte)';');
            writer.Fold();
            writer.Write($"filename*{section}*={(section == 0 ? "utf-8''" : "")}");
            WritePercentEncoded(writer, octets[..taken]);
            octets = octets[taken..];
        }
    }

    static void WritePercentEncoded(OctetWriter writer, ReadOnlySpan<byte> octets)
    {
        foreach (var octet in octets)
        {
            if (IsAttributeChar(octet))
                writer.Write(octet);
            else
                writer.Write($"%{octet:X2}");
        }
    }

    static int EncodedOctets(ReadOnlySpan<byte> octets)
    {
        var length = 0;
        foreach (var octet in octets)
            length += IsAttributeChar(octet) ? 1 : 3;
        return length;
    }

    /// <summary>RFC 2231 §7: <c>attribute-char</c>, and fewer than that allows.</summary>
    static bool IsAttributeChar(byte octet) => char.IsAsciiLetterOrDigit((char)octet) || octet is (byte)'.' or (byte)'-' or (byte)'_';

    /// <summary>An underscore for each code point that is not ASCII, so that the extension stays.</summary>
    static string Fallback(string fileName)
    {
        var fallback = new StringBuilder(fileName.Length);
        foreach (var rune in fileName.EnumerateRunes())
            fallback.Append(rune.IsAscii ? (char)rune.Value : '_');
        return fallback.Replace("=?", "=_").ToString();
    }
}
