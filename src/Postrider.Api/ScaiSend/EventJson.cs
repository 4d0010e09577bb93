using System.Text.Json;
using Postrider.Engine.Messages;

namespace Postrider.Api.ScaiSend;

/// <summary>An event on a message's timeline: contracts/scaisend.md §5.1, §5.2. What is absent is left out.</summary>
static class EventJson
{
    public static void Write(Utf8JsonWriter json, MessageEvent happened, StoredMessage message)
    {
        if (ScaiSendWords.Of(happened.Type) is not { } word)
            return;
        json.WriteStartObject();
        json.WriteString("event_type"u8, word);
        json.WriteString("recipient_email"u8, message.Recipients[happened.Recipient].Address.Mailbox.ToString());
        json.WriteTime("timestamp"u8, happened.At);
        json.WriteString("event_id"u8, ScaiSendIds.Format(happened.Id));
        if (happened.Data is { } data)
        {
            WriteFields(json, happened.Type, data);
            WriteMetadata(json, happened.Type, data);
        }
        json.WriteEndObject();
    }

    static void WriteFields(Utf8JsonWriter json, EventType type, EventData data)
    {
        if (type is EventType.Delivered or EventType.Bounce or EventType.Deferred or EventType.Blocked)
            WriteText(json, "smtp_response"u8, data.SmtpResponse);
        if (type == EventType.Bounce)
        {
            WriteText(json, "bounce_type"u8, data.BounceType);
            WriteText(json, "bounce_reason"u8, data.BounceReason);
        }
    }

    static void WriteMetadata(Utf8JsonWriter json, EventType type, EventData data)
    {
        var metadata = new Metadata(json);
        switch (type)
        {
            case EventType.Processed:
                metadata.Write("send_at"u8, data.SendAt);
                break;
            case EventType.Dropped:
                metadata.Write("reason"u8, data.Reason);
                metadata.Write("group_id"u8, data.GroupId);
                break;
            case EventType.Deferred:
                metadata.Write("attempt"u8, data.Attempt);
                metadata.Write("next_retry_at"u8, data.NextRetryAt);
                metadata.Write("mx_host"u8, data.MxHost);
                // Beside the contract's keys: the message is not tried again from here; a host that accepted it tells of a delay.
                metadata.Write("source"u8, data.Source == "dsn" ? data.Source : null);
                break;
            case EventType.Delivered:
                metadata.Write("mx_host"u8, data.MxHost);
                metadata.Write("tls_version"u8, data.TlsVersion);
                break;
            case EventType.Bounce:
                metadata.Write("status"u8, data.Status);
                metadata.Write("source"u8, data.Source);
                metadata.Write("category"u8, data.Category);
                break;
            case EventType.Blocked:
                metadata.Write("status"u8, data.Status);
                metadata.Write("bounce_type"u8, "block");
                metadata.Write("category"u8, data.Category);
                break;
            case EventType.SpamReport:
                metadata.Write("feedback_type"u8, data.FeedbackType);
                break;
            default:
                break;
        }
        metadata.Write("uncertain"u8, data.Uncertain);
        metadata.Write("late"u8, data.Late);
        metadata.End();
    }

    static void WriteText(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
            json.WriteString(name, value);
    }

    /// <summary>The <c>metadata</c> object, begun with its first member, so that there is none without members.</summary>
    ref struct Metadata(Utf8JsonWriter json)
    {
        bool _begun;

        public void Write(ReadOnlySpan<byte> name, string? value)
        {
            if (value is null)
                return;
            Begin();
            json.WriteString(name, value);
        }

        public void Write(ReadOnlySpan<byte> name, int? value)
        {
            if (value is null)
                return;
            Begin();
            json.WriteNumber(name, value.Value);
        }

        public void Write(ReadOnlySpan<byte> name, bool? value)
        {
            if (value is null)
                return;
            Begin();
            json.WriteBoolean(name, value.Value);
        }

        public void Write(ReadOnlySpan<byte> name, DateTimeOffset? value)
        {
            if (value is null)
                return;
            Begin();
            json.WriteTime(name, value);
        }

        public readonly void End()
        {
            if (_begun)
                json.WriteEndObject();
        }

        void Begin()
        {
            if (!_begun)
                json.WriteStartObject("metadata"u8);
            _begun = true;
        }
    }
}
