using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace Postrider.Api.ScaiSend;

/// <summary>
/// JSON bodies of everything but sends: small, and refused where they do not fit their schema with what <see cref="ScaiSendErrors"/> has
/// for the path. As what they were declared is not asked: only sends insist on it (contracts/scaisend.md §0).
/// </summary>
static class JsonBody
{
    /// <summary>A thousand addresses of the greatest length fit several times. A guess.</summary>
    const int MaxOctets = 1024 * 1024;

    /// <param name="ifEmpty">Stands for a body that is not there; null when one is needed.</param>
    /// <returns>Null when the request was refused and answered.</returns>
    public static async ValueTask<T?> ReadAsync<T>(
        HttpContext context, JsonTypeInfo<T> type, ErrorShape shape = ErrorShape.Detail, T? ifEmpty = null) where T : class
    {
        if (await RequestBody.TryReadAsync(context.Request, MaxOctets, context.RequestAborted) is not { } json)
        {
            ScaiSendErrors.Write(
                context.Response, shape, StatusCodes.Status413PayloadTooLarge, $"The request body must be at most {MaxOctets} bytes");
            return null;
        }
        QueryFault fault;
        try
        {
            if (json.IsEmpty && ifEmpty is not null)
                return ifEmpty;
            var reader = new Utf8JsonReader(json);
            if (JsonSerializer.Deserialize(ref reader, type) is { } body)
            {
                reader.Read();      // refuses what stands after the object
                return body;
            }
            fault = QueryFault.InBody("", "The body must be a JSON object", "model_type");
        }
        catch (JsonException e) when (FieldOf(e) is { Length: > 0 } field)
        {
            fault = JsonText.IsNotUnicode(e, json, default)
                ? QueryFault.InBody(field, "The text is not valid Unicode", "value_error")
                : QueryFault.InBody(field, "The value has the wrong JSON type", "type_error");
        }
        catch (JsonException e)
        {
            fault = QueryFault.InBody("", string.Create(CultureInfo.InvariantCulture,
                $"The body is not the JSON object it has to be, at line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}"),
                "json_invalid");
        }
        finally
        {
            context.Request.BodyReader.AdvanceTo(json.End);
        }
        ScaiSendErrors.Write(context.Response, shape, fault);
        return null;
    }

    /// <summary><c>$.recipient_emails[1]</c> to <c>recipient_emails.1</c>; empty when it is no field.</summary>
    static string FieldOf(JsonException e) =>
        e.GetType() == typeof(JsonException) && e.Path is ['$', '.', .. var path] && path.Length <= 100
        ? path.Replace("[", ".", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal)
        : "";
}
