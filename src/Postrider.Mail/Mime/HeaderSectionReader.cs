namespace Postrider.Mail.Mime;

/// <summary>RFC 5322 §2.2: lines to fields. Takes bare LF for a line end, and leaves out lines that are no field.</summary>
static class HeaderSectionReader
{
    /// <param name="section">The lines up to the empty one.</param>
    /// <param name="isComplete">False when there were more fields than the limit.</param>
    public static ParsedFields Read(ReadOnlySpan<byte> section, MimeLimits limits, out bool isComplete)
    {
        isComplete = true;
        var fields = new List<ParsedField>();
        while (!section.IsEmpty)
        {
            var field = TakeField(ref section);
            var colon = field.IndexOf((byte)':');
            var name = colon < 0 ? [] : field[..colon].TrimEnd(" \t"u8);
            if (!IsName(name))
                continue;
            if (fields.Count == limits.MaxFields)
            {
                isComplete = false;
                break;
            }
            fields.Add(new ParsedField(Charsets.Decode("", name), Unfold(field[(colon + 1)..])));
        }
        return new ParsedFields(fields);
    }

    /// <summary>One line and those that go on with it.</summary>
    static ReadOnlySpan<byte> TakeField(ref ReadOnlySpan<byte> section)
    {
        var end = 0;
        do
        {
            var line = section[end..].IndexOf((byte)'\n');
            end = line < 0 ? section.Length : end + line + 1;
        }
        while (end < section.Length && section[end] is (byte)' ' or (byte)'\t');
        var field = section[..end];
        section = section[end..];
        return field;
    }

    /// <summary>RFC 5322 §2.2.3: only the line ends go; the white space after them stays.</summary>
    static string Unfold(ReadOnlySpan<byte> value)
    {
        value = value.Trim(" \t\r\n"u8);
        if (value.IndexOfAny("\r\n"u8) < 0)
            return Charsets.Decode("", value);

        var unfolded = new byte[value.Length];
        var length = 0;
        foreach (var octet in value)
        {
            if (octet is not ((byte)'\r' or (byte)'\n'))
                unfolded[length++] = octet;
        }
        return Charsets.Decode("", unfolded.AsSpan(0, length));
    }

    static bool IsName(ReadOnlySpan<byte> name) =>
        !name.IsEmpty && name.Length <= 998 && !name.ContainsAnyExceptInRange((byte)33, (byte)126);
}
