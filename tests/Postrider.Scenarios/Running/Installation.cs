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
    public string Store => $"sqlite:{Path.Combine(Folder, "postrider.db")}";

    /// <summary>Runs an operator's command on the store.</summary>
    public Task<CommandResult> CommandAsync(params string[] arguments) => CommandAsync(Store, arguments);

    public static async Task<CommandResult> CommandAsync(string store, string[] arguments)
    {
        await using var process = ServerProcess.Start([.. arguments, "--store", store], new Dictionary<string, string>());
        return await process.FinishAsync(TestContext.Current.CancellationToken);
    }
}

/// <summary>
/// The store every scenario starts from a copy of: set up once by the real commands, because each of them is a process start.
/// </summary>
public sealed class PreparedInstallation : IAsyncLifetime
{
    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("postrider-prepared-");
    Installation _prepared = null!;

    public async ValueTask InitializeAsync()
    {
        await CommandAsync("tenant", "add", "acme");
        await CommandAsync("tenant", "add", "other");
        var records = await CommandAsync("domain", "add", "--tenant", "acme", "acme.test", "--json");
        await CommandAsync("domain", "add", "--tenant", "other", "other.test");
        await CommandAsync("domain", "verify", "acme.test", "--assume-published");
        await CommandAsync("domain", "verify", "other.test", "--assume-published");
        var dkim = JsonDocument.Parse(records).RootElement.EnumerateArray()
            .Single(record => record.GetProperty("purpose").GetString() == "dkim");
        _prepared = new Installation(
            _folder.FullName,
            await CommandAsync("key", "add", "--tenant", "acme", "--dialect", "scaisend"),
            await CommandAsync("key", "add", "--tenant", "acme", "--dialect", "scaisend", "--test"),
            await CommandAsync("key", "add", "--tenant", "acme", "--dialect", "scaisend", "--scopes", "mail.send"),
            await CommandAsync("key", "add", "--tenant", "other", "--dialect", "scaisend"),
            dkim.GetProperty("name").GetString()!,
            dkim.GetProperty("value").GetString()!);
    }

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

    async Task<string> CommandAsync(params string[] arguments) =>
        (await Installation.CommandAsync($"sqlite:{Path.Combine(_folder.FullName, "postrider.db")}", arguments)).Succeeded().Output.Trim();
}
