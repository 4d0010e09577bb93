using System.Buffers.Text;
using System.Diagnostics;
using System.Net;
using Postrider.Bench.Machine;

namespace Postrider.Bench.Sinks;

/// <summary>
/// Debian's smtp-sink, which receives everybody's mail and throws it away. Its running counter (<c>-c</c>) says how much has arrived,
/// so no product is asked about itself.
/// </summary>
sealed class Sink : IAsyncDisposable
{
    const string Counter = "mesg=";
    static readonly TimeSpan ReadInterval = TimeSpan.FromMilliseconds(1);   // the resolution of "the last one has arrived"
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);           // without a single new message

    readonly ChildProcess _process;
    readonly byte[] _text = new byte[65_536];
    int _kept;

    Sink(ChildProcess process, IPEndPoint address) => (_process, Address) = (process, address);

    public IPEndPoint Address { get; }

    /// <summary>Messages received since the sink was started, as far as its output has been read.</summary>
    public int Received { get; private set; }

    public TimeSpan Cpu => ProcessStats.Cpu([_process.Id]);

    public static async Task<Sink> StartAsync(CancellationToken cancel)
    {
        var address = Loopback.FreePort();
        string[] unprivileged = Environment.IsPrivilegedProcess ? ["-u", "nobody"] : [];    // it refuses to run as root
        var process = ChildProcess.Start(
            "/usr/sbin/smtp-sink", ["-c", .. unprivileged, "-h", "sink.test", address.ToString(), "2000"], log: null);
        var sink = new Sink(process, address);
        await Loopback.WaitUntilListeningAsync(address, process, cancel);
        return sink;
    }

    /// <summary>Reads the counter until it says <paramref name="count"/>.</summary>
    /// <returns>When that was seen, as a <see cref="Stopwatch"/> timestamp.</returns>
    public Task<long> WaitForAsync(int count, CancellationToken cancel) => WaitForAsync(count, TimeSpan.Zero, cancel);

    /// <param name="notBefore">How long nothing is expected yet.</param>
    public async Task<long> WaitForAsync(int count, TimeSpan notBefore, CancellationToken cancel)
    {
        while (Received < count)
        {
            var before = Received;
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            patience.CancelAfter(Patience + notBefore);
            try
            {
                while (Received == before) await ReadAsync(patience.Token);
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                throw new BenchFault($"the sink has {Received} of {count} messages and nothing came for {Patience.TotalSeconds} s");
            }

            // The sink writes its counters after every message; to read each of them would take CPU from the product.
            if (Received < count) await Task.Delay(ReadInterval, TimeProvider.System, cancel);
        }

        return Stopwatch.GetTimestamp();
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    /// <summary>The counters come as <c>sess=1 quit=0 mesg=12\r</c>, over and over.</summary>
    async Task ReadAsync(CancellationToken cancel)
    {
        // WaitAsync, because a read of a pipe that has begun cannot be called back everywhere.
        var read = await _process.Output.ReadAsync(_text.AsMemory(_kept), CancellationToken.None).AsTask().WaitAsync(cancel);
        if (read == 0)
        {
            _process.ThrowIfEnded();
            throw new BenchFault("smtp-sink closed its output");
        }

        var text = _text.AsSpan(0, _kept + read);
        var whole = text.LastIndexOf((byte)'\r');
        if (whole >= 0 && text[..whole].LastIndexOf("mesg="u8) is >= 0 and var at
            && Utf8Parser.TryParse(text[(at + Counter.Length)..whole], out int count, out _))
            Received = count;
        var rest = text[(whole + 1)..];
        rest.CopyTo(_text);
        _kept = rest.Length;
    }
}
