using System.Net;
using System.Net.Sockets;

namespace Postrider.Bench.Machine;

static class Loopback
{
    /// <summary>A port that was free a moment ago; for programs that cannot be told to choose one themselves.</summary>
    public static IPEndPoint FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return (IPEndPoint)socket.LocalEndPoint!;
    }

    /// <summary>Returns once something accepts connections there.</summary>
    public static async Task WaitUntilListeningAsync(IPEndPoint server, ChildProcess owner, CancellationToken cancel)
    {
        while (true)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(server, cancel);
                return;
            }
            catch (SocketException)
            {
                owner.ThrowIfEnded();
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancel);
            }
        }
    }
}
