using System.Globalization;
using System.Net;

namespace Postrider.Mail.Dns;

/// <summary>
/// resolv.conf(5): <c>nameserver</c>, and of <c>options</c> <c>timeout:</c> and <c>attempts:</c>. Mail names are absolute: no search, no
/// ndots.
/// </summary>
public static class ResolvConf
{
    public const string Path = "/etc/resolv.conf";

    public const int Port = 53;

    const int MaxServers = 3, MaxTimeoutSeconds = 30, MaxAttempts = 5;    // resolv.conf(5): MAXNS, and its silent caps

    /// <summary>What cannot be read is passed over, as the C library does; without a nameserver it is the local machine's.</summary>
    public static DnsResolverOptions Parse(string text)
    {
        var servers = new List<IPEndPoint>();
        var options = new DnsResolverOptions { Servers = servers };
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            var rest = line;
            var keyword = NextWord(ref rest);
            if (keyword is "nameserver" && servers.Count < MaxServers && IPAddress.TryParse(NextWord(ref rest), out var address))
                servers.Add(new IPEndPoint(address, Port));
            else if (keyword is "options")
                options = ReadOptions(rest, options);
        }

        if (servers.Count == 0)
            servers.Add(new IPEndPoint(IPAddress.Loopback, Port));
        return options;
    }

    /// <summary>
    /// Reads <c>host:port</c> items separated by commas; hosts are addresses, IPv6 in brackets; port 53 where none is given.
    /// </summary>
    public static bool TryParseServers(string text, out IReadOnlyList<IPEndPoint> servers)
    {
        var read = new List<IPEndPoint>();
        servers = read;
        foreach (var item in text.Split(',', StringSplitOptions.TrimEntries))
        {
            if (!IPEndPoint.TryParse(item, out var server))
                return false;
            read.Add(server.Port == 0 ? new IPEndPoint(server.Address, Port) : server);
        }
        return true;
    }

    static DnsResolverOptions ReadOptions(ReadOnlySpan<char> rest, DnsResolverOptions options)
    {
        for (var word = NextWord(ref rest); !word.IsEmpty; word = NextWord(ref rest))
        {
            if (TryNumber(word, "timeout:", out var seconds))
                options = options with { Timeout = TimeSpan.FromSeconds(Math.Clamp(seconds, 1, MaxTimeoutSeconds)) };
            else if (TryNumber(word, "attempts:", out var attempts))
                options = options with { Attempts = Math.Clamp(attempts, 1, MaxAttempts) };
        }
        return options;
    }

    static bool TryNumber(ReadOnlySpan<char> word, string name, out int value)
    {
        value = 0;
        return word.StartsWith(name, StringComparison.Ordinal)
            && int.TryParse(word[name.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    /// <summary>A <c>#</c> or <c>;</c> that begins a word begins a comment.</summary>
    static ReadOnlySpan<char> NextWord(ref ReadOnlySpan<char> rest)
    {
        rest = rest.TrimStart();
        var end = rest.IndexOfAny(' ', '\t');
        var word = end < 0 ? rest : rest[..end];
        if (word is ['#' or ';', ..])
            word = [];
        rest = word.IsEmpty ? [] : rest[word.Length..];
        return word;
    }
}
