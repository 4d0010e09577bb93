using System.Diagnostics;
using System.Globalization;

namespace Postrider.Testing;

/// <summary>Signals to processes, by the program <c>kill</c>; who they are, from <c>/proc</c>.</summary>
public static class Signal
{
    static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(5);

    /// <param name="name">As <c>kill</c> takes it: TERM, STOP, CONT, KILL. A process that is gone already is passed over.</param>
    public static async Task SendAsync(string name, params int[] processes)
    {
        var start = new ProcessStartInfo("kill", [$"-{name}", .. processes.Select(Text)]) { RedirectStandardError = true };
        using var kill = Process.Start(start) ?? throw new InvalidOperationException("kill did not start.");
        await kill.WaitForExitAsync(CancellationToken.None);
    }

    public static int[] ChildrenOf(int parent)
    {
        var children = new List<int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var process)
                && Read(process) is { Parent: var itsParent } && itsParent == parent)
                children.Add(process);
        }
        return [.. children];
    }

    /// <summary>Until it runs no more: one whose parent has not looked yet counts as gone.</summary>
    public static async Task UntilGoneAsync(int process)
    {
        while (Read(process) is { State: not 'Z' })
            await Task.Delay(Interval, TimeProvider.System);
    }

    /// <remarks>proc(5): pid, the command in parentheses, which may hold any character, state, parent.</remarks>
    static (char State, int Parent)? Read(int process)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{Text(process)}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (fields[0][0], int.Parse(fields[1], CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            return null;
        }
    }

    static string Text(int process) => process.ToString(CultureInfo.InvariantCulture);
}
