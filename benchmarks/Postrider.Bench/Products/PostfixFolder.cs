using System.Net;
using Postrider.Bench.Load;
using Postrider.Bench.Machine;

namespace Postrider.Bench.Products;

/// <summary>The files of a private Postfix: configuration, queue and the owners that master(8) insists on.</summary>
static class PostfixFolder
{
    // As Debian's package makes them, postfix-files(5).
    static readonly string[] OwnedByPostfix =
        ["active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace"];

    public static async Task CreateAsync(
        TemporaryFolder folder, Destinations to, IPEndPoint submission, string? milter, CancellationToken cancel)
    {
        folder.Folder("config");
        await File.WriteAllTextAsync(folder["config/main.cf"], MainCf(folder, to, milter), cancel);
        await File.WriteAllTextAsync(folder["config/master.cf"], MasterCf(submission), cancel);

        folder.Folder("queue/pid");
        var data = folder.Folder("data");
        var owned = OwnedByPostfix.Select(name => folder.Folder($"queue/{name}")).ToArray();
        await ChildProcess.RunAsync("/bin/chmod", ["0700", .. owned], cancel);
        await ChildProcess.RunAsync("/bin/chown", ["postfix", data, .. owned], cancel);
        string[] forPostdrop = [folder.Folder("queue/maildrop"), folder.Folder("queue/public")];
        await ChildProcess.RunAsync("/bin/chown", ["postfix:postdrop", .. forPostdrop], cancel);
        await ChildProcess.RunAsync("/bin/chmod", ["1730", forPostdrop[0]], cancel);
        await ChildProcess.RunAsync("/bin/chmod", ["2710", forPostdrop[1]], cancel);
    }

    /// <summary>
    /// Defaults where they matter to speed or safety: fsync, concurrency (20 a destination), connection cache, process limit. Set is what a
    /// private instance needs, where mail goes, and what makes Postfix faster here: no look-up of the client's name; no in_flow_delay,
    /// which makes some clients wait a second whenever mail comes in faster than it leaves (end to end 410 became 660 msg/s, unsigned); and
    /// mail for the destination that is down is put on hold at once instead of being tried and deferred, which costs it a third of its
    /// pace.
    /// </summary>
    static string MainCf(TemporaryFolder folder, Destinations to, string? milter) => $$"""
        compatibility_level = 3.6
        queue_directory = {{folder["queue"]}}
        data_directory = {{folder["data"]}}
        command_directory = /usr/sbin
        daemon_directory = /usr/lib/postfix/sbin
        mail_owner = postfix
        setgid_group = postdrop
        myhostname = {{BenchMessage.SenderDomain}}
        mydestination =
        local_recipient_maps =
        alias_maps =
        alias_database =
        biff = no
        in_flow_delay = 0
        inet_interfaces = 127.0.0.1
        inet_protocols = ipv4
        mynetworks = 127.0.0.0/8
        smtpd_peername_lookup = no
        smtpd_relay_restrictions = permit_mynetworks, reject
        smtpd_recipient_restrictions = check_recipient_access inline:{ {{{Destinations.DownDomain}}=HOLD} }
        smtpd_tls_security_level = none
        smtp_tls_security_level = none
        smtp_dns_support_level = disabled
        relayhost = {{NextHop(to.Sink)}}
        transport_maps = inline:{ {{{Destinations.IdleDomain}}=smtp:{{NextHop(to.FirstByte)}}} }
        {{(milter is null ? "" : $"smtpd_milters = {milter}\nmilter_default_action = tempfail")}}

        """;

    /// <summary>Debian's services as far as this instance uses them, none in a chroot.</summary>
    static string MasterCf(IPEndPoint submission) => $"""
        {submission} inet n - n - - smtpd
        pickup    unix  n       -       n       60      1       pickup
        cleanup   unix  n       -       n       -       0       cleanup
        qmgr      unix  n       -       n       300     1       qmgr
        rewrite   unix  -       -       n       -       -       trivial-rewrite
        bounce    unix  -       -       n       -       0       bounce
        defer     unix  -       -       n       -       0       bounce
        trace     unix  -       -       n       -       0       bounce
        flush     unix  n       -       n       1000?   0       flush
        proxymap  unix  -       -       n       -       -       proxymap
        smtp      unix  -       -       n       -       -       smtp
        error     unix  -       -       n       -       -       error
        retry     unix  -       -       n       -       -       error
        anvil     unix  -       -       n       -       1       anvil
        scache    unix  -       -       n       -       1       scache

        """;

    /// <summary>
    /// After SIGTERM master ends at once and its children a moment later; they may still write into the queue while it is removed.
    /// </summary>
    public static async Task WaitUntilUnusedAsync(TemporaryFolder folder)
    {
        for (var tries = 0; tries < 200 && ProcessStats.AnyWorksIn(folder.Path); tries++)
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, CancellationToken.None);
    }

    /// <summary>A host and port without a look-up of its MX.</summary>
    static string NextHop(IPEndPoint server) => $"[{server.Address}]:{server.Port}";
}
