using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using Postrider.Scenarios.Running;
using Postrider.Testing;

namespace Postrider.Scenarios.Capturing;

/// <summary>Programs that are not ours deliver to <c>postrider capture</c>; the demo server shows what came.</summary>
public sealed class CapturesMail
{
    [Fact]
    public async Task From_swaks_with_an_attachment()
    {
        await using var demo = await PostriderServer.DemoAsync();
        await using var capture = await CaptureAsync(demo.Installation, out var port);
        var file = Path.Combine(demo.Installation.Folder, "numbers.csv");
        await File.WriteAllTextAsync(file, "a,b\n1,2\n");

        var (exitCode, output) = await RunAsync(
            "swaks", "--server", $"127.0.0.1:{port}", "--from", "ada@sender.test", "--to", "bob@peer.test,cy@peer.test",
            "--header", "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=", "--body", "first\n.second\n..third\n",
            "--attach-type", "text/csv", "--attach", $"@{file}");

        Assert.True(exitCode == 0, output);
        var listed = (await demo.Api.GetAsync("/captured")).Body;
        var mail = listed.GetProperty("messages")[0];
        Assert.Equal(1, listed.GetProperty("total").GetInt32());
        Assert.Equal(
            ("ada@sender.test", "Grüße", "bob@peer.test cy@peer.test"),
            (mail.GetProperty("from").GetString(), mail.GetProperty("subject").GetString(),
                string.Join(' ', mail.GetProperty("to").EnumerateArray().Select(one => one.GetString()))));
        var path = $"/captured/{mail.GetProperty("id").GetString()}";
        var read = (await demo.Api.GetAsync(path)).Body;
        Assert.Equal("first\n.second\n..third", read.GetProperty("text").GetString()!.TrimEnd().ReplaceLineEndings("\n"));
        Assert.Equal("Grüße", Header(read, "Subject"));
        var attachment = read.GetProperty("attachments")[0];
        Assert.Equal("numbers.csv", attachment.GetProperty("file_name").GetString());
        Assert.Equal("text/csv", attachment.GetProperty("content_type").GetString());
        Assert.Equal("a,b\n1,2\n", (await demo.Api.GetAsync($"{path}/attachments/0")).Raw.ReplaceLineEndings("\n"));
        Assert.Contains("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=", (await demo.Api.GetAsync($"{path}/source")).Raw);
    }

    [Fact]
    public async Task From_smtp_source_over_many_sessions()
    {
        await using var demo = await PostriderServer.DemoAsync();
        await using var capture = await CaptureAsync(demo.Installation, out var port);

        var (exitCode, output) = await RunAsync(
            "smtp-source", "-s", "10", "-m", "200", "-l", "5000", "-f", "ada@sender.test", "-t", "bob@peer.test", $"127.0.0.1:{port}");

        Assert.True(exitCode == 0, output);
        var listed = (await demo.Api.GetAsync("/captured?limit=500")).Body;
        Assert.Equal(200, listed.GetProperty("total").GetInt32());
        var sizes = listed.GetProperty("messages").EnumerateArray().Select(mail => mail.GetProperty("octets").GetInt64());
        Assert.All(sizes, size => Assert.InRange(size, 4_500, 6_500));
    }

    [Fact]
    public async Task Posted_to_the_demo_itself()
    {
        await using var demo = await PostriderServer.DemoAsync();

        var message = await demo.SendAndSettleAsync(
            Letter.To("ada@peer.test").With("content", System.Text.Json.Nodes.JsonNode.Parse(
                """[{"type":"text/plain","value":"It works."},{"type":"text/html","value":"<p>It works.</p>"}]""")!));

        Assert.Equal("delivered", message.Status);
        var mail = (await demo.Api.GetAsync("/captured")).Body.GetProperty("messages")[0];
        var path = $"/captured/{mail.GetProperty("id").GetString()}";
        Assert.Equal("It works.", (await demo.Api.GetAsync($"{path}/text")).Raw.Trim());
        Assert.Equal("<p>It works.</p>", (await demo.Api.GetAsync($"{path}/html")).Raw.Trim());
        var read = (await demo.Api.GetAsync(path)).Body;
        Assert.Contains("d=acme.test", Header(read, "DKIM-Signature"));
        Assert.StartsWith("DKIM-Signature:", (await demo.Api.GetAsync($"{path}/source")).Raw);
    }

    static string Header(JsonElement read, string name) => read.GetProperty("headers").EnumerateArray()
        .First(header => string.Equals(header.GetProperty("name").GetString(), name, StringComparison.OrdinalIgnoreCase))
        .GetProperty("value").GetString()!;

    static Task<(int ExitCode, string Output)> RunAsync(string name, params string[] arguments) =>
        ExternalProgram.RunAsync(name, arguments, TestContext.Current.CancellationToken);

    /// <summary>Into the folder that the demo server shows.</summary>
    static Task<ServerProcess> CaptureAsync(Installation installation, out int port)
    {
        var listen = port = Ports.Free();
        return StartAsync();

        async Task<ServerProcess> StartAsync()
        {
            var endPoint = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{listen}");
            var folder = Path.Combine(installation.Folder, "captured");
            var process = ServerProcess.Start(["capture", "--listen", endPoint, "--dir", folder], new Dictionary<string, string>());
            await Eventually.SeesAsync(() => IsOpenAsync(listen), open => open, $"the capture MX listens: {process.Errors}");
            return process;
        }
    }

    static async Task<bool> IsOpenAsync(int port)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync("127.0.0.1", port, TestContext.Current.CancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
