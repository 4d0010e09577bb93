using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Postrider.Mail.Smtp.Client;

namespace Postrider.Engine.Tests.Rig;

/// <summary>What one transaction has come to, when the peer is to answer.</summary>
/// <param name="Domain">Of the recipient's MX.</param>
sealed record Incoming(string Domain, string From, string To, string Content);

/// <summary>All MX hosts of the world, in memory: each connection is a pair of pipes and a task that speaks SMTP.</summary>
sealed class Peer(Zone zone, Watch watch) : IConnector
{
    readonly ConcurrentDictionary<string, int> _open = new();
    readonly ConcurrentDictionary<string, int> _mostOpen = new();
    readonly ConcurrentDictionary<string, int> _connects = new();

    /// <summary>Null refuses the connection.</summary>
    public Func<string, string?> OnConnect { get; set; } = _ => "220 ready";

    public Func<string, string> OnMail { get; set; } = _ => "250 2.1.0 ok";

    /// <summary>By the recipient's address.</summary>
    public Func<string, string> OnRcpt { get; set; } = _ => "250 2.1.5 ok";

    /// <summary>Waited for before the reply to DATA; by the recipient's address.</summary>
    public Func<string, Task> BeforeData { get; set; } = _ => Task.CompletedTask;

    /// <summary>The reply to the final dot; null for silence, "" to close without one.</summary>
    public Func<Incoming, Task<string?>> OnDot { get; set; } = _ => Task.FromResult<string?>("250 2.0.0 queued");

    /// <summary>Messages answered with 250, in order.</summary>
    public ConcurrentQueue<Incoming> Taken { get; } = new();

    /// <summary>Messages that arrived whole, whatever was answered.</summary>
    public ConcurrentQueue<Incoming> Seen { get; } = new();

    /// <summary>MAIL commands, by anybody.</summary>
    public int Mails => _mails;

    int _mails;

    public int ConnectsTo(string domain) => _connects.GetValueOrDefault(domain);

    public int MostOpenTo(string domain) => _mostOpen.GetValueOrDefault(domain);

    public ValueTask<Stream> OpenAsync(IPEndPoint endPoint, CancellationToken cancel)
    {
        var domain = zone.DomainAt(endPoint.Address);
        _connects.AddOrUpdate(domain, 1, (_, count) => count + 1);
        var greeting = OnConnect(domain);
        watch.Changed();
        if (greeting is null)
            return ValueTask.FromException<Stream>(new SocketException((int)SocketError.ConnectionRefused));

        var (toPeer, fromPeer) = (new Pipe(), new Pipe());
        var open = _open.AddOrUpdate(domain, 1, (_, count) => count + 1);
        _mostOpen.AddOrUpdate(domain, open, (_, most) => Math.Max(most, open));
        _ = Task.Run(() => ServeAsync(domain, greeting, toPeer.Reader, fromPeer.Writer), CancellationToken.None);
        return ValueTask.FromResult<Stream>(new Duplex(fromPeer.Reader.AsStream(), toPeer.Writer.AsStream()));
    }

    async Task ServeAsync(string domain, string greeting, PipeReader input, PipeWriter output)
    {
        try
        {
            using var reader = new StreamReader(input.AsStream(), Encoding.Latin1);
            await SayAsync(output, greeting);
            var (from, to, isSilent) = ("", "", false);
            while (await reader.ReadLineAsync() is { } line)
            {
                if (line == "DATA")
                    await BeforeData(to);
                var reply = line.Split(' ')[0].ToUpperInvariant() switch
                {
                    "EHLO" => "250-mx\r\n250-8BITMIME\r\n250 PIPELINING",
                    "MAIL" => Mail(line, out from),
                    "RCPT" => Rcpt(line, ref to),
                    "DATA" when to.Length > 0 => "354 go on",
                    "DATA" => "503 5.5.1 no recipient",
                    "QUIT" => "221 bye",
                    _ => "250 ok",
                };
                await SayAsync(output, reply);
                if (reply.StartsWith("421", StringComparison.Ordinal) || reply.StartsWith("221", StringComparison.Ordinal))
                    break;
                if (!reply.StartsWith("354", StringComparison.Ordinal))
                    continue;

                if (await ReadContentAsync(reader) is not { } content)
                    break;
                var incoming = new Incoming(domain, from, to, content);
                to = "";
                Seen.Enqueue(incoming);
                watch.Changed();
                var answer = await OnDot(incoming);
                if (answer == "")
                    break;
                if (answer is null)
                {
                    isSilent = true;
                    break;
                }
                if (answer.StartsWith('2'))
                    Taken.Enqueue(incoming);
                await SayAsync(output, answer);
                watch.Changed();
                if (answer.StartsWith("421", StringComparison.Ordinal))
                    break;
            }
            if (isSilent)
                _ = await reader.ReadLineAsync();      // until the client gives up
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            // The client has gone.
        }
        _open.AddOrUpdate(domain, 0, (_, count) => count - 1);
        await output.CompleteAsync();
        await input.CompleteAsync();
        watch.Changed();
    }

    string Mail(string line, out string from)
    {
        Interlocked.Increment(ref _mails);
        from = Path(line);
        return OnMail(from);
    }

    string Rcpt(string line, ref string to)
    {
        var reply = OnRcpt(Path(line));
        if (reply.StartsWith('2'))
            to = Path(line);
        return reply;
    }

    static string Path(string line) => line[(line.IndexOf('<', StringComparison.Ordinal) + 1)..line.IndexOf('>', StringComparison.Ordinal)];

    /// <returns>Null when the client left before its final dot.</returns>
    static async Task<string?> ReadContentAsync(StreamReader reader)
    {
        var content = new StringBuilder();
        while (await reader.ReadLineAsync() is { } line)
        {
            if (line == ".")
                return content.ToString();
            content.Append(line.StartsWith('.') ? line[1..] : line).Append("\r\n");
        }
        return null;
    }

    static async Task SayAsync(PipeWriter output, string reply) => await output.WriteAsync(Encoding.Latin1.GetBytes(reply + "\r\n"));

    sealed class Duplex(Stream input, Stream output) : Stream
    {
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            input.ReadAsync(buffer, cancellationToken);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await output.WriteAsync(buffer, cancellationToken);
            await output.FlushAsync(cancellationToken);
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => output.FlushAsync(cancellationToken);

        public override void Flush() => throw new NotSupportedException();
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                output.Dispose();
                input.Dispose();
            }
            base.Dispose(disposing);
        }
    }
}
