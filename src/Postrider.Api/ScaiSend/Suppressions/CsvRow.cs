using System.Text;

namespace Postrider.Api.ScaiSend.Suppressions;

/// <summary>One line of comma-separated values: RFC 4180 §2, but that a value cannot go on in the next line.</summary>
static class CsvRow
{
    /// <summary>Of one row; what comes after is not looked at. A guess.</summary>
    public const int MostFields = 32;

    /// <returns>False when a quote is not closed, or text stands beside one.</returns>
    public static bool TryRead(ReadOnlySpan<char> line, List<string> fields)
    {
        fields.Clear();
        while (fields.Count < MostFields)
        {
            if (line.StartsWith('"'))
            {
                if (!TryReadQuoted(ref line, out var quoted))
                    return false;
                fields.Add(quoted);
            }
            else
            {
                var end = line.IndexOf(',');
                fields.Add(line[..(end < 0 ? line.Length : end)].Trim().ToString());
                line = end < 0 ? [] : line[end..];
            }
            if (line.IsEmpty)
                return true;
            line = line[1..];       // the comma
        }
        return true;
    }

    /// <summary><c>escaped = DQUOTE *(TEXTDATA / COMMA / 2DQUOTE) DQUOTE</c>, and a comma or the end after it.</summary>
    static bool TryReadQuoted(ref ReadOnlySpan<char> line, out string field)
    {
        var text = new StringBuilder();
        var rest = line[1..];
        while (rest.IndexOf('"') is >= 0 and var quote)
        {
            text.Append(rest[..quote]);
            rest = rest[(quote + 1)..];
            if (!rest.StartsWith('"'))
            {
                field = text.ToString();
                line = rest;
                return rest.IsEmpty || rest[0] == ',';
            }
            text.Append('"');
            rest = rest[1..];
        }
        field = "";
        return false;
    }
}
