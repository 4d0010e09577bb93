using System.Globalization;
using Postrider.Scenarios.Running;
using Postrider.Testing;

namespace Postrider.Scenarios.Reporting;

/// <summary>
/// Debian's Postfix as the MX of peer.test: it accepts mail, hands it to a host behind it, and reports what that refuses.
/// </summary>
sealed class RelayingPostfix : IAsyncDisposable
{
    // As Debian's package makes them, postfix-files(5).
    static readonly string[] OwnedByPostfix =
        ["active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace"];

    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("postrider-postfix-");
    readonly int _port = Ports.Free();
    ExternalProgram? _master;

    /// <summary>The setting that sends all mail here.</summary>
    public string Route => string.Create(CultureInfo.InvariantCulture, $"Smtp:Routes=*=127.0.0.1:{_port}");

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <param name="behind">Port of the host that mail for peer.test is handed to.</param>
    /// <param name="inbound">Port of the listener that mail for sender.test is handed to.</param>
    public static async Task<RelayingPostfix> StartAsync(int behind, int inbound)
    {
        Assert.True(Environment.IsPrivilegedProcess, "Postfix's master must be started by root");
        var postfix = new RelayingPostfix();
        try
        {
            await postfix.WriteAsync(behind, inbound);
            postfix._master = ExternalProgram.Start("/usr/lib/postfix/sbin/master", ["-c", postfix.Path("config"), "-d"]);
            await postfix._master.WaitForPortAsync(postfix._port, Cancel);
            return postfix;
        }
        catch
        {
            await postfix.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_master is not null)
            await _master.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    string Path(string name) => System.IO.Path.Combine(_folder.FullName, name);

    string Made(string name) => Directory.CreateDirectory(Path(name)).FullName;

    async Task WriteAsync(int behind, int inbound)
    {
        // Its processes leave root behind, and have to get to their folders.
        await RunAsync("/bin/chmod", "0755", _folder.FullName);
        Made("config");
        await File.WriteAllTextAsync(Path("config/main.cf"), MainCf(behind, inbound), Cancel);
        await File.WriteAllTextAsync(Path("config/master.cf"), MasterCf(), Cancel);
        Made("queue/pid");
        var data = Made("data");
        var owned = OwnedByPostfix.Select(name => Made($"queue/{name}")).ToArray();
        await RunAsync("/bin/chmod", ["0700", .. owned]);
        await RunAsync("/bin/chown", ["postfix", data, .. owned]);
        string[] forPostdrop = [Made("queue/maildrop"), Made("queue/public")];
        await RunAsync("/bin/chown", ["postfix:postdrop", .. forPostdrop]);
        await RunAsync("/bin/chmod", "1730", forPostdrop[0]);
        await RunAsync("/bin/chmod", "2710", forPostdrop[1]);
    }

    static async Task RunAsync(string program, params string[] arguments)
    {
        var (exitCode, output) = await ExternalProgram.RunAsync(program, arguments, Cancel);
        Assert.True(exitCode == 0, output);
    }

    string MainCf(int behind, int inbound) => $$"""
        compatibility_level = 3.6
        queue_directory = {{Path("queue")}}
        data_directory = {{Path("data")}}
        command_directory = /usr/sbin
        daemon_directory = /usr/lib/postfix/sbin
        mail_owner = postfix
        setgid_group = postdrop
        myhostname = mx.peer.test
        mydestination =
        local_recipient_maps =
        relay_domains = peer.test
        alias_maps =
        alias_database =
        biff = no
        inet_interfaces = 127.0.0.1
        inet_protocols = ipv4
        mynetworks = 127.0.0.0/8
        smtpd_peername_lookup = no
        smtpd_relay_restrictions = permit_mynetworks, reject
        smtp_dns_support_level = disabled
        transport_maps = inline:{ {peer.test=smtp:[127.0.0.1]:{{behind}}}, {sender.test=smtp:[127.0.0.1]:{{inbound}}} }

        """;

    string MasterCf() => $"""
        127.0.0.1:{_port} inet n - n - - smtpd
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
}
