using System.Globalization;

namespace Postrider.Bench.Machine;

/// <summary>CPU and memory of a product: the processes it was started as and all their descendants, from /proc.</summary>
static class ProcessStats
{
    const double TicksPerSecond = 100;      // USER_HZ: the same on every Linux .NET runs on

    /// <summary>Of the living and of those of their children that have ended and been waited for.</summary>
    public static TimeSpan Cpu(IEnumerable<int> roots)
    {
        var ticks = Tree(roots).Sum(process => process.Ticks);
        return TimeSpan.FromSeconds(ticks / TicksPerSecond);
    }

    /// <summary>The sum of each living process's own peak (VmHWM). Pages that processes share count once for each of them.</summary>
    public static long PeakResidentOctets(IEnumerable<int> roots) => Tree(roots).Sum(process => Kilobytes(process.Id, "status", "VmHWM:"));

    public static long ResidentOctets(IEnumerable<int> roots) => Tree(roots).Sum(process => Kilobytes(process.Id, "status", "VmRSS:"));

    /// <summary>Each page shared out among the processes that have it (Pss): what they hold together, shared memory counted once.</summary>
    public static long ProportionalOctets(IEnumerable<int> roots) =>
        Tree(roots).Sum(process => Kilobytes(process.Id, "smaps_rollup", "Pss:"));

    /// <summary>Is any process's working directory there?</summary>
    public static bool AnyWorksIn(string folder) => ProcessFolders().Any(process =>
    {
        try
        {
            return File.ResolveLinkTarget($"{process}/cwd", returnFinalTarget: false)
                ?.FullName.StartsWith(folder, StringComparison.Ordinal) == true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;   // it ended just now, or is none of ours
        }
    });

    static List<Entry> Tree(IEnumerable<int> roots)
    {
        var all = ProcessFolders().Select(Read).OfType<Entry>().ToList();
        var children = all.ToLookup(process => process.Parent);
        var tree = all.IntersectBy(roots, process => process.Id).ToList();
        for (var i = 0; i < tree.Count; i++) tree.AddRange(children[tree[i].Id]);
        return tree;
    }

    static IEnumerable<string> ProcessFolders() =>
        Directory.EnumerateDirectories("/proc").Where(path => char.IsAsciiDigit(Path.GetFileName(path.AsSpan())[0]));

    /// <summary>proc_pid_stat(5); the fields are counted from the end of the name, which may hold blanks and parentheses.</summary>
    static Entry? Read(string processFolder)
    {
        string stat;
        try
        {
            stat = File.ReadAllText($"{processFolder}/stat");
        }
        catch (IOException)
        {
            return null;    // it ended between the listing and the reading
        }

        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        long Field(int number) => long.Parse(fields[number - 3], CultureInfo.InvariantCulture);
        var id = int.Parse(Path.GetFileName(processFolder.AsSpan()), CultureInfo.InvariantCulture);
        return new(id, (int)Field(4), Field(14) + Field(15) + Field(16) + Field(17));    // ppid; utime, stime, cutime, cstime
    }

    static long Kilobytes(int id, string file, string field)
    {
        try
        {
            var line = File.ReadLines($"/proc/{id}/{file}").FirstOrDefault(line => line.StartsWith(field, StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line.AsSpan(field.Length).Trim().TrimEnd(" kB"), CultureInfo.InvariantCulture) * 1024;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    sealed record Entry(int Id, int Parent, long Ticks);
}
