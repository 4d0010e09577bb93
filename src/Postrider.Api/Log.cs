using Microsoft.Extensions.Logging;

namespace Postrider.Api;

/// <summary>Event ids 4000–4099: the HTTP API. An id is never used again.</summary>
static partial class Log
{
    [LoggerMessage(4000, LogLevel.Error, "{Method} {Route} failed")]
    public static partial void RequestFailed(this ILogger log, Exception exception, string method, string route);

    [LoggerMessage(4001, LogLevel.Warning, "{Count} requests were answered 503, the last of them {Method} {Route}: the store is not available")]
    public static partial void StoreUnavailable(this ILogger log, int count, string method, string route);

    [LoggerMessage(4002, LogLevel.Warning, "The readiness check {Check} failed")]
    public static partial void ReadinessCheckFailed(this ILogger log, Exception? exception, string check);
}
