using System.Globalization;

namespace Postrider.Scenarios.Running;

/// <summary>
/// A server process's wall clock, to be set while it runs: libfaketime stands between the two. The clock that timers and time-outs go by is
/// the machine's.
/// </summary>
sealed class WallClock : IDisposable
{
    static readonly string Library = Directory.EnumerateFiles("/usr/lib", "libfaketimeMT.so.1", SearchOption.AllDirectories).FirstOrDefault()
        ?? throw new InvalidOperationException("Debian's package libfaketime is needed.");

    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("postrider-clock-");

    public WallClock() => Set(TimeSpan.Zero);

    /// <summary>How far the process is ahead of the machine.</summary>
    public TimeSpan Ahead { get; private set; }

    public DateTimeOffset Now => TimeProvider.System.GetUtcNow() + Ahead;

    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>
    {
        ["LD_PRELOAD"] = Library,
        ["FAKETIME_TIMESTAMP_FILE"] = FileOf(_folder),
        ["FAKETIME_NO_CACHE"] = "1",
        ["FAKETIME_DONT_FAKE_MONOTONIC"] = "1",
        ["NO_FAKE_STAT"] = "1",
    };

    public void Set(TimeSpan ahead)
    {
        var written = FileOf(_folder) + ".new";
        File.WriteAllText(written, string.Create(CultureInfo.InvariantCulture, $"{ahead.TotalSeconds:+0;-0;+0}"));
        File.Move(written, FileOf(_folder), overwrite: true);       // never seen half written
        Ahead = ahead;
    }

    public void Dispose() => _folder.Delete(recursive: true);

    static string FileOf(DirectoryInfo folder) => Path.Combine(folder.FullName, "faketimerc");
}
