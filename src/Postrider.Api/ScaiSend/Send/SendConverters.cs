using System.Text.Json;
using System.Text.Json.Serialization;

namespace Postrider.Api.ScaiSend.Send;

/// <summary>A JSON string as UTF-8, straight from the request's buffers: a body never becomes a <see cref="string"/>.</summary>
sealed class Utf8TextConverter : JsonConverter<ReadOnlyMemory<byte>?>
{
    public override ReadOnlyMemory<byte>? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Null)
            return null;
        if (reader.TokenType != JsonTokenType.String)
            throw new JsonException();
        // Unescaping never makes text longer, and what was received is the bound.
        var octets = new byte[reader.HasValueSequence ? reader.ValueSequence.Length : reader.ValueSpan.Length];
        return octets.AsMemory(0, reader.CopyString(octets));
    }

    public override void Write(Utf8JsonWriter writer, ReadOnlyMemory<byte>? value, JsonSerializerOptions options) =>
        throw new NotSupportedException("Requests are only read.");
}

/// <param name="Octets">Null when the text was no base64.</param>
readonly record struct Base64Octets(ReadOnlyMemory<byte>? Octets);

/// <summary>Base64 (RFC 4648 §4), decoded straight from the request's buffers. Bad base64 is a value, so that the field at fault can be
/// named with others.</summary>
sealed class Base64OctetsConverter : JsonConverter<Base64Octets?>
{
    public override Base64Octets? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Null)
            return null;
        if (reader.TokenType != JsonTokenType.String)
            throw new JsonException();
        return new Base64Octets(reader.TryGetBytesFromBase64(out var octets) ? octets : (ReadOnlyMemory<byte>?)null);
    }

    public override void Write(Utf8JsonWriter writer, Base64Octets? value, JsonSerializerOptions options) =>
        throw new NotSupportedException("Requests are only read.");
}
