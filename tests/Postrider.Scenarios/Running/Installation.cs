using System.Text.Json;

[assembly: AssemblyFixture(typeof(Postrider.Scenarios.Running.PreparedInstallation))]

namespace Postrider.Scenarios.Running;

/// <summary>A store with two tenants and their keys, as the command line sets them up.</summary>
/// <param name="LiveKey">Every scope of tenant acme.</param>
/// <param name="TestKey">Acme's, sandboxed.</param>
/// <param name="SendOnlyKey">Acme's, with mail.send alone.</param>
/// <param name="OtherKey">Every scope of tenant other.</param>
/// <param name="DkimName">Where acme.test's DKIM key is to be published.</param>
sealed record Installation(
    string Folder, string LiveKey, string TestKey, string SendOnlyKey, string OtherKey, string DkimName, string DkimText)
{
    /// <summary>Where it is when not in the folder: on a database server, with the key that all its nodes are given.</summary>
    public (string Address, string SecretKey)? Shared { get; init; }

    public string Store => Shared?.Address ?? $"sqlite:{Path.Combine(Folder, "postrider.db")}";

    /// <summary>Runs an operator's command on the store.</summary>
    public Task<CommandResult> CommandAsync(params string[] arguments) => CommandAsync(Store, Shared?.SecretKey, arguments);

    public static Task<CommandResult> CommandAsync(string store, string[] arguments) => CommandAsync(store, null, arguments);

    static async Task<CommandResult> CommandAsync(string store, string? secretKey, string[] arguments)
    {
        var environment = new Dictionary<string, string>();
        if (secretKey is not null)
            environment["POSTRIDER_Secrets__Key"] = secretKey;
        await using var process = ServerProcess.Start([.. arguments, "--store", store], environment);
        return await process.FinishAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Sets up two tenants, as an operator does.</summary>
    public static async Task<Installation> PrepareAsync(string folder, (string Address, string SecretKey)? shared = null)
    {
        var bare = new Installation(folder, "", "", "", "", "", "") { Shared = shared };
        await DoAsync("tenant", "add", "acme");
        await DoAsync("tenant", "add", "other");
        var records = (await Task.WhenAll(
            DoAsync("domain", "add", "--tenant", "acme", "acme.test", "--json"),
            DoAsync("domain", "add", "--tenant", "other", "other.test")))[0];
        var keys = await Task.WhenAll(
            DoAsync("key", "add", "--tenant", "acme", "--dialect", "scaisend"),
            DoAsync("key", "add", "--tenant", "acme", "--dialect", "scaisend", "--test"),
            DoAsync("key", "add", "--tenant", "acme", "--dialect", "scaisend", "--scopes", "mail.send"),
            DoAsync("key", "add", "--tenant", "other", "--dialect", "scaisend"),
            DoAsync("domain", "verify", "acme.test", "--assume-published"),
            DoAsync("domain", "verify", "other.test", "--assume-published"));
        var dkim = JsonDocument.Parse(records).RootElement.EnumerateArray()
            .Single(record => record.GetProperty("purpose").GetString() == "dkim");
        return bare with
        {
            LiveKey = keys[0],
            TestKey = keys[1],
            SendOnlyKey = keys[2],
            OtherKey = keys[3],
            DkimName = dkim.GetProperty("name").GetString()!,
            DkimText = dkim.GetProperty("value").GetString()!,
        };

        async Task<string> DoAsync(params string[] arguments) => (await bare.CommandAsync(arguments)).Succeeded().Output.Trim();
    }
}

/// <summary>
/// The store every scenario starts from a copy of: set up once by the real commands, because each of them is a process start.
/// </summary>
public sealed class PreparedInstallation : IAsyncLifetime
{
    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("postrider-prepared-");
    Installation _prepared = null!;

    public async ValueTask InitializeAsync() => _prepared = await Installation.PrepareAsync(_folder.FullName);

    public ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    internal static async Task<Installation> CopyAsync()
    {
        var fixture = await TestContext.Current.GetFixture<PreparedInstallation>()
            ?? throw new InvalidOperationException("It is the assembly's fixture.");
        var copy = Directory.CreateTempSubdirectory("postrider-scenario-");
        foreach (var file in fixture._folder.GetFiles())
            file.CopyTo(Path.Combine(copy.FullName, file.Name));      // keeps the key file's mode
        return fixture._prepared with { Folder = copy.FullName };
    }
}
