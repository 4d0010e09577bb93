using System.Net;
using System.Net.Sockets;

namespace Postrider.Mail.Dns;

/// <summary>A range of addresses that are not hosts on the public Internet.</summary>
/// <param name="Source">Who says so, e.g. <c>RFC 1918</c>.</param>
public sealed record AddressRange(IPNetwork Network, string Name, string Source);

/// <summary>Whether we may connect to an address that strangers chose through DNS: not into our own network (SSRF).</summary>
/// <param name="allowPrivate">Anything goes: for tests, the demo, and networks with mail hosts of their own.</param>
/// <remarks>Ask it about the very address that is connected to: a name may resolve differently the next time.</remarks>
public sealed class AddressPolicy(bool allowPrivate)
{
    public static AddressPolicy PublicOnly { get; } = new(allowPrivate: false);

    public static AddressPolicy Any { get; } = new(allowPrivate: true);

    /// <returns>The range that speaks against the address, or null when it may be connected to.</returns>
    public AddressRange? Refuses(IPAddress address) => allowPrivate ? null : SpecialAddresses.Find(address);
}

/// <summary>The special-purpose address registries of IANA (RFC 6890), those ranges that a mail host or a web hook cannot be in.</summary>
public static class SpecialAddresses
{
    /// <summary>The first that holds an address counts, so a part comes before the whole.</summary>
    static readonly AddressRange[] V4 =
    [
        Range("0.0.0.0/8", "this network", "RFC 791 §3.2"),
        Range("10.0.0.0/8", "private", "RFC 1918"),
        Range("100.64.0.0/10", "carrier-grade NAT", "RFC 6598"),
        Range("127.0.0.0/8", "loopback", "RFC 1122 §3.2.1.3"),
        Range("169.254.0.0/16", "link-local", "RFC 3927"),    // cloud metadata: 169.254.169.254
        Range("172.16.0.0/12", "private", "RFC 1918"),
        Range("192.0.0.0/24", "protocol assignments", "RFC 6890 §2.1"),
        Range("192.0.2.0/24", "documentation", "RFC 5737"),
        Range("192.88.99.0/24", "6to4 relays, given up", "RFC 7526"),
        Range("192.168.0.0/16", "private", "RFC 1918"),
        Range("198.18.0.0/15", "benchmarking", "RFC 2544"),
        Range("198.51.100.0/24", "documentation", "RFC 5737"),
        Range("203.0.113.0/24", "documentation", "RFC 5737"),
        Range("224.0.0.0/4", "multicast", "RFC 5771"),
        Range("255.255.255.255/32", "broadcast", "RFC 919"),
        Range("240.0.0.0/4", "reserved", "RFC 1112 §4"),
    ];

    static readonly AddressRange[] V6 =
    [
        Range("::/128", "unspecified", "RFC 4291 §2.5.2"),
        Range("::1/128", "loopback", "RFC 4291 §2.5.3"),
        Range("64:ff9b:1::/48", "local NAT64", "RFC 8215"),
        Range("100::/64", "discard", "RFC 6666"),
        Range("2001::/32", "Teredo", "RFC 4380"),
        Range("2001::/23", "protocol assignments", "RFC 2928"),
        Range("2001:db8::/32", "documentation", "RFC 3849"),
        Range("3fff::/20", "documentation", "RFC 9637"),
        Range("5f00::/16", "segment routing", "RFC 9602"),
        Range("fc00::/7", "unique local", "RFC 4193"),
        Range("fe80::/10", "link-local", "RFC 4291 §2.5.6"),
        Range("fec0::/10", "site-local, given up", "RFC 3879"),
        Range("ff00::/8", "multicast", "RFC 4291 §2.7"),
    ];

    static readonly IPNetwork GlobalUnicast = IPNetwork.Parse("2000::/3");
    static readonly AddressRange NotGlobalUnicast = Range("::/0", "outside global unicast", "RFC 4291 §2.4");

    /// <summary>
    /// Ranges that carry an IPv4 address, and at which octet: it is that address which is reached, so it is that which is judged.
    /// </summary>
    static readonly (IPNetwork Network, int Octet)[] Embedding =
    [
        (IPNetwork.Parse("64:ff9b::/96"), 12),    // NAT64: RFC 6052 §2.1
        (IPNetwork.Parse("2002::/16"), 2),        // 6to4: RFC 3056 §2
    ];

    public static AddressRange? Find(IPAddress address)
    {
        // RFC 4291 §2.5.5.2. Here and not in the table below: IPNetwork.Contains compares such an address's IPv4 half with IPv6 networks.
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        if (address.AddressFamily == AddressFamily.InterNetwork)
            return Array.Find(V4, range => range.Network.Contains(address));

        // Contains refuses to compare a scoped address.
        address = new IPAddress(address.GetAddressBytes());
        foreach (var (network, octet) in Embedding)
        {
            if (network.Contains(address))
                return Find(new IPAddress(address.GetAddressBytes().AsSpan(octet, 4)));
        }
        return Array.Find(V6, range => range.Network.Contains(address)) ?? (GlobalUnicast.Contains(address) ? null : NotGlobalUnicast);
    }

    static AddressRange Range(string network, string name, string source) => new(IPNetwork.Parse(network), name, source);
}
