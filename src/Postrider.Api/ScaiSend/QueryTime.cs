using System.Globalization;

namespace Postrider.Api.ScaiSend;

/// <summary>A date or an ISO 8601 time in a query; without an offset it is UTC.</summary>
static class QueryTime
{
    const string Date = "yyyy-MM-dd";

    static readonly string[] Times =
    [
        "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK",
        "yyyy-MM-dd' 'HH:mmK", "yyyy-MM-dd' 'HH:mm:ssK", "yyyy-MM-dd' 'HH:mm:ss.FFFFFFFK",
    ];

    const int OffsetLength = 6;

    public static bool TryParse(string text, out DateTimeOffset time, out bool isDate)
    {
        const DateTimeStyles Utc = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
        isDate = DateTimeOffset.TryParseExact(text, Date, CultureInfo.InvariantCulture, Utc, out time);
        return isDate || DateTimeOffset.TryParseExact(WithPlus(text), Times, CultureInfo.InvariantCulture, Utc, out time);
    }

    /// <summary>A plus sign that was not escaped arrives as a space: <c>…T08:15:00 01:00</c>.</summary>
    static string WithPlus(string text) =>
        text.Length > Date.Length + OffsetLength && text[^OffsetLength] == ' '
            ? $"{text[..^OffsetLength]}+{text[^(OffsetLength - 1)..]}"
            : text;
}
