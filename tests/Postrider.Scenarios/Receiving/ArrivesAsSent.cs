using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Postrider.Scenarios.Running;
using Postrider.Testing;

namespace Postrider.Scenarios.Receiving;

/// <summary>What arrives, in the eyes of programs that are not ours: Python's email package reads it, Mail::DKIM verifies it.</summary>
public sealed class ArrivesAsSent
{
    const int LargeOctets = 5 * 1024 * 1024 + 7;

    [Fact]
    public async Task Every_part_of_a_message_in_several_scripts()
    {
        var text = "Grüße, ада, 愛達。\r\n.a line with a dot\r\n..\r\nFrom here on\r\n" + new string('x', 2_000) + "\r\n";
        var html = "<p>Grüße <img src=\"cid:logo\"> – ελληνικά</p>\r\n";
        var (large, logo) = (Octets(LargeOctets), Octets(3_001));
        var letter = new JsonObject
        {
            ["personalizations"] = new JsonArray(new JsonObject
            {
                ["to"] = new JsonArray(
                    Letter.Person("ada@peer.test", "Ада Лавлейс"), Letter.Person("bob@peer.test", "Bob \"the\" Builder, Jr.")),
                ["cc"] = new JsonArray(Letter.Person("cy@peer.test", "愛達")),
            }),
            ["from"] = Letter.Person("hello@acme.test", "Ácme, Ges.m.b.H."),
            ["reply_to"] = Letter.Person("help@acme.test", "עזרה"),
            ["subject"] = "Grüße – Ελληνικά, 日本語 and a long tail that needs more than one line of a header section to be told 🙂",
            ["content"] = new JsonArray(
                new JsonObject { ["type"] = "text/plain", ["value"] = text }, new JsonObject { ["type"] = "text/html", ["value"] = html }),
            ["headers"] = new JsonObject { ["X-Run"] = "séven" },
            ["attachments"] = new JsonArray(
                Attachment(large, "große Datei.bin", "application/octet-stream", null),
                Attachment(Encoding.UTF8.GetBytes("a,b\n1,2"), "Übersicht.csv", "text/csv", null),
                Attachment(logo, "logo.png", "image/png", "logo")),
            ["tracking_settings"] = new JsonObject { ["open_tracking"] = new JsonObject { ["enable"] = false } },
        };
        await using var sink = await SmtpSink.StartAsync();
        await using var server = await PostriderServer.StartAsync(sink.Route);

        var sent = await server.SendAndSettleAsync(letter);

        Assert.Equal("delivered", sent.Status);
        var messages = await sink.DumpsAsync(3);
        foreach (var message in messages)
        {
            Assert.Equal("pass acme.test scaisend rsa-sha256", await VerifyAsync(server.Installation, message));
            var read = await ReadAsync(message);
            Assert.Equal(letter["subject"]!.GetValue<string>(), Text(read, "subject"));
            Assert.Equal([("Ácme, Ges.m.b.H.", "hello@acme.test")], People(read, "from"));
            Assert.Equal([("Ада Лавлейс", "ada@peer.test"), ("Bob \"the\" Builder, Jr.", "bob@peer.test")], People(read, "to"));
            Assert.Equal([("愛達", "cy@peer.test")], People(read, "cc"));
            Assert.Equal([("עזרה", "help@acme.test")], People(read, "reply_to"));
            Assert.Equal("séven", Text(read, "x_run"));
            Assert.Equal(text.TrimEnd(), Decoded(read, "text").TrimEnd().ReplaceLineEndings("\r\n"));
            Assert.Equal(html.TrimEnd(), Decoded(read, "html").TrimEnd().ReplaceLineEndings("\r\n"));
            var files = read.GetProperty("files").EnumerateArray().ToDictionary(file => Text(file, "name"));
            Assert.Equal(["große Datei.bin", "logo.png", "Übersicht.csv"], files.Keys.Order(StringComparer.InvariantCulture));
            Assert.Equal(("application/octet-stream", "attachment"), Kind(files["große Datei.bin"]));
            Assert.True(large.AsSpan().SequenceEqual(Content(files["große Datei.bin"])));
            Assert.Equal(("text/csv", "attachment"), Kind(files["Übersicht.csv"]));
            Assert.Equal("a,b\n1,2"u8.ToArray(), Content(files["Übersicht.csv"]));
            Assert.Equal(("image/png", "inline"), Kind(files["logo.png"]));
            Assert.Equal("<logo>", Text(files["logo.png"], "id"));
            Assert.Equal(logo, Content(files["logo.png"]));
            Assert.Empty(read.GetProperty("defects").EnumerateArray());
        }
    }

    [Fact]
    public async Task Blind_copies_are_in_no_header()
    {
        var letter = Letter.To("ada@peer.test");
        letter["personalizations"]![0]!["bcc"] = new JsonArray(Letter.Person("secret@peer.test", "Secret"));
        await using var sink = await SmtpSink.StartAsync();
        await using var server = await PostriderServer.StartAsync(sink.Route);

        await server.SendAndSettleAsync(letter);

        var messages = await sink.DumpsAsync(2);
        var texts = messages.Select(Encoding.UTF8.GetString);
        Assert.All(texts, text => Assert.DoesNotContain("secret", text, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Incompressible, and every octet value.</summary>
    static byte[] Octets(int count)
    {
        var octets = new byte[count];
        RandomNumberGenerator.Fill(octets);
        return octets;
    }

    static JsonObject Attachment(byte[] content, string name, string type, string? id)
    {
        var attachment = new JsonObject { ["content"] = Convert.ToBase64String(content), ["filename"] = name, ["type"] = type };
        if (id is not null)
            (attachment["disposition"], attachment["content_id"]) = ("inline", id);
        return attachment;
    }

    static async Task<string> VerifyAsync(Installation installation, byte[] message) =>
        (await RunOnAsync("perl", "verify_signature.pl", message, installation.DkimName, installation.DkimText)).Trim();

    static async Task<JsonElement> ReadAsync(byte[] message) =>
        JsonDocument.Parse(await RunOnAsync("python3", "read_message.py", message)).RootElement;

    static async Task<string> RunOnAsync(string interpreter, string script, byte[] message, params string[] arguments)
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(file, message);
            var path = Path.Combine(AppContext.BaseDirectory, "Receiving", script);
            var (exitCode, output) = await ExternalProgram.RunAsync(
                interpreter, [path, file, .. arguments], TestContext.Current.CancellationToken);
            Assert.True(exitCode == 0, output);
            return output;
        }
        finally
        {
            File.Delete(file);
        }
    }

    static string Text(JsonElement read, string name) => read.GetProperty(name).GetString()!;

    static string Decoded(JsonElement read, string name) => Encoding.UTF8.GetString(Convert.FromBase64String(Text(read, name)));

    static IEnumerable<(string, string)> People(JsonElement read, string name) =>
        read.GetProperty(name).EnumerateArray().Select(pair => (pair[0].GetString()!, pair[1].GetString()!));

    static (string, string) Kind(JsonElement file) => (Text(file, "type"), Text(file, "disposition"));

    static byte[] Content(JsonElement file) => Convert.FromBase64String(Text(file, "content"));
}
