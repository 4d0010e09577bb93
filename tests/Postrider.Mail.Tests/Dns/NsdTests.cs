using System.Net;
using Postrider.Mail.Addresses;
using Postrider.Mail.Dns;
using Postrider.Testing;
using static Postrider.Mail.Tests.Dns.Names;

namespace Postrider.Mail.Tests.Dns;

/// <summary>Against a name server that is not ours.</summary>
public sealed class NsdTests : IAsyncLifetime
{
    const int Hang = 15_000;    // milliseconds

    static readonly string LargeText = string.Concat(Enumerable.Range(0, 400).Select(i => $"k{i:000}={i * 7919:00000};"));

    static readonly string Zone = $"""
        $TTL 600
        @ IN SOA ns.postrider.test. root.postrider.test. 1 7200 3600 86400 60
        @ IN NS ns
        ns IN A 192.0.2.53
        @ IN MX 20 mx2
        @ IN MX 10 mx1
        @ IN MX 10 MX3.postrider.test.
        mx1 IN A 192.0.2.1
        mx1 IN A 192.0.2.2
        mx1 IN AAAA 2001:db8::1
        mx2 IN AAAA 2001:db8::2
        mx3 IN CNAME mx1
        null IN MX 0 .
        implicit IN A 192.0.2.9
        textonly IN TXT "hello"
        alias IN CNAME @
        outside IN CNAME elsewhere.example.
        dangling IN CNAME gone
        loop1 IN CNAME loop2
        loop2 IN CNAME loop1
        literal IN MX 10 192.0.2.1.
        xn--bcher-kva IN MX 10 mx1
        _dmarc IN TXT "v=DMARC1; " "p=reject; rua=mailto:a@b.test"
        odd IN TXT "quote \" backslash \\ octet \255"
        large IN TXT {string.Join(' ', LargeText.Chunk(255).Select(part => $"\"{new string(part)}\""))}
        1.2.0.192.in-addr.arpa IN PTR mx1
        """;

    readonly List<IAsyncDisposable> _owned = [];
    DnsResolver _resolver = null!;
    MxLookup _lookup = null!;

    public async ValueTask InitializeAsync()
    {
        var nsd = await Nsd.StartAsync("postrider.test", Zone);
        _resolver = new DnsResolver(new DnsResolverOptions { Servers = [nsd.EndPoint] }, TimeProvider.System);
        _owned.AddRange([_resolver, nsd]);
#pragma warning disable RS0030 // this is where the Random is made that is injected, with a seed
        _lookup = new MxLookup(_resolver, new Random(1), new MxLookupOptions { UseIPv6 = true });
#pragma warning restore RS0030
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var owned in _owned)
            await owned.DisposeAsync();
    }

    [Fact(Timeout = Hang)]
    public async Task Finds_the_hosts_of_a_domain_and_their_addresses()
    {
        var hosts = Assert.IsType<MxAnswer.Hosts>(await FindAsync("postrider.test"));
        var mx1 = Assert.IsType<HostAddresses.Found>(await _lookup.AddressesAsync(hosts.Sorted[0].Name, default));
        var mx3 = Assert.IsType<HostAddresses.Found>(await _lookup.AddressesAsync(Name("mx3.postrider.test"), default));

        Assert.Equal("mx1.postrider.test,mx2.postrider.test,mx3.postrider.test", hosts.Destination.Value);
        Assert.Equal([10, 10, 20], hosts.Sorted.Select(host => host.Preference));
        Assert.Equal(
            ["192.0.2.1", "192.0.2.2", "2001:db8::1"],
            mx1.Addresses.Select(address => address.ToString()).Order(StringComparer.Ordinal));
        Assert.Equal(mx1.Addresses.Count, mx3.Addresses.Count);    // an alias, tolerated: RFC 5321 §5.1 forbids it
    }

    [Theory(Timeout = Hang)]
    [InlineData("null.postrider.test", "NullMx")]
    [InlineData("gone.postrider.test", "NoSuchDomain")]
    [InlineData("textonly.postrider.test", "NoMailHost")]
    [InlineData("literal.postrider.test", "Unusable")]
    [InlineData("implicit.postrider.test", "implicit.postrider.test")]
    [InlineData("alias.postrider.test", "mx1.postrider.test,mx2.postrider.test,mx3.postrider.test")]
    [InlineData("xn--bcher-kva.postrider.test", "mx1.postrider.test")]
    [InlineData("bücher.postrider.test", "mx1.postrider.test")]
    [InlineData("dangling.postrider.test", "NoSuchDomain")]
    [InlineData("outside.postrider.test", "TemporaryFailure")]    // nsd refuses what is not its own
    [InlineData("loop1.postrider.test", "TemporaryFailure")]
    [InlineData("example.com", "TemporaryFailure")]
    public async Task Tells_what_becomes_of_mail_for_a_domain(string domain, string expected)
    {
        var answer = await FindAsync(domain);

        Assert.Equal(expected, answer is MxAnswer.Hosts hosts ? hosts.Destination.Value : answer.GetType().Name);
    }

    [Theory(Timeout = Hang)]
    [InlineData("_dmarc", "v=DMARC1; p=reject; rua=mailto:a@b.test")]
    [InlineData("odd", "quote \" backslash \\ octet \u00ff")]
    [InlineData("large", null)]    // over TCP: it is longer than a datagram may be
    public async Task Joins_the_strings_of_a_text(string name, string? expected)
    {
        var answer = await _resolver.QueryAsync<TxtData>(Name($"{name}.postrider.test"), default);

        Assert.Equal([new TxtData(expected ?? LargeText)], Assert.IsType<DnsAnswer<TxtData>.Found>(answer).Records);
    }

    [Fact(Timeout = Hang)]
    public async Task Reads_CNAME_SOA_and_PTR()
    {
        var alias = await _resolver.QueryAsync<CnameData>(Name("mx3.postrider.test"), default);
        var authority = await _resolver.QueryAsync<SoaData>(Name("postrider.test"), default);
        var pointer = await _resolver.QueryAsync<PtrData>(Name($"{ReverseName.Of(IPAddress.Parse("192.0.2.1"))}.postrider.test"), default);

        Assert.Equal([new CnameData(Name("mx1.postrider.test"))], Assert.IsType<DnsAnswer<CnameData>.Found>(alias).Records);
        Assert.Equal(60u, Assert.Single(Assert.IsType<DnsAnswer<SoaData>.Found>(authority).Records).Minimum);
        Assert.Equal([new PtrData(Name("mx1.postrider.test"))], Assert.IsType<DnsAnswer<PtrData>.Found>(pointer).Records);
    }

    [Fact(Timeout = Hang)]
    public async Task A_zone_that_nsd_refuses_is_told()
    {
        var e = await Assert.ThrowsAsync<InvalidOperationException>(() => Nsd.StartAsync("bad.test", "@ IN MX five mx"));

        Assert.Contains("zone", e.Message, StringComparison.Ordinal);
    }

    ValueTask<MxAnswer> FindAsync(string domain) =>
        _lookup.FindAsync(Domain.TryParse(domain, out var parsed) ? parsed : throw new ArgumentException(domain, nameof(domain)), default);
}
