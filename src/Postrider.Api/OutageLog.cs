using Microsoft.Extensions.Logging;

namespace Postrider.Api;

/// <summary>
/// Requests answered 503 while the store is away: the first is told, and then now and then their number, however many ask.
/// </summary>
sealed class OutageLog(TimeProvider time, ILogger<OutageLog> log)
{
    /// <summary>A guess.</summary>
    static readonly TimeSpan Quiet = TimeSpan.FromSeconds(10);

    readonly Lock _lock = new();
    long? _toldAt;
    int _untold;

    public void Note(string method, string route)
    {
        int count;
        lock (_lock)
        {
            _untold++;
            if (_toldAt is { } told && time.GetElapsedTime(told) < Quiet)
                return;
            (count, _untold, _toldAt) = (_untold, 0, time.GetTimestamp());
        }
        log.StoreUnavailable(count, method, route);
    }
}
