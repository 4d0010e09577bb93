using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;

namespace Postrider.Bench.Load;

/// <summary>
/// <c>POST /v3/mail/send</c> over one kept-alive connection: the request's octets are made once and only the message number is written
/// into them, the answer is read no further than needed. An HTTP client's comfort would cost CPU that the product under test needs.
/// </summary>
sealed class HttpLoad : ISubmitter
{
    const int LargestAnswer = 128 * 1024;    // a thousand ids take 32 KB

    readonly Socket _socket;
    readonly NumberedTemplate _request;
    readonly byte[] _answer = new byte[LargestAnswer];

    HttpLoad(Socket socket, NumberedTemplate request) => (_socket, _request) = (socket, request);

    public static async Task<ISubmitter> ConnectAsync(IPEndPoint server, string apiKey, byte[] json, CancellationToken cancel)
    {
        var head = Encoding.ASCII.GetBytes(
            $"POST /v3/mail/send HTTP/1.1\r\nHost: {server}\r\nAuthorization: Bearer {apiKey}\r\n"
            + $"Content-Type: application/json\r\nContent-Length: {json.Length}\r\n\r\n");
        var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server, cancel);
        return new HttpLoad(socket, new([.. head, .. json]));
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> SubmitAsync(int number, CancellationToken cancel)
    {
        for (var rest = _request.With(number); !rest.IsEmpty;)
            rest = rest[await _socket.SendAsync(rest, SocketFlags.None, cancel)..];

        var received = 0;
        do
        {
            if (received == _answer.Length) throw new BenchFault($"an answer longer than {LargestAnswer} octets");
            var read = await _socket.ReceiveAsync(_answer.AsMemory(received), SocketFlags.None, cancel);
            if (read == 0) throw new BenchFault("the server closed the connection instead of answering");
            received += read;
        }
        while (!IsWhole(_answer.AsSpan(0, received)));

        return Accepted(_answer.AsSpan(0, received));
    }

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Only one request is under way, so the octets end where its answer ends.</summary>
    static bool IsWhole(ReadOnlySpan<byte> answer)
    {
        var headEnd = answer.IndexOf("\r\n\r\n"u8);
        if (headEnd < 0) return false;
        var head = answer[..headEnd];
        var length = head.IndexOf("Content-Length: "u8);
        if (length < 0) return answer.EndsWith("\r\n0\r\n\r\n"u8);     // chunked
        return Utf8Parser.TryParse(head[(length + 16)..], out int octets, out _) && answer.Length >= headEnd + 4 + octets;
    }

    static bool Accepted(ReadOnlySpan<byte> answer)
    {
        if (!answer.StartsWith("HTTP/1.1 "u8)) throw new BenchFault("not an HTTP/1.1 answer: " + Start(answer));
        var status = answer.Slice(9, 3);
        if (status.SequenceEqual("202"u8)) return true;
        if (status.SequenceEqual("429"u8) || status.SequenceEqual("503"u8)) return false;
        throw new BenchFault("the message was refused: " + Start(answer));
    }

    static string Start(ReadOnlySpan<byte> answer) => Encoding.UTF8.GetString(answer[..Math.Min(answer.Length, 1_000)]);
}
