using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Postrider.Mail.Smtp.Server;

/// <summary>
/// An SMTP listener's part of a Kestrel endpoint: <c>listen.Run(server.OnConnectedAsync)</c>, or as a registered
/// <see cref="ConnectionHandler"/> with <c>UseConnectionHandler</c>. One serves any number of connections; each has its own session.
/// </summary>
public sealed class SmtpServer(
    SmtpServerOptions options, ISmtpReceiver receiver, TimeProvider time, ILogger<SmtpServer>? log = null) : ConnectionHandler
{
    readonly ILogger _log = log ?? NullLogger<SmtpServer>.Instance;
    readonly SessionCount _sessions = new(options.MaxSessions, options.MaxSessionsPerAddress);

    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        var address = (connection.RemoteEndPoint as IPEndPoint)?.Address;
        var shutdown = connection.Features.Get<IConnectionLifetimeNotificationFeature>();
        await using var session = new SmtpServerSession(connection.Transport, connection.RemoteEndPoint, options, receiver, time, _log);
        if (!_sessions.TryEnter(address))
        {
            await session.RefuseAsync(SmtpReplies.TooManySessions);
            return;
        }
        try
        {
            await session.RunAsync(connection.ConnectionClosed, shutdown?.ConnectionClosedRequested ?? default);
        }
        finally
        {
            _sessions.Leave(address);
        }
    }
}
