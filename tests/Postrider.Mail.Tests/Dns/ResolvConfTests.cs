using System.Net;
using Postrider.Mail.Dns;

namespace Postrider.Mail.Tests.Dns;

public class ResolvConfTests
{
    [Theory]
    [InlineData("", "127.0.0.1:53", 5, 2)]
    [InlineData("nameserver 192.0.2.1\n", "192.0.2.1:53", 5, 2)]
    [InlineData("# first\n; second\n\nnameserver\t192.0.2.1 # ours\r\nnameserver 2001:db8::1\n", "192.0.2.1:53 [2001:db8::1]:53", 5, 2)]
    [InlineData("nameserver 1.1.1.1\nnameserver 2.2.2.2\nnameserver 3.3.3.3\nnameserver 4.4.4.4", "1.1.1.1:53 2.2.2.2:53 3.3.3.3:53", 5, 2)]
    [InlineData("search example.com\noptions ndots:5 timeout:2 rotate attempts:4\nnameserver 1.1.1.1", "1.1.1.1:53", 2, 4)]
    [InlineData("options timeout:99999 attempts:0\noptions timeout:x", "127.0.0.1:53", 30, 1)]
    [InlineData("options timeout:0 attempts:99", "127.0.0.1:53", 1, 5)]
    [InlineData("options timeout:99999999999999999999 attempts:-1", "127.0.0.1:53", 5, 2)]
    [InlineData("nameserver\nnameserver nonsense\nnameservers 1.1.1.1\n#nameserver 1.1.1.1", "127.0.0.1:53", 5, 2)]
    public void Reads_servers_and_patience(string text, string servers, int timeoutSeconds, int attempts)
    {
        var options = ResolvConf.Parse(text);

        Assert.Equal(
            (servers, TimeSpan.FromSeconds(timeoutSeconds), attempts),
            (string.Join(' ', options.Servers), options.Timeout, options.Attempts));
    }

    [Theory]
    [InlineData("127.0.0.1:5353", "127.0.0.1:5353")]
    [InlineData("192.0.2.1, [2001:db8::1]:54", "192.0.2.1:53 [2001:db8::1]:54")]
    [InlineData("::1", "[::1]:53")]
    public void Reads_a_list_of_servers(string text, string expected)
    {
        Assert.True(ResolvConf.TryParseServers(text, out var servers));
        Assert.Equal(expected, string.Join(' ', servers));
    }

    [Theory]
    [InlineData("")]
    [InlineData("dns.example.com:53")]
    [InlineData("192.0.2.1:99999")]
    [InlineData("192.0.2.1,,192.0.2.2")]
    public void Refuses_what_is_not_a_list_of_servers(string text) => Assert.False(ResolvConf.TryParseServers(text, out _));

    [Theory]
    [InlineData("192.0.2.129", "129.2.0.192.in-addr.arpa")]
    [InlineData("::ffff:192.0.2.129", "129.2.0.192.in-addr.arpa")]
    [InlineData("2001:db8::567:89ab", "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa")]    // RFC 3596 §2.5
    public void Turns_an_address_into_the_name_of_its_PTR(string address, string expected) =>
        Assert.Equal(expected, ReverseName.Of(IPAddress.Parse(address)).ToString());
}
