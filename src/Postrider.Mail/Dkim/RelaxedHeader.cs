using Postrider.Mail.Mime;

namespace Postrider.Mail.Dkim;

/// <summary>RFC 6376 §3.4.2.</summary>
static class RelaxedHeader
{
    /// <summary>Takes the next field, its folds and its last CRLF included, off a header section. False at the end.</summary>
    public static bool TryTakeField(ref ReadOnlySpan<byte> section, out ReadOnlySpan<byte> field)
    {
        var end = 0;
        while (end < section.Length)
        {
            var line = section[end..].IndexOf("\r\n"u8);
            end = line < 0 ? section.Length : end + line + 2;
            if (end == section.Length || section[end] is not ((byte)' ' or (byte)'\t'))
                break;
        }
        field = section[..end];
        section = section[end..];
        return end > 0;
    }

    /// <summary>Everything before the colon and the white space before that.</summary>
    public static ReadOnlySpan<byte> Name(ReadOnlySpan<byte> field)
    {
        var colon = field.IndexOf((byte)':');
        return colon < 0 ? [] : field[..colon].TrimEnd(" \t"u8);
    }

    /// <summary>Name in lower case, colon, value unfolded with single spaces; no CRLF at the end.</summary>
    public static void Write(OctetWriter writer, ReadOnlySpan<byte> field)
    {
        var name = Name(field);
        var span = writer.GetSpan(name.Length + 1);
        for (var i = 0; i < name.Length; i++)
            span[i] = name[i] is >= (byte)'A' and <= (byte)'Z' ? (byte)(name[i] | 0x20) : name[i];
        span[name.Length] = (byte)':';
        writer.Advance(name.Length + 1);

        var value = field[(field.IndexOf((byte)':') + 1)..].Trim(" \t\r\n"u8);
        while (!value.IsEmpty)
        {
            var run = value.IndexOfAny(" \t\r\n"u8);
            if (run < 0)
            {
                writer.Write(value);
                break;
            }
            writer.Write(value[..run]);
            writer.Write((byte)' ');
            value = value[run..].TrimStart(" \t\r\n"u8);
        }
    }
}
