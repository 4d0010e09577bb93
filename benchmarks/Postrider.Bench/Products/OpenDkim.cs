using Postrider.Bench.Load;
using Postrider.Bench.Machine;

namespace Postrider.Bench.Products;

/// <summary>OpenDKIM as Postfix's signing milter: RSA-2048, relaxed/relaxed, as postrider signs.</summary>
static class OpenDkim
{
    const string Selector = "bench";

    public static async Task<(ChildProcess Process, string Milter)> StartAsync(TemporaryFolder folder, CancellationToken cancel)
    {
        var keys = folder.Folder("dkim");
        await ChildProcess.RunAsync(
            "/usr/sbin/opendkim-genkey", ["-b", "2048", "-d", BenchMessage.SenderDomain, "-s", Selector, "-D", keys], cancel);
        await ChildProcess.RunAsync("/bin/chown", ["-R", "opendkim:opendkim", keys], cancel);

        // A Unix socket, as Debian configures it: milters over TCP suffer 40 ms here from delayed acknowledgements.
        var socket = folder["dkim/milter"];
        // No syslog lines: they would cost OpenDKIM what nobody else pays. RequireSafeKeys refuses whatever is below /tmp.
        await File.WriteAllTextAsync(folder["opendkim.conf"], $"""
            Background              no
            Syslog                  no
            Mode                    s
            Domain                  {BenchMessage.SenderDomain}
            Selector                {Selector}
            KeyFile                 {keys}/{Selector}.private
            Canonicalization        relaxed/relaxed
            SignatureAlgorithm      rsa-sha256
            OversignHeaders         From
            RequireSafeKeys         no
            Socket                  local:{socket}
            UMask                   000
            UserID                  opendkim

            """, cancel);
        var process = ChildProcess.Start("/usr/sbin/opendkim", ["-f", "-x", folder["opendkim.conf"]], folder["opendkim.log"]);
        while (!File.Exists(socket))
        {
            process.ThrowIfEnded();
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancel);
        }

        return (process, "unix:" + socket);
    }
}
