using System.Security.Cryptography;
using Postrider.Testing;

namespace Postrider.Scenarios.Clients;

/// <summary>
/// The packages of package.json, installed by npm into a folder that outlives the run: only the first run on a machine downloads them.
/// </summary>
static class NodePackages
{
    static readonly SemaphoreSlim Turn = new(1);

    /// <summary>Runs a script of this folder among the installed packages.</summary>
    public static async Task<string> RunAsync(string script, params string[] arguments) => await RunTextAsync(
        await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "Clients", script), TestContext.Current.CancellationToken),
        script, arguments);

    /// <param name="name">Ends in .mjs or .cjs, for a module of one kind or the other.</param>
    public static async Task<string> RunTextAsync(string text, string name, params string[] arguments)
    {
        var cancel = TestContext.Current.CancellationToken;
        // Imports are found from where the script is.
        var script = Path.Combine(await InstalledAsync(cancel), $"{Environment.ProcessId}-{name}");
        await File.WriteAllTextAsync(script, text, cancel);
        try
        {
            var (exitCode, output) = await ExternalProgram.RunAsync("node", [script, .. arguments], cancel);
            Assert.True(exitCode == 0, output);
            return output;
        }
        finally
        {
            File.Delete(script);
        }
    }

    static async Task<string> InstalledAsync(CancellationToken cancel)
    {
        var manifest = Path.Combine(AppContext.BaseDirectory, "Clients", "package.json");
        var version = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(manifest, cancel)))[..16];
        var folder = Path.Combine(Path.GetTempPath(), $"postrider-npm-{version}");
        await Turn.WaitAsync(cancel);
        try
        {
            if (File.Exists(Path.Combine(folder, "complete")))
                return folder;
            Directory.CreateDirectory(folder);
            File.Copy(manifest, Path.Combine(folder, "package.json"), overwrite: true);
            var (exitCode, output) = await ExternalProgram.RunAsync(
                "npm", ["install", "--no-audit", "--no-fund", "--prefix", folder], cancel);
            Assert.True(exitCode == 0, $"npm install failed: {output}");
            await File.WriteAllTextAsync(Path.Combine(folder, "complete"), "", cancel);
            return folder;
        }
        finally
        {
            Turn.Release();
        }
    }
}
