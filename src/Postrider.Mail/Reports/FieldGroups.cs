using Postrider.Mail.Mime;

namespace Postrider.Mail.Reports;

/// <summary>RFC 3464 §2.1: groups of fields with empty lines between them.</summary>
static class FieldGroups
{
    static readonly MimeLimits Limits = new() { MaxFields = ReportLimits.MaxFields };

    /// <returns>Groups that have a field, at most <paramref name="most"/>.</returns>
    public static List<ParsedFields> Read(ReadOnlySpan<byte> octets, int most)
    {
        var groups = new List<ParsedFields>();
        while (!octets.IsEmpty && groups.Count < most)
        {
            var fields = HeaderSectionReader.Read(TakeGroup(ref octets), Limits, out _);
            if (fields.All.Count > 0)
                groups.Add(fields);
        }
        return groups;
    }

    static ReadOnlySpan<byte> TakeGroup(ref ReadOnlySpan<byte> octets)
    {
        var end = 0;
        while (end < octets.Length)
        {
            var lineFeed = octets[end..].IndexOf((byte)'\n');
            var next = lineFeed < 0 ? octets.Length : end + lineFeed + 1;
            var isEmpty = octets[end..next].Trim(" \t\r\n"u8).IsEmpty;
            if (isEmpty)
            {
                var group = octets[..end];
                octets = octets[next..];
                return group;
            }
            end = next;
        }
        var rest = octets;
        octets = [];
        return rest;
    }
}
