using System.Text.Json.Nodes;

namespace Postrider.Scenarios.Running;

/// <summary>Bodies for <c>POST /v3/mail/send</c>.</summary>
static class Letter
{
    /// <summary>One message to all of them.</summary>
    public static JsonObject To(params string[] recipients) => new()
    {
        ["personalizations"] = new JsonArray(Personalization(recipients)),
        ["from"] = Person("hello@acme.test", "Acme"),
        ["subject"] = "Hello",
        ["content"] = new JsonArray(new JsonObject { ["type"] = "text/plain", ["value"] = "It works.\r\n" }),
    };

    /// <summary>A message to each of them.</summary>
    public static JsonObject ToEach(params string[] recipients)
    {
        var letter = To();
        letter["personalizations"] = new JsonArray([.. recipients.Select(recipient => Personalization(recipient))]);
        return letter;
    }

    public static JsonObject Personalization(params string[] recipients) =>
        new() { ["to"] = new JsonArray([.. recipients.Select(recipient => (JsonNode)Person(recipient))]) };

    public static JsonObject Person(string email, string? name = null) =>
        name is null ? new() { ["email"] = email } : new() { ["email"] = email, ["name"] = name };

    public static JsonObject With(this JsonObject letter, string property, JsonNode value)
    {
        letter[property] = value;
        return letter;
    }
}
