using System.Globalization;

namespace Postrider.Mail.Mime;

/// <summary>RFC 5322 §3.3: <c>Fri, 20 Nov 2026 15:00:00 +0000</c>.</summary>
static class MailDate
{
    public const int Octets = 31;

    static ReadOnlySpan<byte> Days => "SunMonTueWedThuFriSat"u8;

    static ReadOnlySpan<byte> Months => "JanFebMarAprMayJunJulAugSepOctNovDec"u8;

    /// <summary>Writes <see cref="Octets"/> octets; the offset from UTC is the date's own, to the minute.</summary>
    public static void Write(OctetWriter writer, DateTimeOffset date)
    {
        var span = writer.GetSpan(Octets);
        Days.Slice((int)date.DayOfWeek * 3, 3).CopyTo(span);
        ", "u8.CopyTo(span[3..]);
        Digits(span.Slice(5, 2), date.Day);
        span[7] = (byte)' ';
        Months.Slice((date.Month - 1) * 3, 3).CopyTo(span[8..]);
        span[11] = (byte)' ';
        Digits(span.Slice(12, 4), date.Year);
        span[16] = (byte)' ';
        Digits(span.Slice(17, 2), date.Hour);
        span[19] = (byte)':';
        Digits(span.Slice(20, 2), date.Minute);
        span[22] = (byte)':';
        Digits(span.Slice(23, 2), date.Second);
        span[25] = (byte)' ';
        span[26] = (byte)(date.Offset < TimeSpan.Zero ? '-' : '+');
        Digits(span.Slice(27, 2), Math.Abs(date.Offset.Hours));
        Digits(span.Slice(29, 2), Math.Abs(date.Offset.Minutes));
        writer.Advance(Octets);
    }

    /// <summary>
    /// Reads what <see cref="Write"/> writes, and what others do: no day, one-digit days, no seconds, comments, zone names (RFC 5322 §4.3).
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out DateTimeOffset date)
    {
        date = default;
        if (text.Length > 100)
            return false;
        if (text.IndexOf('(') is var comment and >= 0)
            text = text[..comment];
        if (text.IndexOf(',') is var comma and >= 0)
            text = text[(comma + 1)..];

        Span<Range> words = stackalloc Range[8];
        var count = text.SplitAny(words, " \t", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (count is not (4 or 5))
            return false;

        Span<char> normal = stackalloc char[40];
        var zone = count == 5 ? text[words[4]] : "+0000";
        var offset = ZoneMinutes(zone);
        if (offset is null || !normal.TryWrite(
                CultureInfo.InvariantCulture, $"{text[words[0]]} {text[words[1]]} {text[words[2]]} {text[words[3]]}", out var length))
            return false;
        if (!DateTime.TryParseExact(
                normal[..length], ["d MMM yyyy H:mm:ss", "d MMM yyyy H:mm", "d MMM yy H:mm:ss"], CultureInfo.InvariantCulture,
                DateTimeStyles.None, out var local))
            return false;

        // The first and last days of the calendar cannot be shifted.
        if (local.Year is 1 or 9999)
            return false;
        date = new DateTimeOffset(local, TimeSpan.FromMinutes(offset.Value));
        return true;
    }

    static int? ZoneMinutes(ReadOnlySpan<char> zone)
    {
        if (zone.Length == 5 && zone[0] is '+' or '-'
            && int.TryParse(zone[1..], NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            var minutes = (number / 100 * 60) + (number % 100);
            return number / 100 > 13 || number % 100 > 59 ? null : zone[0] == '-' ? -minutes : minutes;
        }
        return zone switch
        {
            "EDT" => -4 * 60,
            "EST" or "CDT" => -5 * 60,
            "CST" or "MDT" => -6 * 60,
            "MST" or "PDT" => -7 * 60,
            "PST" => -8 * 60,
            // The rest says nothing: RFC 5322 §4.3.
            _ => zone.Length <= 5 && zone.Length > 0 && char.IsAsciiLetter(zone[0]) ? 0 : null,
        };
    }

    static void Digits(Span<byte> to, int value)
    {
        for (var i = to.Length - 1; i >= 0; i--, value /= 10)
            to[i] = (byte)('0' + (value % 10));
    }
}
