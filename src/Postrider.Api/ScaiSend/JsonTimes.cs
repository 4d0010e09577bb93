using System.Globalization;
using System.Text.Json;

namespace Postrider.Api.ScaiSend;

/// <summary>Instants in REST bodies: ISO 8601, UTC, whole seconds, <c>Z</c>.</summary>
static class JsonTimes
{
    const string Format = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    public static void WriteTime(this Utf8JsonWriter json, ReadOnlySpan<byte> name, DateTimeOffset? time)
    {
        if (time is not { } value)
        {
            json.WriteNull(name);
            return;
        }
        Span<byte> text = stackalloc byte["2026-03-02T08:15:00Z".Length];
        value.UtcDateTime.TryFormat(text, out var written, Format, CultureInfo.InvariantCulture);
        json.WriteString(name, text[..written]);
    }
}
