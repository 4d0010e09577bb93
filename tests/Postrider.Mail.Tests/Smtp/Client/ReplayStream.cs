using System.Net;
using System.Text;
using Postrider.Mail.Smtp.Client;

namespace Postrider.Mail.Tests.Smtp.Client;

/// <summary>What the peer does when it has read one line (or, for ".", a message up to its final dot).</summary>
/// <param name="Line">How the line must start; "" is said before the client speaks, "*" is met by whatever is written.</param>
sealed record Exchange(string Line, string Reply, Then Then = Then.GoOn);

/// <summary>Jam: the peer reads no more, so that writes wait, too.</summary>
public enum Then { GoOn, Close, Stall, Reset, Jam }

/// <summary>A scripted peer as a stream: no thread, no socket, nothing that happens by itself.</summary>
sealed class ReplayStream : Stream, IConnector
{
    readonly Queue<Exchange> _script;
    readonly MemoryStream _unread = new();
    readonly StringBuilder _replies = new();
    readonly TaskCompletionSource<int> _never = new();
    bool _inContent;
    Then _end = Then.GoOn;

    public ReplayStream(params IEnumerable<Exchange> script)
    {
        _script = new Queue<Exchange>(script);
        Answer(matches: line => line == "");
    }

    /// <summary>At most so many octets a read.</summary>
    public int Piece { get; init; } = int.MaxValue;

    /// <summary>All that the client wrote, Latin-1.</summary>
    public string Written { get; private set; } = "";

    public int Writes { get; private set; }

    /// <summary>Set once the client has nothing more to expect: it is at a stall.</summary>
    public bool IsStalled { get; private set; }

    public bool IsDisposed { get; private set; }

    public bool IsFinished => _script.Count == 0;

    public ValueTask<Stream> OpenAsync(IPEndPoint endPoint, CancellationToken cancel) => ValueTask.FromResult<Stream>(this);

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_end == Then.Jam)
        {
            IsStalled = true;
            await _never.Task.WaitAsync(cancellationToken);
        }
        if (_end is Then.Close or Then.Reset)
            throw new IOException("broken pipe");
        Writes++;
        Written += Encoding.Latin1.GetString(buffer.Span);
        _unread.Write(buffer.Span);
        TakeInput();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_replies.Length == 0 && _end == Then.Close)
            return 0;
        if (_replies.Length == 0 && _end == Then.Reset)
            throw new IOException("connection reset by peer");
        if (_replies.Length == 0)
        {
            IsStalled = true;
            return await _never.Task.WaitAsync(cancellationToken);
        }

        var octets = Math.Min(Math.Min(buffer.Length, Piece), _replies.Length);
        var read = Encoding.Latin1.GetBytes(_replies.ToString(0, octets), buffer.Span);
        _replies.Remove(0, octets);
        return read;
    }

    void TakeInput()
    {
        while (_end == Then.GoOn && _unread.Length > 0)
        {
            var input = Encoding.Latin1.GetString(_unread.ToArray());
            if (_script.TryPeek(out var next) && next.Line == "*")
            {
                _unread.SetLength(0);
                Answer(_ => true);
                return;
            }
            var terminator = _inContent ? "\r\n.\r\n" : "\r\n";
            var at = _inContent && input.StartsWith(".\r\n", StringComparison.Ordinal)
                ? -2 : input.IndexOf(terminator, StringComparison.Ordinal);
            if (at == -1)
                return;

            var end = at + terminator.Length;
            _unread.SetLength(0);
            _unread.Write(Encoding.Latin1.GetBytes(input[end..]));
            var line = _inContent ? "." : input[..(end - 2)];
            Answer(expected => expected != "" && line.StartsWith(expected, StringComparison.Ordinal),
                $"the script of {_script.Count} more has no \"{line}\" here");
        }
    }

    void Answer(Func<string, bool> matches, string? missing = null)
    {
        if (!_script.TryPeek(out var exchange) || !matches(exchange.Line))
        {
            Assert.Null(missing);
            return;
        }
        _script.Dequeue();
        _inContent = exchange.Reply.StartsWith("354", StringComparison.Ordinal);
        _replies.Append(exchange.Reply);
        _end = exchange.Then;
    }

    protected override void Dispose(bool disposing)
    {
        IsDisposed = true;
        base.Dispose(disposing);
    }

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override void Flush() { }
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
