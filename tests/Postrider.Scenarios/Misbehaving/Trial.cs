using System.Text.Json.Nodes;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Misbehaving;

/// <summary>One message to ada@peer.test at an MX that follows a script, retried after 100 ms.</summary>
static class Trial
{
    const int LargeOctets = 8 * 1024 * 1024;

    static readonly string[] Quick = ["Retry:Delays=100ms", "Retry:Jitter=0"];

    /// <summary>Ends in what each side counted: the message's timeline, then what the MX saw.</summary>
    public static async Task EndsAsync(string expected, MxScript script, params string[] settings)
    {
        await using var mx = ScriptedMx.Start(script);
        await EndsAsync(expected, mx, Letter.To("ada@peer.test"), settings);
    }

    public static async Task EndsAsync(string expected, ScriptedMx mx, JsonObject letter, params string[] settings)
    {
        await using var server = await StartAsync(mx, settings);

        var message = await server.SendAndSettleAsync(letter);

        Shows(expected, message, mx);
    }

    public static Task<PostriderServer> StartAsync(ScriptedMx mx, params string[] settings) =>
        PostriderServer.StartAsync([mx.Route, .. Quick, .. settings]);

    /// <summary>Larger than all socket buffers, so that the peer is not sent all of it before it has read some.</summary>
    public static JsonObject LargeLetter()
    {
        var attachment = new JsonObject { ["content"] = Convert.ToBase64String(new byte[LargeOctets]), ["filename"] = "large.bin" };
        return Letter.To("ada@peer.test").With("attachments", new JsonArray(attachment));
    }

    public static void Shows(string expected, Message message, ScriptedMx mx)
    {
        Snapshot.Is(expected, $"{message.TimelineByRecipient}\nmx: {mx.Mail.Count} came, {mx.Taken.Count()} taken");
        Assert.True(mx.Mail.Select(mail => mail.MessageId).Distinct().Count() <= 1, "Every copy is the same message.");
    }
}
