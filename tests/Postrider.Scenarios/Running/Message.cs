using System.Text;
using System.Text.Json;

namespace Postrider.Scenarios.Running;

/// <summary>A message as <c>GET /v3/messages/{id}</c> tells it.</summary>
sealed class Message(JsonElement json)
{
    static readonly string[] Settled = ["delivered", "bounced", "failed", "cancelled", "sandbox"];

    public JsonElement Json => json;

    public string Id => json.GetProperty("id").GetString()!;

    public string Status => json.GetProperty("status").GetString()!;

    public int RetryCount => json.GetProperty("retry_count").GetInt32();

    public bool IsSettled => Settled.Contains(Status);

    public IEnumerable<JsonElement> Events => json.GetProperty("events").EnumerateArray();

    public IEnumerable<string> EventTypes => Events.Select(one => one.GetProperty("event_type").GetString()!);

    public bool HasUncertainEvent => Events.Any(one =>
        one.TryGetProperty("metadata", out var metadata)
        && metadata.TryGetProperty("uncertain", out var uncertain) && uncertain.GetBoolean());

    /// <summary>Status and events in lines, without what differs from run to run: ids, times, and the port after 127.0.0.1.</summary>
    public string Timeline => Write(Events);

    /// <summary>The same for several recipients, whose events may come in any order between them.</summary>
    public string TimelineByRecipient =>
        Write(Events.OrderBy(one => one.GetProperty("recipient_email").GetString(), StringComparer.Ordinal));     // a stable sort

    public override string ToString() => Timeline;

    string Write(IEnumerable<JsonElement> events)
    {
        var lines = new StringBuilder($"{Status}, retry_count {RetryCount}");
        if (json.GetProperty("error_message").GetString() is { } error)
            lines.Append($", error: {error}");
        foreach (var one in events)
        {
            lines.Append($"\n{one.GetProperty("event_type").GetString()} {one.GetProperty("recipient_email").GetString()}");
            foreach (var name in (string[])["bounce_type", "smtp_response", "bounce_reason"])
            {
                if (one.TryGetProperty(name, out var value) && !(name == "bounce_reason" && IsSmtpResponse(one, value)))
                    lines.Append($" {name}={value}");
            }
            if (one.TryGetProperty("metadata", out var metadata))
                lines.Append($" [{string.Join(' ', metadata.EnumerateObject().Select(Brief))}]");
        }
        return WithoutPorts(lines.ToString());
    }

    static bool IsSmtpResponse(JsonElement one, JsonElement reason) =>
        one.TryGetProperty("smtp_response", out var response) && response.GetString() == reason.GetString();

    static string Brief(JsonProperty property) =>
        property.Name is "next_retry_at" or "send_at" ? property.Name : $"{property.Name}={property.Value}";

    static string WithoutPorts(string text)
    {
        const string address = "127.0.0.1:";
        var written = new StringBuilder();
        var at = 0;
        for (int found; (found = text.IndexOf(address, at, StringComparison.Ordinal)) >= 0;)
        {
            var (start, end) = (found + address.Length, found + address.Length);
            while (end < text.Length && char.IsAsciiDigit(text[end]))
                end++;
            written.Append(text, at, start - at).Append(end > start ? "PORT" : "");
            at = end;
        }
        return written.Append(text, at, text.Length - at).ToString();
    }
}
