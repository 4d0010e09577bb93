using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace Postrider.Api.ScaiSend.Send;

/// <summary>What a request carries for its sender's own use: custom_args, substitutions, template data.</summary>
static class Arguments
{
    /// <summary>Contracts/scaisend.md §9, of each.</summary>
    const int MaxOctets = 10_000;

    /// <summary>What limits count is what the client sees, not escapes of ours.</summary>
    static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <returns>By name, the last of equal names; null when not given or at fault.</returns>
    public static Dictionary<string, JsonElement>? ReadCustomArgs(JsonElement? given, FieldPath field, Faults faults)
    {
        if (!IsObject(given, field, faults, out var element))
            return null;
        var arguments = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var argument in element.EnumerateObject())
        {
            if (faults.Full)
                break;
            if (argument.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
                faults.Add(field.Field(argument.Name), "The value must be a string, a number, a boolean or null.");
            else
                arguments[argument.Name] = argument.Value;
        }
        return arguments;
    }

    /// <summary>The request's arguments with the personalization's over them, as one JSON object.</summary>
    public static JsonElement? Merge(
        Dictionary<string, JsonElement>? top, Dictionary<string, JsonElement>? own, FieldPath field, Faults faults)
    {
        if ((top ?? own) is null)
            return null;
        var merged = top ?? own!;
        if (top is not null && own is not null)
        {
            merged = new Dictionary<string, JsonElement>(top, StringComparer.Ordinal);
            foreach (var (name, value) in own)
                merged[name] = value;
        }

        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer, Compact))
        {
            json.WriteStartObject();
            foreach (var (name, value) in merged)
            {
                json.WritePropertyName(name);
                value.WriteTo(json);
            }
            json.WriteEndObject();
        }
        if (buffer.WrittenCount > MaxOctets)
            faults.Add(field, $"The custom_args must be at most {MaxOctets} octets as JSON.");
        return JsonElement.Parse(buffer.WrittenSpan);
    }

    public static IReadOnlyDictionary<string, string>? ReadSubstitutions(Dictionary<string, string?>? body, FieldPath field, Faults faults)
    {
        if (body is not { Count: > 0 })
            return null;
        var substitutions = new Dictionary<string, string>(StringComparer.Ordinal);
        var octets = 0;
        foreach (var (tag, text) in body)
        {
            if (faults.Full)
                break;
            if (tag.Length == 0)
                faults.Add(field, "A tag to replace must not be empty.");
            else if (text is null)
                faults.Add(field.Field(tag), "The value must be a string.");
            else
                substitutions[tag] = text;
            octets += TextRules.Octets(tag) + TextRules.Octets(text);
        }
        if (octets > MaxOctets)
            faults.Add(field, $"The substitutions must be at most {MaxOctets} octets in all.");
        return substitutions;
    }

    public static JsonElement? ReadTemplateData(JsonElement? given, FieldPath field, Faults faults) =>
        IsObject(given, field, faults, out var element) ? element : null;

    static bool IsObject(JsonElement? given, FieldPath field, Faults faults, out JsonElement element)
    {
        element = given ?? default;
        if (given is null)
            return false;
        if (element.ValueKind != JsonValueKind.Object)
            faults.Add(field, "The value must be an object.");
        else if (!IsUnicode(element))
            faults.Add(field, "The text is not valid Unicode.");
        else
            return true;
        return false;
    }

    /// <summary>A <see cref="JsonElement"/> keeps the octets it was made of, which need not be UTF-8, and escapes, which need not be
    /// pairs.</summary>
    static bool IsUnicode(JsonElement element)
    {
        var octets = JsonMarshal.GetRawUtf8Value(element);
        return Utf8.IsValid(octets) && (octets.IndexOf("\\u"u8) < 0 || HasPairedSurrogates(octets));
    }

    static bool HasPairedSurrogates(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped)
                    reader.GetString();
            }
            return true;
        }
        catch (InvalidOperationException)
        {
            // The only way it has to say so.
            return false;
        }
    }
}
