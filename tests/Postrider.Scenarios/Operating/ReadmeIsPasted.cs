using Postrider.Scenarios.Clients;
using Postrider.Scenarios.Running;
using Postrider.Testing;

namespace Postrider.Scenarios.Operating;

/// <summary>What README.md and the demo itself tell people to paste works; only the port is another: 8080 may be taken here.</summary>
public sealed class ReadmeIsPasted
{
    const string Marker = "<!-- five minutes: a test pastes this block -->";
    const string Fence = "```";
    const string DocumentedAddress = "http://127.0.0.1:8080";

    [Fact]
    public async Task The_five_minutes()
    {
        await using var demo = await PostriderServer.DemoAsync();
        var key = KeyIn(await GreetingAsync(demo));
        var commands = (await ReadmeAsync()).Split(Marker)[1].Split($"{Fence}shell\n")[1].Split(Fence)[0];
        Assert.Contains(DocumentedAddress, commands);

        var output = await PasteAsync($"KEY={key}\n{commands.Replace(DocumentedAddress, AddressOf(demo), StringComparison.Ordinal)}");

        Assert.Contains("\"message_id\":\"msg_", output);
        Assert.Contains("\"total\":1", output);
        await ArrivedAsync(demo, "Hello");
    }

    [Fact]
    public async Task The_stock_client_for_Node()
    {
        await using var demo = await PostriderServer.DemoAsync();
        var key = KeyIn(await GreetingAsync(demo));
        var script = (await ReadmeAsync()).Split($"{Fence}js\n")[1].Split(Fence)[0];
        Assert.Contains(DocumentedAddress, script);

        await NodePackages.RunTextAsync(
            $"process.env.KEY = '{key}';\n{script.Replace(DocumentedAddress, AddressOf(demo), StringComparison.Ordinal)}", "readme.cjs");

        await ArrivedAsync(demo, "Hello");
    }

    [Fact]
    public async Task The_demos_own_lines()
    {
        await using var demo = await PostriderServer.DemoAsync();
        var greeting = await GreetingAsync(demo);
        var commands = greeting.Split('\n').Select(line => line.TrimStart())
            .Where(line => line.StartsWith("curl ", StringComparison.Ordinal) || line.StartsWith('-'));

        var output = await PasteAsync(string.Join('\n', commands));

        Assert.Contains("\"message_id\":\"msg_", output);
        await ArrivedAsync(demo, "Hello");
    }

    static Task<string> ReadmeAsync() => File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "README.md"));

    static async Task<string> GreetingAsync(PostriderServer demo) =>
        await Eventually.SeesAsync(
            () => Task.FromResult(demo.Output),
            output => output.Contains("See what became of it", StringComparison.Ordinal)
                && output.TrimEnd().EndsWith("/captured", StringComparison.Ordinal),
            "the demo greets");

    static string KeyIn(string greeting) => greeting[greeting.IndexOf("sg_live_", StringComparison.Ordinal)..][..40];

    static string AddressOf(PostriderServer demo) => demo.Address.ToString().TrimEnd('/');

    static async Task<string> PasteAsync(string commands)
    {
        var (exitCode, output) = await ExternalProgram.RunAsync("bash", ["-e", "-c", commands], TestContext.Current.CancellationToken);
        Assert.True(exitCode == 0, output);
        return output;
    }

    static async Task ArrivedAsync(PostriderServer demo, string subject)
    {
        var captured = await Eventually.SeesAsync(
            () => demo.Api.GetAsync("/captured"), answer => answer.Body.GetProperty("total").GetInt32() == 1, "the message is captured");
        var mail = captured.Body.GetProperty("messages")[0];
        Assert.Equal((subject, "ada@example.com"), (mail.GetProperty("subject").GetString(), mail.GetProperty("to")[0].GetString()));
    }
}
