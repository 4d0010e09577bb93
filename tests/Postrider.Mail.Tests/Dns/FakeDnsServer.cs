using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Postrider.Mail.Dns;

namespace Postrider.Mail.Tests.Dns;

/// <summary>A query as the fake server got it.</summary>
sealed record FakeQuery(ushort Id, DnsQuestion Question, bool HasEdns, bool OverTcp, IPEndPoint Source)
{
    public DnsResponse Response(DnsResponseCode code = DnsResponseCode.NoError) => new(Id, Question, code);
}

/// <summary>
/// A scripted name server on one loopback port, UDP and TCP. What the script returns is sent in order; nothing is silence.
/// </summary>
sealed class FakeDnsServer : IAsyncDisposable
{
    readonly Func<FakeQuery, IEnumerable<byte[]>> _script;
    readonly Socket _udp = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    readonly TcpListener _tcp;
    readonly CancellationTokenSource _closing = new();
    readonly Channel<FakeQuery> _queries = Channel.CreateUnbounded<FakeQuery>();
    readonly Task _serving;
    int _count;

    public FakeDnsServer(Func<FakeQuery, IEnumerable<byte[]>> script)
    {
        _script = script;
        while (true)
        {
            _tcp = new TcpListener(IPAddress.Loopback, 0);
            _tcp.Start();
            try
            {
                _udp.Bind(_tcp.LocalEndpoint);
                break;
            }
            catch (SocketException)
            {
                _tcp.Stop();    // taken for UDP: another one
            }
        }
        EndPoint = (IPEndPoint)_tcp.LocalEndpoint;
        _serving = Task.WhenAll(ServeUdpAsync(), ServeTcpAsync());
    }

    public FakeDnsServer(Func<FakeQuery, DnsResponse?> script) : this(query => script(query) is { } response ? [response.ToOctets()] : [])
    {
    }

    public IPEndPoint EndPoint { get; }

    public int Count => Volatile.Read(ref _count);

    /// <summary>Octets a segment over TCP.</summary>
    public int TcpSegmentOctets { get; init; } = int.MaxValue;

    /// <summary>Of a TCP answer with its prefix, how much is sent before the connection is closed.</summary>
    public int TcpMaxOctets { get; init; } = int.MaxValue;

    public ValueTask<FakeQuery> NextQueryAsync() => _queries.Reader.ReadAsync();

    /// <summary>Sends a datagram to whoever asked, but from another port.</summary>
    public static void SendFromElsewhere(FakeQuery query, byte[] datagram)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.SendTo(datagram, query.Source);
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _serving;
        _udp.Dispose();
        _tcp.Dispose();
        _closing.Dispose();
    }

    async Task ServeUdpAsync()
    {
        var buffer = new byte[4096];
        try
        {
            while (true)
            {
                var received = await _udp.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), _closing.Token);
                var query = Read(buffer.AsSpan(0, received.ReceivedBytes), overTcp: false, (IPEndPoint)received.RemoteEndPoint);
                foreach (var datagram in Answer(query))
                    await _udp.SendToAsync(datagram, SocketFlags.None, received.RemoteEndPoint, _closing.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // disposed
        }
    }

    async Task ServeTcpAsync()
    {
        try
        {
            while (true)
            {
                using var socket = await _tcp.AcceptSocketAsync(_closing.Token);
                socket.NoDelay = true;
                var buffer = new byte[4096];
                var length = await socket.ReceiveAsync(buffer, SocketFlags.None, _closing.Token);
                foreach (var message in Answer(Read(buffer.AsSpan(2, length - 2), overTcp: true, (IPEndPoint)socket.RemoteEndPoint!)))
                {
                    byte[] framed = [(byte)(message.Length >> 8), (byte)message.Length, .. message];
                    foreach (var segment in framed.Take(TcpMaxOctets).Chunk(TcpSegmentOctets))
                        await socket.SendAsync(segment, SocketFlags.None, _closing.Token);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // disposed
        }
    }

    IEnumerable<byte[]> Answer(FakeQuery query)
    {
        Interlocked.Increment(ref _count);
        _queries.Writer.TryWrite(query);
        return _script(query);
    }

    static FakeQuery Read(ReadOnlySpan<byte> message, bool overTcp, IPEndPoint source)
    {
        var reader = new DnsReader(message);
        if (!DnsHeader.TryRead(ref reader, out var header) || !reader.TryQuestion(out var question))
            throw new InvalidOperationException("The resolver sent what is not a query.");
        var hasEdns = reader.TryRecord(out var record) && record is { Type: DnsType.Opt, Class: DnsQuery.UdpPayloadOctets };
        return new FakeQuery(header.Id, question, hasEdns && header.Additionals == 1, overTcp, source);
    }
}
