using System.Buffers;
using System.Text.Json;

namespace Postrider.Api.ScaiSend;

/// <summary>The optional body of <c>/fail</c>: <c>{"reason": "…"}</c>. Other members are passed over.</summary>
static class FailBody
{
    /// <summary>contracts/scaisend.md §3.3.</summary>
    public const int MaxReason = 1_000;

    const string NotReason = "reason must be a string of at most 1000 characters";
    const string NotJson = "The request body is not a JSON object";

    /// <param name="reason">Null when there is none, or nothing in it.</param>
    /// <returns>Null, or what is wrong with it.</returns>
    public static string? Read(ReadOnlySequence<byte> json, out string? reason)
    {
        reason = null;
        if (json.IsEmpty)
            return null;
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 8 });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return NotJson;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isReason = reader.ValueTextEquals("reason"u8);
                reader.Read();
                if (!isReason)
                    reader.Skip();
                else if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.Null))
                    return NotReason;
                else
                    reason = reader.GetString();
            }
            reader.Read();      // refuses what stands after the object
        }
        catch (JsonException)
        {
            return NotJson;
        }
        catch (InvalidOperationException)
        {
            return "reason is not valid Unicode";       // the only way the reader has to say so
        }
        if (reason?.Length > MaxReason)
            return NotReason;
        if (string.IsNullOrWhiteSpace(reason))
            reason = null;
        return null;
    }
}
