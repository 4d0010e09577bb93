using System.CommandLine;
using System.Net.Sockets;
using System.Security.Cryptography;
using Postrider.Configuration;
using Postrider.Engine.Messages;

namespace Postrider.Commands;

/// <summary>The commands of DESIGN §7, with what they share: where the settings come from, exit codes, how faults are told.</summary>
static class CommandLine
{
    static readonly Option<string?> Store = new("--store") { Description = $"Where the store is: {StoreAddress.Form}", Recursive = true };
    static readonly Option<string?> Config = new("--config") { Description = "A JSON file of settings", Recursive = true };
    static readonly Option<string[]> Set = new("--set")
    {
        Description = "A setting, NAME=VALUE (docs/operate/settings.md); may be given several times",
        Recursive = true,
        Arity = ArgumentArity.OneOrMore,
    };

    public static async Task<int> RunAsync(string[] arguments)
    {
        var root = new RootCommand("Postrider: a self-hosted e-mail sending platform.")
        {
            Store, Config, Set,
            ServeCommand.Create(), DemoCommand.Create(), CaptureCommand.Create(),
            TenantCommands.Create(), KeyCommands.Create(), DomainCommands.Create(),
            QueueCommand.Create(), MessageCommands.Create(), StoreCommands.Create(),
        };
        var parsed = root.Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
                await Console.Error.WriteLineAsync(error.Message);
            await Console.Error.WriteLineAsync("Try --help.");
            return ExitCode.WrongUsage;
        }
        return await parsed.InvokeAsync(
            new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
    }

    /// <summary>A command's action, with what went wrong told on standard error and in the exit code.</summary>
    public static void Does(this Command command, Func<ParseResult, CancellationToken, Task<int>> action) =>
        command.SetAction(async (parsed, cancel) =>
        {
            try
            {
                return await action(parsed, cancel);
            }
            catch (SettingsException e)
            {
                await Console.Error.WriteLineAsync(e.Message);
                return ExitCode.WrongUsage;
            }
            catch (SocketException e)
            {
                return await RefuseAsync($"An address to listen at cannot be had: {e.Message}");
            }
            catch (CryptographicException)
            {
                return await RefuseAsync(
                    "What the store keeps secret was sealed with another key than Secrets:Key, or the key file, has now.");
            }
            catch (Exception e) when (e is StoreUnavailableException or IOException or UnauthorizedAccessException)
            {
                return await RefuseAsync(e.Message);
            }
        });

    /// <summary>A command that works on the store.</summary>
    public static void DoesWithStore(
        this Command command, Func<ParseResult, CommandContext, CancellationToken, Task<int>> action, bool mayCreate = false) =>
        command.Does(async (parsed, cancel) =>
        {
            await using var context = await CommandContext.OpenAsync(SettingsOf(parsed, demo: false), mayCreate, cancel);
            return await action(parsed, context, cancel);
        });

    /// <exception cref="SettingsException">Names every setting that cannot be served.</exception>
    public static Settings SettingsOf(ParseResult parsed, bool demo)
    {
        // The last of several flags for one setting counts.
        var flags = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (var setting in parsed.GetValue(Set) ?? [])
        {
            if (setting.Split('=', 2) is not [{ Length: > 0 } name, var value])
                throw new SettingsException([$"--set: \"{setting}\" is not NAME=VALUE"]);
            flags[name.Replace("__", ":", StringComparison.Ordinal)] = value;
        }
        if (parsed.GetValue(Store) is { } store)
            flags["Store"] = store;
        return Settings.Read(ConfigurationSources.Load(parsed.GetValue(Config), flags), demo);
    }

    public static async Task<int> RefuseAsync(string why)
    {
        await Console.Error.WriteLineAsync(why);
        return ExitCode.Refused;
    }
}
