using System.Diagnostics;
using System.Net;
using Postrider.Bench.Machine;

namespace Postrider.Bench.Products;

/// <summary>One <c>postrider serve</c>, at an HTTP port of its own.</summary>
/// <param name="log">The file that gets its output.</param>
sealed class PostriderNode(IReadOnlyDictionary<string, string> environment, string log) : IAsyncDisposable
{
    readonly Dictionary<string, string> _environment = new(environment);
    ChildProcess? _process;

    public IPEndPoint Http { get; } = Loopback.FreePort();

    public int ProcessId => Process.Id;

    ChildProcess Process => _process ?? throw new InvalidOperationException("The node is not running.");

    public void Start()
    {
        _environment["POSTRIDER_Http__Listen"] = $"http://{Http}";
        _process = ChildProcess.Start(PostriderProgram.Path, ["serve"], log, _environment);
    }

    public async Task WaitUntilReadyAsync(HttpClient client, CancellationToken cancel)
    {
        await WaitUntilListeningAsync(cancel);
        while (true)
        {
            using var answer = await client.GetAsync(new Uri($"http://{Http}/ready"), cancel);
            if (answer.IsSuccessStatusCode) return;
            Process.ThrowIfEnded();
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancel);
        }
    }

    public Task WaitUntilListeningAsync(CancellationToken cancel) => Loopback.WaitUntilListeningAsync(Http, Process, cancel);

    /// <summary>SIGKILL and a new start, without waiting for it to be ready.</summary>
    /// <returns>When the new process was started, as a <see cref="Stopwatch"/> timestamp.</returns>
    public async Task<long> KillAndStartAsync()
    {
        await Process.KillAsync();
        await Process.DisposeAsync();
        var startedAt = Stopwatch.GetTimestamp();
        Start();
        return startedAt;
    }

    public ValueTask DisposeAsync() => _process?.DisposeAsync() ?? ValueTask.CompletedTask;
}
