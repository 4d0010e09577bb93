using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Postrider.Api.ScaiSend.Send;

/// <summary>JSON to <see cref="SendBody"/>, or the one fault that kept it from being read.</summary>
static class SendBodyReader
{
    const int MaxDepth = 32;

    /// <summary>Shorter bodies cannot hold values enough to matter.</summary>
    const int AlwaysFine = 64 * 1024;

    /// <summary>
    /// A value costs up to 100 octets of memory and may take two of JSON. A guess that leaves the largest real request room:
    /// a thousand personalizations with a thousand values each, template data not counted.
    /// </summary>
    const int MostTokens = 1_000_000;

    static readonly JsonReaderOptions Options = new() { MaxDepth = MaxDepth };

    public static SendBody? TryRead(ReadOnlySequence<byte> json, Faults faults)
    {
        if (json.IsEmpty)
            return Refuse(faults, "The request body is empty.", FieldPath.Root);
        try
        {
            if (json.Length > AlwaysFine && HasTooManyTokens(json))
                return Refuse(faults, "The request body holds too many values.", FieldPath.Root);

            var reader = new Utf8JsonReader(json, Options);
            var body = JsonSerializer.Deserialize(ref reader, SendJson.Default.SendBody);
            reader.Read();      // refuses what stands after the object
            return body ?? Refuse(faults, "The request body must be a JSON object.", FieldPath.Root);
        }
        catch (JsonException e)
        {
            return e.InnerException is InvalidOperationException || IsTypeFault(e)
                ? RefuseValue(faults, e, json)
                : Refuse(faults, string.Create(CultureInfo.InvariantCulture,
                    $"The request body is not valid JSON, at line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}."), FieldPath.Root);
        }
    }

    /// <summary>The reader's own exceptions, about syntax, are a subtype: plain ones are the converters'.</summary>
    static bool IsTypeFault(JsonException e) => e.GetType() == typeof(JsonException) && e.InnerException is not JsonException;

    static SendBody? RefuseValue(Faults faults, JsonException e, ReadOnlySequence<byte> json)
    {
        var field = ToField(e.Path);
        if (field.Length == 0)
            return Refuse(faults, "The request body must be a JSON object.", FieldPath.Root);
        return Refuse(faults, JsonText.IsNotUnicode(e, json, Options)
            ? "The text is not valid Unicode."
            : $"The value has the wrong JSON type: {ExpectedAt(field)} is expected.", field);
    }

    static SendBody? Refuse(Faults faults, string message, FieldPath field)
    {
        faults.Add(field, message);
        return null;
    }

    static bool HasTooManyTokens(ReadOnlySequence<byte> json)
    {
        var reader = new Utf8JsonReader(json, Options);
        for (var tokens = 0; reader.Read(); tokens++)
        {
            if (tokens == MostTokens)
                return true;
            // Kept as it is, at a few octets a value.
            if (reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("dynamic_template_data"u8))
                reader.Skip();
        }
        return false;
    }

    /// <summary><c>$.personalizations[0].headers['a.b']</c> to <c>personalizations.0.headers.a.b</c>.</summary>
    static string ToField(string? path)
    {
        var field = new StringBuilder();
        foreach (var c in path.AsSpan(path?.StartsWith('$') is true ? 1 : 0))
        {
            if (c is '.' or '[')
                field.Append(field.Length > 0 ? "." : "");
            else if (c is not (']' or '\''))
                field.Append(c);
        }
        return field.ToString();
    }

    static string ExpectedAt(string field)
    {
        var last = field.AsSpan(field.LastIndexOf('.') + 1);
        var inList = int.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out _);
        if (inList)
        {
            return field.Contains("categories", StringComparison.Ordinal) ? "a string"
                : field.Contains("groups_to_display", StringComparison.Ordinal) ? "an integer" : "an object";
        }
        return last switch
        {
            "enable" or "enable_text" => "a boolean",
            "send_at" => "an integer, in Unix seconds,",
            "group_id" => "an integer",
            "personalizations" or "to" or "cc" or "bcc" or "reply_to_list" or "content" or "attachments"
                or "categories" or "groups_to_display"
                when !IsAttachmentContent(field) => "an array",
            "from" or "reply_to" or "headers" or "substitutions" or "asm" or "mail_settings" or "tracking_settings" or "sandbox_mode"
                or "footer" or "bypass_list_management" or "bypass_bounce_management" or "bypass_spam_management"
                or "bypass_unsubscribe_management"
                or "click_tracking" or "open_tracking" or "subscription_tracking" or "ganalytics" => "an object",
            _ => "a string",
        };
    }

    static bool IsAttachmentContent(string field) => field.StartsWith("attachments.", StringComparison.Ordinal);
}
