using System.Security.Cryptography;
using Postrider.Engine.Composing;
using Postrider.Engine.Tenants;

namespace Postrider.Configuration;

/// <summary>
/// The key that seals secrets: from the configuration, else, beside a SQLite database, from a file that only its owner may read. Nodes that
/// share a PostgreSQL database must be given the same one.
/// </summary>
static class MasterKey
{
    /// <exception cref="SettingsException">The key file cannot be read, is not a key, or others may read it.</exception>
    public static byte[] Load(Settings settings) => settings switch
    {
        { SecretKey: { } key } => key,
        { Store: StoreAddress.Sqlite { Path: var path } } => LoadFile(path),
        _ => throw new SettingsException([
            $"Secrets:Key: nodes that share {settings.Store} need the same key, {SecretBox.KeyOctets} random octets in base64 "
                + $"(openssl rand -base64 {SecretBox.KeyOctets})"]),
    };

    /// <exception cref="CryptographicException">The store's secrets were sealed with another key.</exception>
    public static async Task CheckAsync(ITenantStore store, SecretBox secrets, CancellationToken cancel)
    {
        if (await store.FindAnyDomainAsync(cancel) is { } domain)
            new DkimKeys(secrets).Open(domain).Dispose();
    }

    static byte[] LoadFile(string database)
    {
        var path = Path.ChangeExtension(database, ".key");
        try
        {
            // The key is made before the database, so where that is, this one has been lost: a new one could open nothing in it.
            var isLost = File.Exists(database) && !File.Exists(path);
            return isLost
                ? throw new SettingsException([$"Secrets:Key: {path} is missing, but {database} is there; restore it, or name the key"])
                : File.Exists(path) ? Read(path) : Create(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SettingsException([$"Secrets:Key: {path} cannot be used: {e.Message}"]);
        }
    }

    static byte[] Read(string path)
    {
        const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & others) != 0)
            throw new SettingsException([$"Secrets:Key: others than its owner may read {path}; set its mode to 0600"]);
        var key = new byte[SecretBox.KeyOctets];
        return Convert.TryFromBase64String(File.ReadAllText(path).Trim(), key, out var octets) && octets == key.Length
            ? key
            : throw new SettingsException([$"Secrets:Key: {path} does not hold {SecretBox.KeyOctets} octets in base64"]);
    }

    /// <summary>Durable before anything is sealed with it; when two processes make it at once, both use the first one's.</summary>
    static byte[] Create(string path)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder)
            Directory.CreateDirectory(folder);
        var key = RandomNumberGenerator.GetBytes(SecretBox.KeyOctets);
        var temporary = $"{path}.{Environment.ProcessId}";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var file = new FileStream(temporary, options))
        {
            file.Write(System.Text.Encoding.ASCII.GetBytes(Convert.ToBase64String(key)));
            file.Flush(flushToDisk: true);
        }
        try
        {
            File.Move(temporary, path, overwrite: false);
            return key;
        }
        catch (IOException) when (File.Exists(path))
        {
            File.Delete(temporary);
            return Read(path);
        }
    }
}
