namespace Postrider.Operations;

/// <summary>For how long every look has found leases that ended and that nobody took over.</summary>
/// <remarks>
/// Those of a node that died show until they are taken back, some seconds: that must not make the nodes that live look stuck.
/// </remarks>
sealed class OverdueTime(TimeProvider time)
{
    /// <summary>Past this nobody takes over any more.</summary>
    public static readonly TimeSpan Most = TimeSpan.FromMinutes(1);

    readonly Lock _lock = new();
    long? _since;

    public TimeSpan Elapsed
    {
        get
        {
            lock (_lock) return _since is { } since ? time.GetElapsedTime(since) : TimeSpan.Zero;
        }
    }

    public void Note(long overdue)
    {
        lock (_lock) _since = overdue == 0 ? null : _since ?? time.GetTimestamp();
    }
}
