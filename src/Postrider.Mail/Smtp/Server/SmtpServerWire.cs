using System.Buffers;
using System.IO.Pipelines;
using System.Net.Security;
using System.Text.Unicode;

namespace Postrider.Mail.Smtp.Server;

/// <summary>The octets of one connection to the server: lines and messages in, replies out, in clear or over TLS.</summary>
sealed class SmtpServerWire(IDuplexPipe transport, SmtpServerOptions options) : IAsyncDisposable
{
    /// <summary>A peer that sends so much without an end of line speaks something else.</summary>
    const int MaxLineOctets = 64 * 1024;

    const int MaxReplyLineOctets = 512;     // RFC 5321 §4.5.3.1.5

    readonly LineFramer _framer = new(options.MaxCommandOctets);
    PipeReader _input = transport.Input;
    PipeWriter _output = transport.Output;
    SslStream? _tls;
    volatile bool _awaitsCommand;

    /// <summary>"TLSv1.3"; null in clear.</summary>
    public string? Tls => _tls is null ? null : TlsNames.Of(_tls.SslProtocol);

    /// <summary>The next command. What it answers to is flushed first, when nothing more has come in: so pipelined commands are
    /// answered in one write (RFC 2920 §3.2).</summary>
    /// <returns>Null when the peer has closed, or <paramref name="shutdown"/> found it idle.</returns>
    public async ValueTask<SmtpCommand?> ReadCommandAsync(CancellationToken shutdown, CancellationToken cancel)
    {
        _awaitsCommand = true;
        while (!shutdown.IsCancellationRequested)
        {
            var read = await ReadAsync(cancel);
            var command = TakeCommand(read.Buffer, out var consumed);
            _input.AdvanceTo(read.Buffer.GetPosition(consumed));
            _awaitsCommand = command is null;
            if (command is not null)
                return command;
            if (read.IsCompleted || _framer.PendingOctets > MaxLineOctets)
                return null;
        }
        return null;
    }

    /// <summary>Ends the wait for a command; what is in work is finished.</summary>
    public void Wake()
    {
        if (_awaitsCommand)
            _input.CancelPendingRead();
    }

    /// <summary>Reads a message to its end and hands it on, unless it is already refused.</summary>
    /// <returns>The refusal; null for a good message.</returns>
    /// <exception cref="EndOfStreamException">The peer closed before the end.</exception>
    public async ValueTask<SmtpReply?> ReadMessageAsync(IIncomingMessage message, Func<CancellationToken> limit, CancellationToken cancel)
    {
        var unstuffer = new DotUnstuffer();
        var (octets, ended, buffer) = (0L, false, ArrayPool<byte>.Shared.Rent(16 * 1024));
        try
        {
            while (!ended)
            {
                var read = await ReadAsync(limit());
                var consumed = 0L;
                foreach (var piece in read.Buffer)
                {
                    for (var left = piece; !left.IsEmpty && !ended;)
                    {
                        ended = unstuffer.Read(left.Span, buffer, out var taken, out var written);
                        (left, consumed, octets) = (left[taken..], consumed + taken, octets + written);
                        if (written > 0 && octets <= options.MaxMessageOctets && !unstuffer.HasBareLineEnd)
                            await message.WriteAsync(buffer.AsMemory(0, written), cancel);
                    }
                    if (ended)
                        break;
                }
                _input.AdvanceTo(read.Buffer.GetPosition(consumed));
                if (!ended && read.IsCompleted)
                    throw new EndOfStreamException();
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        return unstuffer.HasBareLineEnd ? SmtpReplies.BareLineEndInMessage
            : octets > options.MaxMessageOctets ? SmtpReplies.MessageTooBig
            : null;
    }

    /// <summary>Sent at the next flush. What would break a line is replaced; lines that are too long are cut.</summary>
    public void Write(SmtpReply reply)
    {
        for (var i = 0; i < reply.Lines.Count; i++)
            WriteLine(reply.Code, last: i == reply.Lines.Count - 1, reply.Lines[i]);
    }

    public async ValueTask FlushAsync(CancellationToken cancel) => await _output.FlushAsync(cancel);

    /// <summary>Whether something came behind the last command without waiting for its reply.</summary>
    public bool HasBufferedInput()
    {
        if (!_input.TryRead(out var read))
            return false;
        _input.AdvanceTo(read.Buffer.Start);
        return !read.Buffer.IsEmpty;
    }

    /// <summary>Goes on inside TLS.</summary>
    public async ValueTask StartTlsAsync(CancellationToken cancel)
    {
        _tls = new SslStream(new DuplexStream(_input.AsStream(), _output.AsStream()), leaveInnerStreamOpen: true);
        await _tls.AuthenticateAsServerAsync(
            new SslServerAuthenticationOptions { ServerCertificate = options.Certificate, EnabledSslProtocols = TlsNames.Accepted },
            cancel);
        _input = PipeReader.Create(_tls, new StreamPipeReaderOptions(leaveOpen: true));
        _output = PipeWriter.Create(_tls, new StreamPipeWriterOptions(leaveOpen: true));
    }

    public async ValueTask DisposeAsync()
    {
        if (_tls is null)
            return;
        await _input.CompleteAsync();
        await _output.CompleteAsync();
        await _tls.DisposeAsync();
    }

    async ValueTask<ReadResult> ReadAsync(CancellationToken cancel)
    {
        try
        {
            if (_input.TryRead(out var ready))
                return ready;
            await _output.FlushAsync(cancel);
            return await _input.ReadAsync(cancel);
        }
        catch (IOException e)
        {
            throw new EndOfStreamException("The connection was lost.", e);     // told apart from a receiver's own IOException
        }
    }

    SmtpCommand? TakeCommand(in ReadOnlySequence<byte> buffer, out long consumed)
    {
        consumed = 0;
        foreach (var piece in buffer)
        {
            var ended = _framer.TryRead(piece.Span, out var taken, out var line);
            consumed += taken;
            if (ended)
                return _framer.LineOctets + 2 > options.MaxCommandOctets
                    ? new SmtpCommand.Bad(SmtpReplies.LineTooLong) : SmtpCommandParser.Read(line);
        }
        return null;
    }

    void WriteLine(int code, bool last, string text)
    {
        var line = _output.GetSpan(MaxReplyLineOctets);
        Utf8.TryWrite(line, $"{code}{(last ? ' ' : '-')}", out var start);
        Utf8.FromUtf16(text, line[start..(MaxReplyLineOctets - 2)], out _, out var octets);
        foreach (ref var octet in line.Slice(start, octets))
        {
            if (octet is < 32 or 127)
                octet = (byte)'?';
        }
        "\r\n"u8.CopyTo(line[(start + octets)..]);
        _output.Advance(start + octets + 2);
    }
}
