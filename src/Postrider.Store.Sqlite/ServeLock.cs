using Postrider.Engine.Messages;

namespace Postrider.Store.Sqlite;

/// <summary>
/// The server's hold on a database: a lock of the operating system on a file beside it, which ends with the process however that ends.
/// </summary>
sealed class ServeLock : IDisposable
{
    readonly FileStream _file;

    ServeLock(FileStream file) => _file = file;

    /// <exception cref="StoreUnavailableException">Another process has it.</exception>
    public static ServeLock Take(string databasePath)
    {
        var path = databasePath + ".lock";
        try
        {
            return new ServeLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException e)
        {
            throw new StoreUnavailableException($"Another Postrider server uses this database: it holds {path}.", e);
        }
    }

    /// <summary>The file stays: removing it would let two servers lock two files of one name.</summary>
    public void Dispose() => _file.Dispose();
}
