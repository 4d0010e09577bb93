using System.CommandLine;
using Postrider.Configuration;
using Postrider.Engine.Tenants;

namespace Postrider.Commands;

/// <summary><c>postrider key add</c>: prints the key, alone, on standard output; it cannot be shown again.</summary>
static class KeyCommands
{
    static readonly Option<string> TenantName = new("--tenant") { Description = "The tenant's name", Required = true };
    static readonly Option<string> DialectName =
        new("--dialect") { Description = "scaisend, postject, sendops or mailingapi", Required = true };
    static readonly Option<string?> Scopes = new("--scopes") { Description = "Comma-separated; all of the dialect's when left out" };
    static readonly Option<string> Label = new("--name") { Description = "What the key is for", DefaultValueFactory = _ => "command line" };
    static readonly Option<bool> Test = new("--test") { Description = "Everything sent with it is sandboxed" };

    public static Command Create()
    {
        var add = new Command("add", "Add an API key and print it.") { TenantName, DialectName, Scopes, Label, Test };
        add.DoesWithStore(async (parsed, context, cancel) =>
        {
            var desk = TenantDesk.Of(context);
            if (Settings.DialectOf(parsed.GetRequiredValue(DialectName)) is not { } dialect)
                throw new SettingsException(
                    [$"--dialect: \"{parsed.GetValue(DialectName)}\" is none of scaisend, postject, sendops, mailingapi"]);
            if (dialect != Dialect.ScaiSend)
                return await CommandLine.RefuseAsync($"{dialect} is not served yet; scaisend is.");
            if (await desk.FindAsync(parsed.GetRequiredValue(TenantName), cancel) is not { } tenant)
                return await CommandLine.RefuseAsync($"There is no tenant {parsed.GetValue(TenantName)}.");
            var scopes = parsed.GetValue(Scopes)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                ?? ApiKeyScopes.ScaiSend;
            var unknown = scopes.Except(ApiKeyScopes.ScaiSend).ToArray();
            if (unknown.Length > 0)
                return await CommandLine.RefuseAsync(
                    $"Unknown scopes: {string.Join(", ", unknown)}. Known: {string.Join(", ", ApiKeyScopes.ScaiSend)}.");
            var name = parsed.GetValue(Label)!;
            if (name.Length is 0 or > 255)
                return await CommandLine.RefuseAsync("A key's name has 1 to 255 characters.");

            await Console.Out.WriteLineAsync(await desk.AddKeyAsync(tenant, dialect, name, scopes, parsed.GetValue(Test), cancel));
            return ExitCode.Done;
        });
        return new Command("key", "API keys.") { add };
    }
}
