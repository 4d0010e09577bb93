using System.Net;
using Postrider.Bench.Load;
using Postrider.Bench.Machine;

namespace Postrider.Bench.Products;

/// <summary>
/// A private Postfix with its own configuration and queue, durable as it comes, alone or with OpenDKIM as its milter. The system's own
/// Postfix in /etc/postfix is neither read nor touched.
/// </summary>
sealed class PostfixUnderTest : IProductUnderTest
{
    const string DaemonFolder = "/usr/lib/postfix/sbin";
    static readonly string[] LiveQueues = ["maildrop", "incoming", "active", "deferred"];

    readonly TemporaryFolder _folder;
    readonly ChildProcess _master;
    readonly ChildProcess? _openDkim;
    readonly IPEndPoint _submission;

    PostfixUnderTest(TemporaryFolder folder, ChildProcess master, ChildProcess? openDkim, IPEndPoint submission) =>
        (_folder, _master, _openDkim, _submission) = (folder, master, openDkim, submission);

    public IReadOnlyCollection<int> Processes => _openDkim is null ? [_master.Id] : [_master.Id, _openDkim.Id];

    public static async Task<PostfixUnderTest> StartAsync(Destinations to, bool signed, CancellationToken cancel)
    {
        if (!Environment.IsPrivilegedProcess) throw new BenchFault("Postfix's master must be started by root");
        var folder = new TemporaryFolder();
        ChildProcess? openDkim = null, master = null;
        try
        {
            string? milter = null;
            if (signed) (openDkim, milter) = await OpenDkim.StartAsync(folder, cancel);

            var submission = Loopback.FreePort();
            await PostfixFolder.CreateAsync(folder, to, submission, milter, cancel);
            // master itself, in the foreground: the postfix command insists on being named in /etc/postfix and detaches.
            master = ChildProcess.Start($"{DaemonFolder}/master", ["-c", folder["config"], "-d"], folder["master.log"]);
            await Loopback.WaitUntilListeningAsync(submission, master, cancel);
            return new(folder, master, openDkim, submission);
        }
        catch
        {
            await StopAsync(folder, master, openDkim);
            throw;
        }
    }

    public Task<ISubmitter> ConnectAsync(string recipientDomain, CancellationToken cancel) =>
        SmtpLoad.ConnectAsync(_submission, recipientDomain, cancel);

    /// <remarks>Postfix removes a message's file when its last delivery is recorded.</remarks>
    public async Task WaitUntilSettledAsync(CancellationToken cancel)
    {
        while (LiveQueues.Any(HoldsMessages)) await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, cancel);
    }

    public async ValueTask DisposeAsync() => await StopAsync(_folder, _master, _openDkim);

    bool HoldsMessages(string queue) =>
        Directory.EnumerateFiles(_folder[$"queue/{queue}"], "*", SearchOption.AllDirectories).Any();

    static async Task StopAsync(TemporaryFolder folder, ChildProcess? master, ChildProcess? openDkim)
    {
        if (master is not null) await master.DisposeAsync();
        if (openDkim is not null) await openDkim.DisposeAsync();
        await PostfixFolder.WaitUntilUnusedAsync(folder);
        folder.Dispose();
    }
}
