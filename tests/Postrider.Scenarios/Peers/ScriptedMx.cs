using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Postrider.Scenarios.Peers;

/// <summary>An MX host that follows a script, and else takes all mail; it knows what it took.</summary>
sealed class ScriptedMx : IAsyncDisposable
{
    readonly TcpListener _listener;
    readonly CancellationTokenSource _stop = new();
    readonly ConcurrentDictionary<Task, Socket> _sessions = new();
    readonly ConcurrentQueue<MxMail> _mail = new();
    readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly Task _accepting;
    int _connections;

    ScriptedMx(MxScript script, IPEndPoint endPoint, X509Certificate2? certificate)
    {
        (Script, Certificate) = (script, certificate);
        _listener = new TcpListener(endPoint);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public MxScript Script { get; }

    public X509Certificate2? Certificate { get; }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The setting that sends all mail here.</summary>
    public string Route => $"Smtp:Routes=*=127.0.0.1:{Port}";

    public int Connections => Volatile.Read(ref _connections);

    /// <summary>False to forget what mail said, where there is much of it.</summary>
    public bool KeepsContent { get; init; } = true;

    /// <summary>Every message that came to its final dot, whatever was answered then.</summary>
    public IReadOnlyCollection<MxMail> Mail => _mail;

    public IEnumerable<MxMail> Taken => _mail.Where(mail => mail.Taken);

    public static ScriptedMx Start(MxScript? script = null, X509Certificate2? certificate = null) =>
        new(script ?? new MxScript(), new IPEndPoint(IPAddress.Loopback, 0), certificate);

    public static ScriptedMx StartForMuch(MxScript? script = null) =>
        new(script ?? new MxScript(), new IPEndPoint(IPAddress.Loopback, 0), null) { KeepsContent = false };

    /// <summary>At an address of its own in 127.0.0.0/8, where DNS is to find it.</summary>
    public static ScriptedMx StartAt(IPEndPoint endPoint, MxScript? script = null) => new(script ?? new MxScript(), endPoint, null);

    /// <summary>Lets go of sessions that wait or stall unread, now and later.</summary>
    public void Release() => _released.TrySetResult();

    public Task UntilReleasedAsync(CancellationToken cancel) => _released.Task.WaitAsync(cancel);

    public void Note(MxMail mail) => _mail.Enqueue(mail);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        foreach (var (session, socket) in _sessions)
        {
            socket.Dispose();
            await session;
        }
        Certificate?.Dispose();
        _stop.Dispose();
    }

    async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync(_stop.Token);
                socket.NoDelay = true;      // replies to pipelined commands must not wait for the peer's acknowledgement of the first
                Interlocked.Increment(ref _connections);
                var session = ServeAsync(socket);
                _sessions[session] = socket;
                _ = session.ContinueWith(ended => _sessions.TryRemove(ended, out _), TaskScheduler.Default);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // disposed
        }
    }

    async Task ServeAsync(Socket socket)
    {
        await using var session = new MxSession(this, new NetworkStream(socket, ownsSocket: true));
        try
        {
            await session.RunAsync(_stop.Token);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or OperationCanceledException
            or System.Security.Authentication.AuthenticationException)
        {
            // the peer is gone, or the test is over
        }
    }
}

/// <param name="Content">As sent, with its dots unstuffed.</param>
/// <param name="Taken">Answered with 250.</param>
/// <param name="Tls">Came over TLS.</param>
sealed record MxMail(string From, IReadOnlyList<string> To, string Content, bool Taken, bool Tls)
{
    public string MessageId => Header("Message-ID");

    public string Subject => Header("Subject");

    string Header(string name)
    {
        var header = Content[..Content.IndexOf("\r\n\r\n", StringComparison.Ordinal)];
        var line = header.Split("\r\n").First(line => line.StartsWith($"{name}:", StringComparison.OrdinalIgnoreCase));
        return line[(name.Length + 1)..].Trim();
    }
}
