using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;

namespace Postrider.Bench.Sinks;

/// <summary>A message received.</summary>
/// <param name="TransactionAt">When MAIL's first octet arrived, as a <see cref="Stopwatch"/> timestamp.</param>
/// <param name="ContentAt">When the first octet after DATA arrived.</param>
/// <param name="Signed">Did it carry a DKIM-Signature?</param>
readonly record struct Arrival(long TransactionAt, long ContentAt, bool Signed);

/// <summary>
/// A minimal SMTP server that tells when mail arrives. Only the idle latency uses it: smtp-sink cannot say when it saw the first octet.
/// It offers what smtp-sink offers as far as that matters to the first octet: PIPELINING and 8BITMIME, no STARTTLS.
/// </summary>
sealed class FirstByteSink : IAsyncDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    readonly CancellationTokenSource _stopping = new();
    readonly Channel<Arrival> _arrivals = Channel.CreateBounded<Arrival>(new BoundedChannelOptions(10_000) { SingleReader = true });
    readonly Task _accepting;

    public FirstByteSink()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(128);
        Address = (IPEndPoint)_listener.LocalEndPoint!;
        _accepting = AcceptAsync(_stopping.Token);
    }

    public IPEndPoint Address { get; }

    /// <summary>The next message received.</summary>
    public async Task<Arrival> NextAsync(CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(Patience);
        try
        {
            return await _arrivals.Reader.ReadAsync(patience.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new BenchFault($"a single message did not arrive within {Patience.TotalSeconds} s");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _accepting;
        _listener.Dispose();
        _stopping.Dispose();
    }

    async Task AcceptAsync(CancellationToken cancel)
    {
        var sessions = new List<Task>();
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptAsync(cancel);
                socket.NoDelay = true;
                sessions.RemoveAll(session => session.IsCompletedSuccessfully);
                sessions.Add(ServeAsync(socket, cancel));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(sessions);
        }
    }

    async Task ServeAsync(Socket socket, CancellationToken cancel)
    {
        using var owned = socket;
        try
        {
            await new Session(socket, _arrivals.Writer).RunAsync(cancel);
        }
        catch (Exception end) when (end is SocketException or OperationCanceledException)
        {
            // The product closed without QUIT (it may have been killed), or the bench ends.
        }
    }

    sealed class Session(Socket socket, ChannelWriter<Arrival> arrivals)
    {
        readonly byte[] _buffer = new byte[65_536];
        int _filled;
        long _transactionAt, _contentAt;
        bool _inContent;

        public async Task RunAsync(CancellationToken cancel)
        {
            await ReplyAsync("220 sink.test ESMTP\r\n"u8.ToArray(), cancel);
            while (true)
            {
                var read = await socket.ReceiveAsync(_buffer.AsMemory(_filled), SocketFlags.None, cancel);
                if (read == 0) return;
                var receivedAt = Stopwatch.GetTimestamp();
                _filled += read;
                if (!await TakeAsync(receivedAt, cancel)) return;
            }
        }

        /// <returns>False when the session is over: after QUIT, or when a line or message outgrows the buffer.</returns>
        async Task<bool> TakeAsync(long receivedAt, CancellationToken cancel)
        {
            while (_filled > 0)
            {
                if (_inContent)
                {
                    if (_contentAt == 0) _contentAt = receivedAt;
                    if (!TryTake("\r\n.\r\n"u8, IsSigned, out var signed)) break;
                    _inContent = false;
                    arrivals.TryWrite(new(_transactionAt, _contentAt, signed));
                    await ReplyAsync("250 2.0.0 Ok\r\n"u8.ToArray(), cancel);
                    continue;
                }

                if (!TryTake("\r\n"u8, VerbOf, out var verb)) break;
                if (verb == Verb.Mail) _transactionAt = receivedAt;
                if (verb == Verb.Data) (_inContent, _contentAt) = (true, 0);
                await ReplyAsync(Answer(verb), cancel);
                if (verb == Verb.Quit) return false;
            }

            return _filled < _buffer.Length;
        }

        /// <summary>Takes what is buffered up to <paramref name="end"/>, having read it; without an end, it stays.</summary>
        bool TryTake<T>(ReadOnlySpan<byte> end, Func<ReadOnlySpan<byte>, T> read, out T? value)
        {
            var filled = _buffer.AsSpan(0, _filled);
            var at = filled.IndexOf(end);
            value = at < 0 ? default : read(filled[..at]);
            if (at < 0) return false;
            var rest = filled[(at + end.Length)..];
            rest.CopyTo(_buffer);
            _filled = rest.Length;
            return true;
        }

        async Task ReplyAsync(byte[] reply, CancellationToken cancel) => await socket.SendAsync(reply, SocketFlags.None, cancel);

        static bool IsSigned(ReadOnlySpan<byte> content) =>
            content[..Math.Max(0, content.IndexOf("\r\n\r\n"u8))].IndexOf("DKIM-Signature: "u8) >= 0;

        static Verb VerbOf(ReadOnlySpan<byte> line) =>
            line.Length < 4 ? Verb.Other
            : Ascii.EqualsIgnoreCase(line[..4], "MAIL") ? Verb.Mail
            : Ascii.EqualsIgnoreCase(line[..4], "DATA") ? Verb.Data
            : Ascii.EqualsIgnoreCase(line[..4], "EHLO") ? Verb.Ehlo
            : Ascii.EqualsIgnoreCase(line[..4], "QUIT") ? Verb.Quit
            : Verb.Other;

        static byte[] Answer(Verb verb) => verb switch
        {
            Verb.Ehlo => "250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n"u8.ToArray(),
            Verb.Data => "354 End data with <CR><LF>.<CR><LF>\r\n"u8.ToArray(),
            Verb.Quit => "221 2.0.0 Bye\r\n"u8.ToArray(),
            _ => "250 2.0.0 Ok\r\n"u8.ToArray(),
        };
    }

    enum Verb
    {
        Other,
        Ehlo,
        Mail,
        Data,
        Quit,
    }
}
