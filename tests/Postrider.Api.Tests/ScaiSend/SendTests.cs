using System.Text.Json.Nodes;
using Postrider.Engine.Messages;

namespace Postrider.Api.Tests.ScaiSend;

public sealed class SendTests(ApiHost host) : IClassFixture<ApiHost>
{
    [Fact]
    public async Task A_message_is_stored_and_its_id_given()
    {
        var caller = host.NewCaller("mail.send");

        var answer = await caller.Send(SendRequests.Simple);

        Assert.Equal(202, answer.Status);
        var stored = Assert.Single(caller.Stored);
        var id = "msg_" + stored.Message.Id;
        Assert.Equal($$"""{"message_id":"{{id}}"}""", answer.Text);
        Assert.Equal(id, answer.Header("X-Message-Id"));
        Assert.Equal(MessageStatus.Queued, stored.Status);
        Assert.Equal("Invoice 881", stored.Message.Subject);
        Assert.Equal("Hello"u8.ToArray(), stored.Body!.Text!.Value.ToArray());
    }

    [Fact]
    public async Task Each_personalization_makes_one_message_in_order()
    {
        var caller = host.NewCaller("mail.send");
        var request = SendRequests.New();
        request["personalizations"] = JsonNode.Parse("""
            [{"to":[{"email":"a@example.net"}],"subject":"One"},
             {"to":[{"email":"b@example.net"}],"from":{"email":"other@acme.test","name":"Other"}},
             {"to":[{"email":"c@example.net"}],"cc":[{"email":"d@example.net"}],"bcc":[{"email":"e@example.net"}]}]
            """);

        var answer = await caller.Send(request);

        Assert.Equal(202, answer.Status);
        var ids = answer.Body!["message_ids"]!.AsArray().Select(id => (string)id!).ToArray();
        Assert.Equal(caller.Stored.Select(view => "msg_" + view.Message.Id), ids);
        Assert.Equal(ids[0], (string?)answer.Body["message_id"]);
        Assert.Equal(["One", "Invoice 881", "Invoice 881"], caller.Stored.Select(view => view.Message.Subject));
        Assert.Equal("Other", caller.Stored[1].Message.From.DisplayName);
        Assert.Equal([RecipientKind.To, RecipientKind.Cc, RecipientKind.Bcc], caller.Stored[2].Message.Recipients.Select(recipient => recipient.Kind));
    }
}
