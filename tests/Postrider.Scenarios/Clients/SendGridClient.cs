using System.Text.Json;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Clients;

/// <summary>The stock <c>@sendgrid/mail</c> for Node, unmodified.</summary>
public sealed class SendGridClient
{
    [Fact]
    public async Task Sends_with_only_its_base_url_and_key_changed()
    {
        await using var mx = ScriptedMx.Start();
        await using var server = await PostriderServer.StartAsync(mx.Route);

        var output = await NodePackages.RunAsync(
            "send_as_users_do.mjs", server.Address.ToString().TrimEnd('/'), server.Installation.LiveKey);
        // The client warns of keys that are not SendGrid's.
        var answers = JsonDocument.Parse(output.Split('\n').Single(line => line.StartsWith('{'))).RootElement;

        await DeliveredAsync("single", 1);
        await DeliveredAsync("together", 1);
        await DeliveredAsync("separately", 1);
        await DeliveredAsync("several", 2);
        await DeliveredAsync("personalized", 1);
        await DeliveredAsync("attached", 1);
        await HasAsync("scheduled", "queued");
        await HasAsync("sandboxed", "sandbox");
        await Eventually.IsTrueAsync(() => mx.Taken.Count() == 11, "one copy for each recipient");
        Assert.Equal(
            ["attached", "eight", "five", "four", "nine", "one", "seven", "single", "six", "three", "two"],
            mx.Taken.SelectMany(mail => mail.To).Select(address => address.Split('@')[0]).Order(StringComparer.Ordinal));

        Assert.Equal(2, answers.GetProperty("separately")[0].GetProperty("body").GetProperty("message_ids").GetArrayLength());
        var attached = await server.Api.MessageAsync(Id("attached", 0));
        Assert.Equal("""["reports"] {"X-Run":"7"} false help@acme.test""", string.Join(' ',
            attached.Json.GetProperty("categories").GetRawText(), attached.Json.GetProperty("custom_headers").GetRawText(),
            attached.Json.GetProperty("tracking_settings").GetProperty("click_tracking").GetBoolean() ? "true" : "false",
            attached.Json.GetProperty("reply_to").GetString()));

        var refused = answers.GetProperty("refused");
        Assert.Equal(400, refused.GetProperty("code").GetInt32());
        Assert.Equal("personalizations.0.to.0.email", refused.GetProperty("errors")[0].GetProperty("field").GetString());
        Assert.NotEmpty(refused.GetProperty("errors")[0].GetProperty("message").GetString()!);
        var unauthorized = answers.GetProperty("unauthorized");
        Assert.Equal(401, unauthorized.GetProperty("code").GetInt32());
        Assert.Equal("Invalid API key", unauthorized.GetProperty("errors")[0].GetProperty("message").GetString());

        string Id(string call, int index) => answers.GetProperty(call)[index].GetProperty("id").GetString()!;

        async Task DeliveredAsync(string call, int responses)
        {
            Assert.True(answers.GetProperty(call).ValueKind == JsonValueKind.Array, $"{call}: {answers.GetProperty(call)}");
            Assert.Equal(responses, answers.GetProperty(call).GetArrayLength());
            for (var i = 0; i < responses; i++)
            {
                Assert.Equal(202, answers.GetProperty(call)[i].GetProperty("status").GetInt32());
                Assert.Equal("delivered", (await server.SettledAsync(Id(call, i))).Status);
            }
        }

        async Task HasAsync(string call, string status)
        {
            Assert.Equal(202, answers.GetProperty(call)[0].GetProperty("status").GetInt32());
            Assert.Equal(status, (await server.Api.MessageAsync(Id(call, 0))).Status);
        }
    }
}
