using System.IO.Pipelines;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Postrider.Mail.Smtp.Server;
using Postrider.Testing;

namespace Postrider.Mail.Tests.Smtp.Server;

/// <summary>A server session on pipes in memory. It runs on the writer's thread: a write that returned was dealt with.</summary>
sealed class Conversation : IDuplexPipe
{
    static readonly PipeOptions Inline = new(
        readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline,
        pauseWriterThreshold: 0, useSynchronizationContext: false);

    readonly Pipe _toServer = new(Inline), _toClient = new(Inline);
    readonly CancellationTokenSource _shutdown = new();
    readonly StringBuilder _replies = new();

    public Conversation(CapturingReceiver receiver, SmtpServerOptions? options = null, ManualTime? time = null)
    {
        var session = new SmtpServerSession(
            this, null, options ?? new() { HostName = "mx.example" }, receiver, time ?? new ManualTime(), NullLogger.Instance);
        Ended = session.RunAsync(CancellationToken.None, _shutdown.Token);
    }

    public PipeReader Input => _toServer.Reader;

    public PipeWriter Output => _toClient.Writer;

    public Task Ended { get; }

    /// <summary>All that the server said so far, Latin-1.</summary>
    public string Replies
    {
        get
        {
            while (_toClient.Reader.TryRead(out var read) && !read.Buffer.IsEmpty)
            {
                _replies.Append(Encoding.Latin1.GetString(read.Buffer));
                _toClient.Reader.AdvanceTo(read.Buffer.End);
            }
            return _replies.ToString();
        }
    }

    /// <summary>The codes alone: <c>220 250 354</c>.</summary>
    public string Codes => string.Join(
        ' ', Replies.Split("\r\n").Where(line => line.Length > 3 && line[3] == ' ').Select(line => line[..3]));

    public async Task SayAsync(string text, int piece = int.MaxValue)
    {
        foreach (var chunk in Encoding.UTF8.GetBytes(text).Chunk(Math.Min(piece, 1 << 20)))
            await _toServer.Writer.WriteAsync(chunk);
    }

    /// <summary>Says all, closes, and waits for the session's end.</summary>
    public async Task SayAllAsync(string text, int piece = int.MaxValue)
    {
        await SayAsync(text, piece);
        await _toServer.Writer.CompleteAsync();
        await Ended;
    }

    public Task ShutDownAsync() => _shutdown.CancelAsync();
}
