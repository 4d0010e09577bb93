using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Postrider.Mail.Dns;

/// <summary>One query to one server: octets out, octets back. What the network does is a value; only the deadline throws.</summary>
/// <param name="Octets">A message that <see cref="DnsQuery.IsAnsweredBy"/>, or null.</param>
readonly record struct DnsExchange(byte[]? Octets, string Failure)
{
    /// <summary>More than <see cref="DnsQuery.UdpPayloadOctets"/>: some servers do not care what we said.</summary>
    const int MaxDatagramOctets = 4096;

    /// <summary>Datagrams that are not our answer before we take it that someone is guessing ids. A guess.</summary>
    const int MaxStrayDatagrams = 50;

    /// <summary>A socket of its own for each query, so that each has an unpredictable port (RFC 5452 §9.2).</summary>
    public static async Task<DnsExchange> OverUdpAsync(IPEndPoint server, DnsQuery query, CancellationToken deadline)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(MaxDatagramOctets);
        try
        {
            using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            // Connected: the kernel drops what comes from elsewhere, and tells of a closed port at once.
            await socket.ConnectAsync(server, deadline);
            await socket.SendAsync(query.ToOctets(), SocketFlags.None, deadline);
            for (var stray = 0; stray < MaxStrayDatagrams; stray++)
            {
                var length = await socket.ReceiveAsync(buffer.AsMemory(0, MaxDatagramOctets), SocketFlags.None, deadline);
                if (query.IsAnsweredBy(buffer.AsSpan(0, length)))
                    return new DnsExchange(buffer.AsSpan(0, length).ToArray(), "");
            }
            return new DnsExchange(null, "too many datagrams that answer something else");
        }
        catch (SocketException e)
        {
            return new DnsExchange(null, $"UDP: {e.SocketErrorCode}");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>RFC 7766: two octets of length, then the message, both ways.</summary>
    public static async Task<DnsExchange> OverTcpAsync(IPEndPoint server, DnsQuery query, CancellationToken deadline)
    {
        try
        {
            using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(server, deadline);

            var octets = query.ToOctets();
            var framed = new byte[2 + octets.Length];    // in one write: RFC 7766 §8
            BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)octets.Length);
            octets.CopyTo(framed, 2);
            for (var sent = 0; sent < framed.Length;)
                sent += await socket.SendAsync(framed.AsMemory(sent), SocketFlags.None, deadline);

            var prefix = new byte[2];
            if (!await TryFillAsync(socket, prefix, deadline))
                return new DnsExchange(null, "TCP: closed without an answer");
            var message = new byte[BinaryPrimitives.ReadUInt16BigEndian(prefix)];
            if (!await TryFillAsync(socket, message, deadline))
                return new DnsExchange(null, "TCP: closed within the answer");
            return query.IsAnsweredBy(message) ? new DnsExchange(message, "") : new DnsExchange(null, "TCP: an answer to something else");
        }
        catch (SocketException e)
        {
            return new DnsExchange(null, $"TCP: {e.SocketErrorCode}");
        }
    }

    static async Task<bool> TryFillAsync(Socket socket, Memory<byte> memory, CancellationToken deadline)
    {
        while (!memory.IsEmpty)
        {
            var received = await socket.ReceiveAsync(memory, SocketFlags.None, deadline);
            if (received == 0)
                return false;
            memory = memory[received..];
        }
        return true;
    }
}
