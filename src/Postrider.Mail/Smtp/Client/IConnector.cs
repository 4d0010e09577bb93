using System.Net;
using System.Net.Sockets;

namespace Postrider.Mail.Smtp.Client;

/// <summary>Opens a duplex stream to an endpoint; tests replay scripts through it.</summary>
public interface IConnector
{
    /// <exception cref="IOException">There is nobody; also <see cref="SocketException"/>.</exception>
    ValueTask<Stream> OpenAsync(IPEndPoint endPoint, CancellationToken cancel);
}

/// <summary>TCP.</summary>
public sealed class SocketConnector : IConnector
{
    public static SocketConnector Instance { get; } = new();

    public async ValueTask<Stream> OpenAsync(IPEndPoint endPoint, CancellationToken cancel)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endPoint, cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
