using System.Globalization;

namespace Postrider.Bench.Machine;

/// <summary>What the whole machine is busy with, to tell whether somebody else's work is in the figures.</summary>
static class MachineLoad
{
    const double TicksPerSecond = 100;      // USER_HZ, as in ProcessStats

    /// <summary>CPU time of everything since the machine started, what its host took away (steal) included; proc_stat(5).</summary>
    public static TimeSpan Busy()
    {
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var ticks = fields[1..9].Select(field => long.Parse(field, CultureInfo.InvariantCulture)).ToArray();
        return TimeSpan.FromSeconds((ticks.Sum() - ticks[3] - ticks[4]) / TicksPerSecond);      // without idle and iowait
    }
}
