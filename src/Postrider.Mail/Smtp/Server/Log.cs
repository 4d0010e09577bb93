using Microsoft.Extensions.Logging;

namespace Postrider.Mail.Smtp.Server;

/// <summary>Event ids 1000–1099: the SMTP server. An id is never used again.</summary>
static partial class Log
{
    [LoggerMessage(1000, LogLevel.Error, "What receives mail failed; the peer was told to try again")]
    public static partial void ReceiverFailed(this ILogger log, Exception exception);
}
