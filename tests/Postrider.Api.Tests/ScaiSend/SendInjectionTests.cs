using System.Text.Json.Nodes;
using Postrider.Engine.Messages;

namespace Postrider.Api.Tests.ScaiSend;

/// <summary>Line breaks and other controls in every string of a request: refused, or kept where they can end no header field.</summary>
public sealed class SendInjectionTests(ApiHost host) : IClassFixture<ApiHost>
{
    const string Everything = """
        {"personalizations":[{"to":[{"email":"bo@example.net","name":"Bo"}],"cc":[{"email":"c@example.net","name":"C"}],"bcc":[{"email":"d@example.net","name":"D"}],
           "from":{"email":"billing@acme.test","name":"Acme"},"subject":"Hi","headers":{"X-Own":"1"},"custom_args":{"a":"b"},"substitutions":{"-a-":"b"},
           "dynamic_template_data":{"a":"b"}}],
         "from":{"email":"billing@acme.test","name":"Acme"},"reply_to":{"email":"help@acme.test","name":"Help"},"subject":"Hi",
         "content":[{"type":"text/plain","value":"t"},{"type":"text/html","value":"h"}],
         "attachments":[{"content":"AAEC","filename":"a.png","type":"image/png","disposition":"inline","content_id":"logo"}],
         "headers":{"X-Top":"t"},"categories":["a"],"custom_args":{"a":"x"},"ip_pool_name":"fast",
         "mail_settings":{"footer":{"enable":true,"text":"ft","html":"fh"}},
         "tracking_settings":{"open_tracking":{"substitution_tag":"%o%"},"subscription_tracking":{"text":"t","html":"h","substitution_tag":"%u%"},
           "ganalytics":{"utm_source":"a","utm_medium":"b","utm_term":"c","utm_content":"d","utm_campaign":"e"}}}
        """;

    [Theory]
    [InlineData("\r\nBcc: evil@example.net")]
    [InlineData("\nBcc: evil@example.net\n\nbody")]
    [InlineData("\r")]
    [InlineData("\0")]
    [InlineData("\u0085Bcc: evil@example.net")]
    [InlineData("\u2028Bcc: evil@example.net")]
    [InlineData("\u001b[31m")]
    public async Task Nothing_that_becomes_a_header_field_keeps_a_control(string attack)
    {
        var caller = host.NewCaller(new CallerOptions());
        var strings = Strings(JsonNode.Parse(Everything)!).Select(node => node.GetPath()).ToArray();
        Assert.Equal(202, (await caller.Send(Everything)).Status);

        foreach (var path in strings)
        {
            var request = JsonNode.Parse(Everything)!;
            var target = Strings(request).Single(node => node.GetPath() == path);
            target.ReplaceWith(JsonValue.Create(target.GetValue<string>() + attack));

            var answer = await caller.Send(request);

            Assert.True(answer.Status is 202 or 400, $"{answer.Status} for {path}");
        }
        foreach (var message in caller.Stored.Select(view => view.Message))
            Assert.All(InHeaders(message), text => Assert.DoesNotContain(text, char.IsControl));
        Assert.All(caller.Stored.SelectMany(view => InHeaders(view.Message)), text => Assert.DoesNotContain('\u2028', text));
    }

    static IEnumerable<JsonValue> Strings(JsonNode node) => node switch
    {
        JsonObject fields => fields.SelectMany(field => Strings(field.Value!)),
        JsonArray items => items.SelectMany(item => Strings(item!)),
        JsonValue value when value.TryGetValue<string>(out _) => [value],
        _ => [],
    };

    static IEnumerable<string> InHeaders(StoredMessage message) =>
    [
        message.Subject, message.From.ToString(), .. message.Categories,
        .. message.Recipients.Select(recipient => recipient.Address.ToString()),
        .. message.Settings.Headers!.SelectMany(header => new[] { header.Key, header.Value }),
        .. message.Settings.ReplyTo!.Select(address => address.Email + address.Name),
        .. message.Settings.Attachments!.Select(attachment => attachment.FileName + attachment.ContentType + attachment.ContentId),
    ];
}
