using System.Buffers;
using System.Text.Json;

namespace Postrider.Api.ScaiSend;

static class JsonText
{
    /// <summary>
    /// Whether a value was refused because its text is not Unicode, such as half an emoji: the same exception tells of a value that is not
    /// text.
    /// </summary>
    public static bool IsNotUnicode(JsonException refused, ReadOnlySequence<byte> json, JsonReaderOptions options)
    {
        if (refused.InnerException is not InvalidOperationException)
            return false;
        var reader = new Utf8JsonReader(json, options);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName)
                    reader.GetString();
            }
            return false;
        }
        catch (InvalidOperationException)
        {
            return true;        // the only way it has to say so
        }
        catch (JsonException)
        {
            return false;       // up to where it is no JSON, which is not what was found first
        }
    }
}
