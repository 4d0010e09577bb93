using System.Reflection;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace Postrider.Store.Sqlite.Connections;

/// <summary>
/// Chooses the SQLite library: the system's when it is at least as new as we need and can search text, else the one we bring.
/// </summary>
static class NativeSqlite
{
    const string Library = "e_sqlite3";
    const string SystemLibrary = "libsqlite3.so.0";

    /// <summary>3.38.0: newer than the bundled one.</summary>
    const int OldestSystemVersion = 3_038_000;

    static readonly Lazy<bool> Loaded = new(Load);

    public static void EnsureLoaded() => _ = Loaded.Value;

    static bool Load()
    {
        NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, Resolve);
        NativeLibrary.SetDllImportResolver(typeof(NativeSqlite).Assembly, Resolve);
        Batteries_V2.Init();
        // Its memory statistics take a process-wide lock for every allocation. Refused when something has used SQLite before us: no harm.
        _ = raw.sqlite3_config(raw.SQLITE_CONFIG_MEMSTATUS, 0);
        return true;
    }

    /// <summary>Whether the database file has been moved or deleted since it was opened; one <c>stat</c>.</summary>
    public static bool HasMoved(sqlite3 connection)
    {
        const int hasMoved = 20;        // SQLITE_FCNTL_HAS_MOVED
        var moved = 0;
        return FileControl(connection.DangerousGetHandle(), IntPtr.Zero, hasMoved, ref moved) == raw.SQLITE_OK && moved != 0;
    }

    /// <param name="database">Null for the main one.</param>
    [DllImport(Library, EntryPoint = "sqlite3_file_control", CallingConvention = CallingConvention.Cdecl)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories | DllImportSearchPath.AssemblyDirectory)]
    static extern int FileControl(IntPtr connection, IntPtr database, int operation, ref int argument);

    static IntPtr Resolve(string name, Assembly assembly, DllImportSearchPath? path) =>
        name == Library && NativeLibrary.TryLoad(SystemLibrary, out var library) && IsFit(library) ? library : IntPtr.Zero;

    static bool IsFit(IntPtr library) =>
        NativeLibrary.TryGetExport(library, "sqlite3_libversion_number", out var version)
        && Marshal.GetDelegateForFunctionPointer<VersionNumber>(version)() >= OldestSystemVersion
        && NativeLibrary.TryGetExport(library, "sqlite3_compileoption_used", out var option)
        && Marshal.GetDelegateForFunctionPointer<OptionUsed>(option)("ENABLE_FTS5") != 0;

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    delegate int VersionNumber();

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    delegate int OptionUsed([MarshalAs(UnmanagedType.LPUTF8Str)] string option);
}
