using System.Text.Json;
using Postrider.Engine.Messages;

namespace Postrider.Api.ScaiSend;

/// <summary>Messages as this dialect shows them: what is absent is null on a message and left out of an event (contracts/scaisend.md §3.3,
/// §5.1).</summary>
static class MessageJson
{
    /// <summary>A row of the list.</summary>
    public static void Write(Utf8JsonWriter json, MessageSummary message)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, ScaiSendIds.Format(message.Id));
        json.WriteString("status"u8, ScaiSendWords.Of(message.Status));
        json.WriteString("from_email"u8, message.FromEmail);
        json.WriteString("from_name"u8, message.FromName);
        json.WriteString("subject"u8, message.Subject);
        WriteStrings(json, "to_emails"u8, message.ToEmails);
        json.WriteString("template_id"u8, message.TemplateId);
        WriteBatch(json, message.Batch);
        WriteStrings(json, "categories"u8, message.Categories);
        json.WriteTime("created_at"u8, message.Id.CreatedAt);
        json.WriteTime("delivered_at"u8, message.Status == MessageStatus.Delivered ? message.SettledAt : null);
        json.WriteEndObject();
    }

    public static void Write(Utf8JsonWriter json, MessageView view)
    {
        var message = view.Message;
        json.WriteStartObject();
        json.WriteString("id"u8, ScaiSendIds.Format(message.Id));
        json.WriteString("status"u8, ScaiSendWords.Of(view.Status));
        json.WriteString("from_email"u8, message.From.Mailbox.ToString());
        json.WriteString("from_name"u8, message.From.DisplayName);
        json.WriteString("subject"u8, message.Subject);
        WriteEmails(json, "to_emails"u8, message, RecipientKind.To);
        WriteEmails(json, "cc_emails"u8, message, RecipientKind.Cc);
        WriteEmails(json, "bcc_emails"u8, message, RecipientKind.Bcc);
        WriteSettings(json, message);
        json.WriteNumber("retry_count"u8, view.RetryCount);
        json.WriteTime("next_retry_at"u8, view.NextRetryAt);
        var body = view.ShownBody;
        WriteContent(json, "html_content"u8, body?.Html);
        WriteContent(json, "plain_content"u8, body?.Text);
        WriteTimes(json, view);
        json.WriteString("error_message"u8, view.ErrorMessage);
        WriteRecipients(json, message);
        json.WriteStartArray("events"u8);
        foreach (var happened in view.Events)
            EventJson.Write(json, happened, message);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    static void WriteSettings(Utf8JsonWriter json, StoredMessage message)
    {
        var settings = message.Settings;
        json.WriteString("reply_to"u8, settings.ReplyTo is [var first, ..] ? first.Email : null);
        json.WriteStartArray("reply_to_list"u8);
        foreach (var address in settings.ReplyTo ?? [])
            json.WriteStringValue(address.Email);
        json.WriteEndArray();
        WriteStrings(json, "categories"u8, message.Categories);
        json.WriteString("template_id"u8, message.TemplateId);
        WriteBatch(json, message.Batch);
        json.WritePropertyName("custom_args"u8);
        if (settings.CustomArgs is { } customArgs)
            customArgs.WriteTo(json);
        else
            WriteEmptyObject(json);
        json.WriteStartObject("custom_headers"u8);
        foreach (var (name, value) in settings.Headers ?? [])
            json.WriteString(name, value);
        json.WriteEndObject();
        json.WriteStartObject("tracking_settings"u8);
        json.WriteBoolean("open_tracking"u8, IsTracking(settings, "open_tracking"u8, byDefault: true));
        json.WriteBoolean("click_tracking"u8, IsTracking(settings, "click_tracking"u8, byDefault: true));
        json.WriteBoolean("subscription_tracking"u8, IsTracking(settings, "subscription_tracking"u8, byDefault: false));
        json.WriteEndObject();
        json.WriteString("ip_pool_name"u8, settings.IpPool);
        // A whole batch may have been rescheduled since. Without a time of its own a message is due when it is made, within a moment.
        var isScheduled = message.DueAt - message.Id.CreatedAt >= TimeSpan.FromSeconds(1);
        json.WriteTime("send_at"u8, isScheduled ? message.DueAt : settings.SendAt);
    }

    static void WriteTimes(Utf8JsonWriter json, MessageView view)
    {
        json.WriteTime("created_at"u8, view.Message.Id.CreatedAt);
        json.WriteTime("queued_at"u8, view.QueuedAt);
        json.WriteTime("sent_at"u8, view.SentAt);
        json.WriteTime("delivered_at"u8, SettledAs(view, MessageStatus.Delivered));
        json.WriteTime("bounced_at"u8, SettledAs(view, MessageStatus.Bounced));
        json.WriteTime("failed_at"u8, SettledAs(view, MessageStatus.Failed));
        json.WriteTime("cancelled_at"u8, SettledAs(view, MessageStatus.Cancelled));
    }

    static DateTimeOffset? SettledAs(MessageView view, MessageStatus status) => view.Status == status ? view.SettledAt : null;

    static void WriteRecipients(Utf8JsonWriter json, StoredMessage message)
    {
        json.WriteStartArray("recipients"u8);
        foreach (var recipient in message.Recipients)
        {
            json.WriteStartObject();
            json.WriteString("email"u8, recipient.Address.Mailbox.ToString());
            json.WriteString("name"u8, recipient.Address.DisplayName);
            json.WriteString("type"u8, ScaiSendWords.Of(recipient.Kind));
            json.WriteString("status"u8, ScaiSendWords.Of(recipient.State));
            json.WriteString("smtp_response"u8, recipient.LastReply);
            json.WriteTime("settled_at"u8, recipient.SettledAt);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    /// <summary>
    /// The merged value, as §3.3 has it: the message's own setting over the tenant's default, which is the same for all (§8.7). It is what
    /// was asked for; whether anything was tracked, events tell.
    /// </summary>
    static bool IsTracking(MessageSettings settings, ReadOnlySpan<byte> name, bool byDefault) =>
        settings.Tracking is { ValueKind: JsonValueKind.Object } tracking
        && tracking.TryGetProperty(name, out var one) && one.ValueKind == JsonValueKind.Object
        && one.TryGetProperty("enable"u8, out var enable) && enable.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? enable.GetBoolean() : byDefault;

    static void WriteEmails(Utf8JsonWriter json, ReadOnlySpan<byte> name, StoredMessage message, RecipientKind kind)
    {
        json.WriteStartArray(name);
        foreach (var recipient in message.Recipients)
        {
            if (recipient.Kind == kind)
                json.WriteStringValue(recipient.Address.Mailbox.ToString());
        }
        json.WriteEndArray();
    }

    static void WriteContent(Utf8JsonWriter json, ReadOnlySpan<byte> name, ReadOnlyMemory<byte>? content)
    {
        if (content is { } text)
            json.WriteString(name, text.Span);
        else
            json.WriteNull(name);
    }

    static void WriteBatch(Utf8JsonWriter json, BatchId? batch) =>
        json.WriteString("batch_id"u8, batch is { } id ? ScaiSendIds.Format(id) : null);

    static void WriteStrings(Utf8JsonWriter json, ReadOnlySpan<byte> name, IReadOnlyList<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
            json.WriteStringValue(value);
        json.WriteEndArray();
    }

    static void WriteEmptyObject(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteEndObject();
    }
}
