using System.Text.Json;
using Postrider.Engine.Suppressions;

namespace Postrider.Api.ScaiSend.Suppressions;

/// <summary>Rows and groups as answers show them: contracts/scaisend.md §3.4, §3.5.</summary>
static class SuppressionJson
{
    /// <summary>By <see cref="BounceType"/>.</summary>
    static readonly string[] BounceTypes = ["hard", "soft", "block"];

    public static bool TryParse(string word, out BounceType type)
    {
        var index = Array.FindIndex(BounceTypes, one => one.Equals(word, StringComparison.OrdinalIgnoreCase));
        type = (BounceType)Math.Max(index, 0);
        return index >= 0;
    }

    /// <summary>A row of any list. Rows of the bounce list show what they are evidence of as well.</summary>
    public static void Write(Utf8JsonWriter json, Suppression row)
    {
        json.WriteStartObject();
        json.WriteString("email"u8, row.Address.ToString());
        json.WriteNumber("created"u8, row.CreatedAt.ToUnixTimeSeconds());
        if (row.BounceType is { } type)
        {
            json.WriteString("reason"u8, row.Reason);
            json.WriteString("bounce_type"u8, BounceTypes[(int)type]);
            json.WriteString("status"u8, row.Status);
        }
        if (row.List is SuppressionList.Bounces or SuppressionList.SpamReports)
        {
            json.WriteString("message_id"u8, row.Message is { } message ? ScaiSendIds.Format(message) : null);
            if (row.Message is not null && row.List == SuppressionList.Bounces)
                json.WriteString("event_id"u8, ScaiSendIds.Format(new Engine.Messages.EventId(row.Id)));
        }
        json.WriteEndObject();
    }

    public static void WriteArray(Utf8JsonWriter json, IEnumerable<Suppression> rows)
    {
        json.WriteStartArray();
        foreach (var row in rows)
            Write(json, row);
        json.WriteEndArray();
    }

    public static void WritePage(Utf8JsonWriter json, (string Name, SuppressionPage Page) list)
    {
        json.WriteStartObject();
        json.WritePropertyName(list.Name);
        WriteArray(json, list.Page.Items);
        json.WriteNumber("total"u8, list.Page.Total);
        json.WriteEndObject();
    }

    public static void WriteEmails(Utf8JsonWriter json, IEnumerable<string> emails)
    {
        json.WriteStartArray();
        foreach (var email in emails)
            json.WriteStringValue(email);
        json.WriteEndArray();
    }

    /// <summary><c>{"recipient_emails":[…]}</c></summary>
    public static void WriteAdded(Utf8JsonWriter json, IEnumerable<string> emails)
    {
        json.WriteStartObject();
        json.WritePropertyName("recipient_emails"u8);
        WriteEmails(json, emails);
        json.WriteEndObject();
    }

    public static void Write(Utf8JsonWriter json, UnsubscribeGroup group)
    {
        json.WriteStartObject();
        WriteFields(json, group);
        json.WriteNumber("unsubscribes"u8, group.Unsubscribes);
        json.WriteEndObject();
    }

    public static void WriteFields(Utf8JsonWriter json, UnsubscribeGroup group)
    {
        json.WriteNumber("id"u8, group.Id);
        json.WriteString("name"u8, group.Name);
        json.WriteString("description"u8, group.Description);
        json.WriteBoolean("is_default"u8, group.IsDefault);
    }
}
