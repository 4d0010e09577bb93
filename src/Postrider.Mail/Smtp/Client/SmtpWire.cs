using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text.Unicode;

namespace Postrider.Mail.Smtp.Client;

/// <summary>A reply, or in words for a log why there is none.</summary>
readonly record struct WireRead(SmtpReply? Reply, string? Fault)
{
    [MemberNotNullWhen(true, nameof(Reply))]
    [MemberNotNullWhen(false, nameof(Fault))]
    public bool Answered => Reply is not null;
}

/// <summary>
/// The octets of one connection: commands out, replies in, each within its time. Whatever the network or the peer does is a value;
/// only the caller's own cancellation is an exception. After any fault the wire stays broken.
/// </summary>
sealed class SmtpWire : IMessageSink, IAsyncDisposable
{
    const int InputOctets = 4 * 1024;       // replies of a pipelined transaction are a few hundred
    const int OutputOctets = 16 * 1024;     // an envelope or a typical message in one write

    readonly SmtpReplyParser _replies = new();
    readonly SmtpTimeouts _timeouts;
    readonly CancellationTokenSource _deadline;     // one for life: once it has fired, the connection is of no more use
    readonly byte[] _input = ArrayPool<byte>.Shared.Rent(InputOctets);
    readonly byte[] _output = ArrayPool<byte>.Shared.Rent(OutputOctets);
    Stream _stream;
    CancellationToken _cancel;
    int _inputStart, _inputEnd, _outputEnd;
    bool _disposed;
    DotStuffer _stuffer;

    public SmtpWire(Stream stream, SmtpTimeouts timeouts, CancellationTokenSource deadline) =>
        (_stream, _timeouts, _deadline) = (stream, timeouts, deadline);

    /// <summary>Null in clear.</summary>
    public SslStream? Tls => _stream as SslStream;

    /// <summary>Why nothing more can be said on this wire.</summary>
    public string? Fault { get; private set; }

    public bool HasUnreadInput => _inputStart < _inputEnd;

    /// <summary>The caller's wish to stop ends the wait for the network, too.</summary>
    public CancellationTokenRegistration StopOn(CancellationToken cancel)
    {
        _cancel = cancel;
        return cancel.UnsafeRegister(static deadline => ((CancellationTokenSource)deadline!).Cancel(), _deadline);
    }

    public void Break(string fault) => Fault ??= fault;

    /// <summary>Goes on inside TLS, whatever becomes of the handshake.</summary>
    /// <returns>Null, or in words for a log why there is no TLS.</returns>
    public async ValueTask<string?> HandshakeAsync(SslClientAuthenticationOptions authentication, TimeSpan limit)
    {
        var tls = new SslStream(_stream, leaveInnerStreamOpen: false);
        _stream = tls;
        try
        {
            _deadline.CancelAfter(limit);
            await tls.AuthenticateAsClientAsync(authentication, _deadline.Token);
            _deadline.CancelAfter(Timeout.InfiniteTimeSpan);
            return null;
        }
        catch (OperationCanceledException)
        {
            Break(TimedOut(limit));
        }
        catch (Exception e) when (e is AuthenticationException or IOException or SocketException)
        {
            Break($"the TLS handshake failed: {(e.InnerException ?? e).Message}");
        }
        return Fault;
    }

    /// <summary>A command or a part of one; flushed by <see cref="FlushAsync"/>, or before when the buffer is full.</summary>
    public async ValueTask AppendAsync(string text, TimeSpan limit)
    {
        if (_output.Length - _outputEnd < text.Length * 3)      // no UTF-16 unit takes more octets of UTF-8
            await FlushAsync(limit);
        Utf8.FromUtf16(text, _output.AsSpan(_outputEnd), out _, out var written);
        _outputEnd += written;
    }

    /// <summary>A failed write is no fault of its own: the peer may have left its reason to be read (RFC 5321 §3.8).</summary>
    /// <returns>False when the peer no longer takes anything.</returns>
    public async ValueTask<bool> FlushAsync(TimeSpan limit)
    {
        var octets = _output.AsMemory(0, _outputEnd);
        _outputEnd = 0;
        if (Fault is not null)
            return false;
        try
        {
            _deadline.CancelAfter(limit);
            await _stream.WriteAsync(octets, _deadline.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            Break(TimedOut(limit));
            return false;
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            return false;
        }
        finally
        {
            _deadline.CancelAfter(Timeout.InfiniteTimeSpan);
        }
    }

    public async ValueTask<WireRead> ReadReplyAsync(TimeSpan limit)
    {
        if (Fault is not null)
            return new WireRead(null, Fault);
        try
        {
            for (var armed = false; ;)
            {
                var parse = _replies.Read(_input.AsSpan(_inputStart, _inputEnd - _inputStart), out var consumed, out var reply);
                _inputStart += consumed;
                if (parse == SmtpReplyParse.Complete)
                {
                    if (armed)
                        _deadline.CancelAfter(Timeout.InfiniteTimeSpan);
                    if (reply!.IsClosing)
                        Break($"closed with {reply}");
                    return new WireRead(reply, null);
                }
                if (parse == SmtpReplyParse.Malformed)
                    return Broken(_replies.Fault!);

                if (!armed)
                    _deadline.CancelAfter(limit);       // once a reply: octets that dribble in do not extend it
                (armed, _inputStart, _inputEnd) = (true, 0, 0);
                _inputEnd = await _stream.ReadAsync(_input, _deadline.Token);
                if (_inputEnd == 0)
                    return Broken("the connection was closed");
            }
        }
        catch (OperationCanceledException)
        {
            return Broken(TimedOut(limit));
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            return Broken($"the connection was lost: {e.GetBaseException().Message}");
        }
    }

    public void BeginContent() => _stuffer = default;

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        while (!content.IsEmpty && !ContentWasRefused)
        {
            var status = _stuffer.Stuff(content.Span, _output.AsSpan(_outputEnd), out var consumed, out var written);
            content = content[consumed..];
            _outputEnd += written;
            if (status == OperationStatus.DestinationTooSmall)
                ContentWasRefused = !await FlushAsync(_timeouts.DataBlock);
        }
    }

    /// <summary>The peer stopped taking the message before its final dot was written.</summary>
    public bool ContentWasRefused { get; private set; }

    public async ValueTask FinishContentAsync()
    {
        if (!ContentWasRefused && _output.Length - _outputEnd < DotStuffer.MaxFinishOctets)
            ContentWasRefused = !await FlushAsync(_timeouts.DataBlock);
        if (ContentWasRefused)
            return;
        _outputEnd += _stuffer.Finish(_output.AsSpan(_outputEnd));
        ContentWasRefused = !await FlushAsync(_timeouts.DataBlock);
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        Break("the session is disposed");
        await _stream.DisposeAsync();
        _deadline.Dispose();
        ArrayPool<byte>.Shared.Return(_input);
        ArrayPool<byte>.Shared.Return(_output);
    }

    WireRead Broken(string fault)
    {
        Break(fault);
        return new WireRead(null, fault);
    }

    string TimedOut(TimeSpan limit)
    {
        if (_cancel.IsCancellationRequested)
        {
            Break("cancelled");
            _cancel.ThrowIfCancellationRequested();
        }
        return $"no answer within {limit}";
    }
}
