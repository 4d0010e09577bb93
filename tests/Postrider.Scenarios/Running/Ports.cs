using System.Net;
using System.Net.Sockets;

namespace Postrider.Scenarios.Running;

/// <summary>
/// Loopback ports for programs that must be told one. They lie below the range that outgoing connections take theirs from, else a
/// connection of another test could have the port by the time the program binds it.
/// </summary>
static class Ports
{
    const int First = 10_240;
    const int Count = 20_000;       // below 32768, where Linux begins its ephemeral ports

    static int _last = Environment.ProcessId * 97 % Count;

    public static int Free()
    {
        while (true)
        {
            var port = First + Interlocked.Increment(ref _last) % Count;
            using var listener = new TcpListener(IPAddress.Loopback, port);
            try
            {
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // somebody else's
            }
        }
    }
}
