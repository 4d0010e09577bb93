namespace Postrider.Configuration;

/// <summary>Where settings come from, later ones winning: postrider.json, the environment, flags.</summary>
static class ConfigurationSources
{
    const string FileName = "postrider.json";
    const string Prefix = "POSTRIDER_";

    /// <param name="file">From <c>--config</c>; must then exist.</param>
    /// <exception cref="SettingsException">The file is missing or is not JSON.</exception>
    public static IConfiguration Load(string? file, IEnumerable<KeyValuePair<string, string?>> flags)
    {
        try
        {
            return new ConfigurationBuilder()
                .AddJsonFile(Path.GetFullPath(file ?? Path.Combine(AppContext.BaseDirectory, FileName)), optional: file is null)
                .AddEnvironmentVariables(Prefix)
                .AddInMemoryCollection(flags)
                .Build();
        }
        catch (Exception e) when (e is FileNotFoundException or InvalidDataException or FormatException)
        {
            throw new SettingsException([$"--config: {e.Message}{(e.InnerException is { } inner ? $" {inner.Message}" : "")}"]);
        }
    }
}
