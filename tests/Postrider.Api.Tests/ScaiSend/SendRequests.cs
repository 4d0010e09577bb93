using System.Text.Json.Nodes;

namespace Postrider.Api.Tests.ScaiSend;

/// <summary>Requests to start from.</summary>
static class SendRequests
{
    public const string Simple = """
        {"personalizations":[{"to":[{"email":"bo@example.net"}]}],"from":{"email":"billing@acme.test"},"subject":"Invoice 881",
         "content":[{"type":"text/plain","value":"Hello"}]}
        """;

    public static JsonObject New() => JsonNode.Parse(Simple)!.AsObject();

    /// <summary>The simple request with the value at a dotted path replaced, or removed when <paramref name="json"/> is null.</summary>
    public static JsonObject With(string path, string? json)
    {
        var request = New();
        return Change(request, path, json);
    }

    public static JsonObject Change(JsonObject request, string path, string? json)
    {
        JsonNode at = request;
        var parts = path.Split('.');
        for (var i = 0; i < parts.Length - 1; i++)
        {
            var next = Get(at, parts[i]);
            if (next is null)
            {
                next = parts[i + 1] == "0" ? new JsonArray() : new JsonObject();
                Set(at, parts[i], next);
            }
            at = next;
        }
        if (json is null)
            at.AsObject().Remove(parts[^1]);
        else
            Set(at, parts[^1], JsonNode.Parse(json));
        return request;
    }

    static JsonNode? Get(JsonNode node, string name) =>
        node is JsonArray array ? (int.Parse(name) < array.Count ? array[int.Parse(name)] : null) : node[name];

    static void Set(JsonNode node, string name, JsonNode? value)
    {
        if (node is not JsonArray array)
            node[name] = value;
        else if (int.Parse(name) < array.Count)
            array[int.Parse(name)] = value;
        else
            array.Add(value);
    }
}
