using Postrider.Mail.Smtp.Server;

namespace Postrider.Hosting;

/// <summary>
/// How much of strangers the inbound listener bears: what it takes is small and rare. Guesses, except those with a source.
/// </summary>
static class InboundLimits
{
    public static SmtpServerOptions Of(SmtpServerOptions options) => options with
    {
        MaxSessions = 200,
        MaxSessionsPerAddress = 20,     // what Postfix opens to one destination
        MaxRecipients = 100,            // RFC 5321 §4.5.3.1.8; a report has one
        MaxErrors = 10,
        MaxCommandsWithoutMessage = 200,
        SessionTimeout = TimeSpan.FromMinutes(30),
    };
}
