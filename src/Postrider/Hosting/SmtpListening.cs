using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Postrider.Mail.Smtp.Server;

namespace Postrider.Hosting;

static class SmtpListening
{
    /// <summary>Serves SMTP on this endpoint instead of HTTP.</summary>
    public static void UseSmtp(this ListenOptions listen, SmtpServer server)
    {
        IConnectionBuilder connections = listen;
        connections.Run(server.OnConnectedAsync);
    }
}
