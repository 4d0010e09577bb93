namespace Postrider.Operations;

/// <summary>Event ids 5000–5099: the server process.</summary>
static partial class Log
{
    [LoggerMessage(5000, LogLevel.Warning, "The queue could not be looked at; the next look is in a few seconds")]
    public static partial void QueueNotSeen(this ILogger log, Exception? exception);

    [LoggerMessage(5001, LogLevel.Warning, "House-keeping failed; the next try is in one interval")]
    public static partial void HousekeepingFailed(this ILogger log, Exception? exception);

    [LoggerMessage(
        5020, LogLevel.Warning, "What limits the destinations could not be written for the operator; the next try is in a few seconds")]
    public static partial void DestinationsNotReported(this ILogger log, Exception exception);
}
