using System.Text.Json.Nodes;
using Postrider.Engine.Messages;

namespace Postrider.Api.Tests.ScaiSend;

public sealed class SubstitutionTests(ApiHost host) : IClassFixture<ApiHost>
{
    static JsonObject Request(string substitutions, string subject = "Dear -name-", string replyTo = """{"email":"help@acme.test"}""")
    {
        var request = SendRequests.With("personalizations.0.substitutions", substitutions);
        request["subject"] = subject;
        request["reply_to"] = JsonNode.Parse(replyTo);
        request["content"]![0]!["value"] = "Hello -name-";
        return request;
    }

    [Fact]
    public async Task Subject_and_reply_to_are_shown_as_recipients_see_them_from_the_start()
    {
        var caller = host.NewCaller(new CallerOptions());
        var request = Request("""{"-name-":"Bo","-desk-":"north"}""", replyTo: """{"email":"-desk-@acme.test","name":"-name-'s desk"}""");
        var id = (string)(await caller.Send(request)).Body!["message_id"]!;

        var found = await caller.Get("/v3/messages?subject=dear%20bo");
        var shown = await caller.Get("/v3/messages/" + id);

        Assert.Equal("Dear Bo", (string?)Assert.Single(found.Body!["messages"]!.AsArray())!["subject"]);
        Assert.Equal(("Dear Bo", "north@acme.test"), ((string?)shown.Body!["subject"], (string?)shown.Body["reply_to"]));
        Assert.Equal("Bo's desk", Assert.Single(caller.Stored[^1].Message.Settings.ReplyTo!).Name);
    }

    [Theory]
    [InlineData(MessageStatus.Queued, "Hello -name-")]
    [InlineData(MessageStatus.Rendered, "Hello Bo\nfoot")]
    [InlineData(MessageStatus.Delivered, "Hello Bo\nfoot")]
    public async Task The_body_is_shown_as_submitted_and_once_rendered_as_rendered(MessageStatus status, string expected)
    {
        var caller = host.NewCaller(new CallerOptions());
        var request = Request("""{"-name-":"Bo"}""");
        request["mail_settings"] = JsonNode.Parse("""{"footer":{"enable":true,"text":"foot"}}""");
        var id = (string)(await caller.Send(request)).Body!["message_id"]!;
        host.Store.Change(caller.Tenant, caller.Stored[0].Message.Id, view => view with { Status = status });

        var shown = await caller.Get("/v3/messages/" + id);

        Assert.Equal(expected, (string?)shown.Body!["plain_content"]);
        Assert.Null(shown.Body["html_content"]);
    }

    [Fact]
    public async Task Line_breaks_are_taken_out_of_a_subject()
    {
        var caller = host.NewCaller(new CallerOptions());

        await caller.Send(Request("""{"-name-":"Bo\r\nX-Evil: 1"}"""));

        Assert.Equal("Dear Bo X-Evil: 1", Assert.Single(caller.Stored).Message.Subject);
    }

    [Theory]
    [InlineData("a", """{"email":"help@acme.test"}""")]
    [InlineData("Hi", """{"email":"a@acme.test"}""")]
    [InlineData("Hi", """{"email":"help@acme.test","name":"d"}""")]
    public async Task What_becomes_too_long_or_no_address_is_refused(string subject, string replyTo)
    {
        var caller = host.NewCaller(new CallerOptions());
        // They multiply: 2,000 × 2,000 characters.
        var substitutions = new JsonObject { ["a"] = new string('b', 2_000), ["b"] = new string('c', 2_000), ["d"] = "line\nbreak" };

        var answer = await caller.Send(Request(substitutions.ToJsonString(), subject, replyTo));

        Assert.Equal(400, answer.Status);
        Assert.Contains("personalizations.0.substitutions", answer.Fields);
        Assert.Empty(caller.Stored);
    }
}
