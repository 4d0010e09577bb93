using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Postrider.Mail.Dns;

/// <summary>Where an address's PTR records are.</summary>
public static class ReverseName
{
    /// <summary>
    /// <c>4.3.2.1.in-addr.arpa</c> (RFC 1035 §3.5), or 32 nibbles under <c>ip6.arpa</c> (RFC 3596 §2.5). A v4-mapped address is its IPv4
    /// one.
    /// </summary>
    public static DnsName Of(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();

        var octets = address.GetAddressBytes();
        var text = new StringBuilder();
        for (var i = octets.Length - 1; i >= 0; i--)
        {
            if (address.AddressFamily == AddressFamily.InterNetwork)
                text.Append(octets[i]).Append('.');
            else
                text.Append("0123456789abcdef"[octets[i] & 0xF]).Append('.').Append("0123456789abcdef"[octets[i] >> 4]).Append('.');
        }
        text.Append(address.AddressFamily == AddressFamily.InterNetwork ? "in-addr.arpa" : "ip6.arpa");
        return DnsName.TryParse(text.ToString(), out var name) ? name : throw new ArgumentException("Not an IP address.", nameof(address));
    }
}
