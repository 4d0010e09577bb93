using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;

namespace Postrider.Bench.Load;

/// <summary>
/// Submission over one kept SMTP session with PIPELINING (RFC 2920): the envelope in one write, the content in another, so a message
/// costs two round trips. Accepted is the reply to end-of-data.
/// </summary>
sealed class SmtpLoad : ISubmitter
{
    readonly Socket _socket;
    readonly NumberedTemplate _envelope;
    readonly NumberedTemplate _content;
    readonly byte[] _replies = new byte[8_192];
    int _start, _end;

    SmtpLoad(Socket socket, string recipientDomain) =>
        (_socket, _envelope, _content) =
            (socket, new(BenchMessage.SmtpEnvelope(recipientDomain)), new(BenchMessage.SmtpContent(recipientDomain)));

    public static async Task<ISubmitter> ConnectAsync(IPEndPoint server, string recipientDomain, CancellationToken cancel)
    {
        var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server, cancel);
        var session = new SmtpLoad(socket, recipientDomain);
        await session.ExpectAsync("220", cancel);
        await session.SendAsync("EHLO load.bench.test\r\n"u8.ToArray(), cancel);
        await session.ExpectAsync("250", cancel);
        return session;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> SubmitAsync(int number, CancellationToken cancel)
    {
        await SendAsync(_envelope.With(number), cancel);
        await ExpectAsync("250", cancel);
        await ExpectAsync("250", cancel);
        await ExpectAsync("354", cancel);
        await SendAsync(_content.With(number), cancel);
        await ExpectAsync("250", cancel);
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await SendAsync("QUIT\r\n"u8.ToArray(), CancellationToken.None);
        }
        catch (SocketException)
        {
            // The server was stopped first; there is nobody left to take leave of.
        }

        _socket.Dispose();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    async ValueTask SendAsync(ReadOnlyMemory<byte> octets, CancellationToken cancel)
    {
        while (!octets.IsEmpty) octets = octets[await _socket.SendAsync(octets, SocketFlags.None, cancel)..];
    }

    /// <summary>Reads one reply, however many lines it has (RFC 5321 §4.2.1).</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    async ValueTask ExpectAsync(string code, CancellationToken cancel)
    {
        for (var last = false; !last;)
        {
            int line;
            while ((line = _replies.AsSpan(_start, _end - _start).IndexOf("\r\n"u8)) < 0) await ReceiveAsync(cancel);
            last = Check(_replies.AsSpan(_start, line), code);
            _start += line + 2;
        }
    }

    async ValueTask ReceiveAsync(CancellationToken cancel)
    {
        if (_start > 0)
        {
            _replies.AsSpan(_start, _end - _start).CopyTo(_replies);
            (_start, _end) = (0, _end - _start);
        }

        if (_end == _replies.Length) throw new BenchFault("a reply line longer than 8192 octets");
        var read = await _socket.ReceiveAsync(_replies.AsMemory(_end), SocketFlags.None, cancel);
        if (read == 0) throw new BenchFault("the server closed the session instead of replying");
        _end += read;
    }

    /// <returns>True when this is the reply's last line.</returns>
    static bool Check(ReadOnlySpan<byte> line, string code)
    {
        if (line.Length < 3 || !Ascii.Equals(line[..3], code))
            throw new BenchFault($"wanted reply {code}, got: {Encoding.ASCII.GetString(line)}");
        return line.Length == 3 || line[3] != '-';
    }
}
