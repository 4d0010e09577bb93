using Postrider.Mail.Addresses;
using Postrider.Mail.Dns;
using static Postrider.Mail.Tests.Dns.Names;

namespace Postrider.Mail.Tests.Dns;

public class MxLookupTests
{
    const int Seed = 5;

    readonly FakeResolver _resolver = new();

    [Fact]
    public async Task Gives_hosts_by_preference_then_name()
    {
        _resolver.Mx("example.com", (20, "c.test"), (10, "b.test"), (10, "A.test"), (30, "b.test"));

        var hosts = Assert.IsType<MxAnswer.Hosts>(await FindAsync("example.com"));

        Assert.Equal([new MxHost(10, Name("a.test")), new MxHost(10, Name("b.test")), new MxHost(20, Name("c.test"))], hosts.Sorted);
        Assert.False(hosts.IsImplicit);
        Assert.Equal(["example.com MX"], _resolver.Asked);    // hosts are looked up when it is their turn
    }

    [Fact]
    public async Task Domains_with_the_same_hosts_are_one_destination()
    {
        _resolver.Mx("one.com", (20, "b.test"), (10, "a.test")).Mx("two.com", (5, "B.test"), (5, "a.test")).Mx("three.com", (5, "a.test"));

        var one = Assert.IsType<MxAnswer.Hosts>(await FindAsync("one.com"));
        var two = Assert.IsType<MxAnswer.Hosts>(await FindAsync("two.com"));
        var three = Assert.IsType<MxAnswer.Hosts>(await FindAsync("three.com"));

        Assert.Equal(new DestinationKey("a.test,b.test"), one.Destination);
        Assert.Equal(one.Destination, two.Destination);
        Assert.NotEqual(one.Destination, three.Destination);
    }

    [Fact]
    public async Task The_answer_of_a_domain_is_made_once()
    {
        _resolver.Mx("example.com", (10, "a.test"));
        var lookup = Lookup();

        var first = await lookup.FindAsync(DomainOf("example.com"), default);
        var asking = lookup.FindAsync(DomainOf("example.com"), default);

        Assert.True(asking.IsCompletedSuccessfully);
        Assert.Same(first, await asking);
    }

    [Theory]
    [InlineData("", "NullMx")]
    [InlineData("beside.test", "beside.test")]
    public async Task A_null_MX_counts_when_it_stands_alone(string beside, string expected)
    {
        _resolver.Mx("example.com", beside.Length == 0 ? [(0, ".")] : [(0, "."), (10, beside)]);

        var answer = await FindAsync("example.com");

        Assert.Equal(expected, answer is MxAnswer.Hosts hosts ? hosts.Destination.Value : answer.GetType().Name);
    }

    [Fact]
    public async Task Without_MX_the_domain_is_its_own_host_if_it_has_an_address()
    {
        _resolver.Addresses("v4.com", "192.0.2.1").Addresses("v6.com", "2001:db8::1").Empty("none.com");

        var v4 = Assert.IsType<MxAnswer.Hosts>(await FindAsync("v4.com"));
        var v6 = Assert.IsType<MxAnswer.Hosts>(await FindAsync("v6.com"));

        Assert.Equal([new MxHost(0, Name("v4.com"))], v4.Sorted);
        Assert.Equal((true, "v4.com"), (v4.IsImplicit, v4.Destination.Value));
        Assert.True(v6.IsImplicit);
        Assert.IsType<MxAnswer.NoMailHost>(await FindAsync("none.com"));
    }

    [Fact]
    public async Task What_does_not_exist_is_told_from_what_is_not_known()
    {
        _resolver.Failing<MxData>("mx.com").Empty("a.com").Failing<AData>("a.com").Empty("aaaa.com").Failing<AaaaData>("aaaa.com");

        Assert.IsType<MxAnswer.NoSuchDomain>(await FindAsync("gone.com"));
        Assert.Equal(new MxAnswer.TemporaryFailure("mx.com fails"), await FindAsync("mx.com"));
        Assert.Equal(new MxAnswer.TemporaryFailure("a.com fails"), await FindAsync("a.com"));
        Assert.Equal(new MxAnswer.TemporaryFailure("aaaa.com fails"), await FindAsync("aaaa.com"));
    }

    [Fact]
    public async Task An_address_is_not_an_MX_host()
    {
        _resolver.Mx("only.com", (10, "192.0.2.1")).Mx("also.com", (10, "192.0.2.1"), (20, "mx.test"));

        Assert.False(Assert.IsType<MxAnswer.Unusable>(await FindAsync("only.com")).IsLoop);
        Assert.Equal("mx.test", Assert.IsType<MxAnswer.Hosts>(await FindAsync("also.com")).Destination.Value);
    }

    [Fact]
    public async Task Where_we_are_listed_only_better_hosts_are_tried()
    {
        _resolver.Mx("behind.com", (10, "good.test"), (20, "us.test"), (20, "equal.test"), (30, "worse.test"));
        _resolver.Mx("loop.com", (10, "us.test"));
        var options = new MxLookupOptions { OwnName = Name("US.test") };

        var behind = Assert.IsType<MxAnswer.Hosts>(await Lookup(options).FindAsync(DomainOf("behind.com"), default));

        Assert.Equal("good.test", behind.Destination.Value);
        Assert.True(Assert.IsType<MxAnswer.Unusable>(await Lookup(options).FindAsync(DomainOf("loop.com"), default)).IsLoop);
    }

    [Fact]
    public async Task Looks_at_no_more_than_the_best_20_of_100_hosts()
    {
        _resolver.Mx("example.com", [.. Enumerable.Range(0, 100).Select(i => (Preference: 100 - i, Host: $"h{i}.test"))]);

        var hosts = Assert.IsType<MxAnswer.Hosts>(await FindAsync("example.com"));

        Assert.Equal(Enumerable.Range(1, 20), hosts.Sorted.Select(host => host.Preference));
    }

    [Fact]
    public async Task Hosts_of_equal_preference_come_in_any_order_and_others_do_not()
    {
        _resolver.Mx("example.com", (10, "a.test"), (10, "b.test"), (10, "c.test"), (20, "d.test"), (20, "e.test"));
        var hosts = Assert.IsType<MxAnswer.Hosts>(await FindAsync("example.com"));
        var lookup = Lookup();

        var orders = Enumerable.Range(0, 500)
            .Select(_ => string.Concat(lookup.OrderToTry(hosts.Sorted).Select(host => host.ToString()[0])))
            .Distinct().ToList();

        Assert.Equal(3 * 2 * 1 * 2 * 1, orders.Count);
        Assert.All(orders, order => Assert.True(order.IndexOfAny(['d', 'e']) == 3));
    }

    [Fact]
    public async Task Addresses_of_both_families_take_turns()
    {
        _resolver.Addresses("mx.test", "192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1", "2001:db8::2");

        var found = Assert.IsType<HostAddresses.Found>(await Lookup().AddressesAsync(Name("mx.test"), default));
        var v4 = Assert.IsType<HostAddresses.Found>(
            await Lookup(new MxLookupOptions { UseIPv6 = false }).AddressesAsync(Name("mx.test"), default));

        Assert.Equal("2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2 192.0.2.3", string.Join(' ', found.Addresses));
        Assert.Equal("192.0.2.1 192.0.2.2 192.0.2.3", string.Join(' ', v4.Addresses));
    }

    [Fact]
    public async Task Looks_at_no_more_than_20_addresses()
    {
        _resolver.Addresses("mx.test", [.. Enumerable.Range(1, 50).SelectMany(i => new[] { $"192.0.2.{i}", $"2001:db8::{i}" })]);

        var found = Assert.IsType<HostAddresses.Found>(await Lookup().AddressesAsync(Name("mx.test"), default));

        Assert.Equal(20, found.Addresses.Count);
        Assert.Equal("192.0.2.10", found.Addresses[^1].ToString());
    }

    [Fact]
    public async Task One_family_that_fails_does_not_hide_the_other()
    {
        _resolver.Addresses("half.test", "192.0.2.1").Failing<AaaaData>("half.test").Failing<AaaaData>("bad.test").Empty("none.test");

        Assert.IsType<HostAddresses.Found>(await Lookup().AddressesAsync(Name("half.test"), default));
        Assert.Equal(new HostAddresses.TemporaryFailure("bad.test fails"), await Lookup().AddressesAsync(Name("bad.test"), default));
        Assert.IsType<HostAddresses.NoAddress>(await Lookup().AddressesAsync(Name("none.test"), default));
        Assert.IsType<HostAddresses.NoAddress>(await Lookup().AddressesAsync(Name("gone.test"), default));
    }

    [Fact]
    public async Task Waits_for_a_slow_resolver_and_obeys_its_caller()
    {
        var gate = new TaskCompletionSource();
        _resolver.Mx("example.com", (10, "a.test")).Gate = gate.Task;
        using var gaveUp = new CancellationTokenSource();
        var lookup = Lookup();

        var impatient = lookup.FindAsync(DomainOf("example.com"), gaveUp.Token).AsTask();
        var patient = lookup.FindAsync(DomainOf("example.com"), default).AsTask();
        await gaveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        gate.SetResult();

        Assert.IsType<MxAnswer.Hosts>(await patient);
    }

    [Fact]
    public async Task A_walk_gives_every_allowed_address_in_order_and_looks_up_no_earlier_than_needed()
    {
        _resolver.Mx("example.com", (10, "a.test"), (20, "b.test"), (30, "c.test"))
            .Addresses("a.test", "10.0.0.1", "9.9.9.9").Addresses("c.test", "2620:fe::fe", "8.8.8.8");

        var walk = await WalkAsync("example.com", AddressPolicy.PublicOnly);
        var first = await walk.NextAsync(default);
        Assert.DoesNotContain("b.test A", _resolver.Asked);
        var rest = await CollectAsync(walk);

        Assert.Equal("a.test 9.9.9.9", $"{first!.Host} {first.Address}");
        Assert.Equal("c.test 2620:fe::fe, c.test 8.8.8.8", rest);
        Assert.Equal(new MxTrouble.Unreachable("a.test is 10.0.0.1: private (RFC 1918)"), walk.Trouble);
        Assert.Null(await walk.NextAsync(default));
    }

    [Fact]
    public async Task A_walk_without_trouble_says_so()
    {
        _resolver.Mx("example.com", (10, "a.test")).Addresses("a.test", "127.0.0.1");

        var walk = await WalkAsync("example.com", AddressPolicy.Any);

        Assert.Equal("a.test 127.0.0.1", await CollectAsync(walk));
        Assert.IsType<MxTrouble.None>(walk.Trouble);
    }

    [Fact]
    public async Task Hosts_that_all_do_not_exist_are_permanent_and_one_unknown_is_not()
    {
        _resolver.Mx("gone.com", (10, "a.test"), (20, "b.test")).Mx("unknown.com", (10, "a.test"), (20, "bad.test"), (30, "c.test"))
            .Failing<AData>("bad.test");

        var gone = await WalkAsync("gone.com", AddressPolicy.PublicOnly);
        var unknown = await WalkAsync("unknown.com", AddressPolicy.PublicOnly);

        Assert.Equal(("", ""), (await CollectAsync(gone), await CollectAsync(unknown)));
        Assert.Equal(new MxTrouble.Unreachable("a.test has no address"), gone.Trouble);
        Assert.Equal(new MxTrouble.TemporaryFailure("bad.test fails"), unknown.Trouble);
    }

    [Fact]
    public async Task A_cancelled_step_of_a_walk_can_be_repeated()
    {
        _resolver.Mx("example.com", (10, "a.test")).Addresses("a.test", "9.9.9.9");
        var walk = await WalkAsync("example.com", AddressPolicy.PublicOnly);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await walk.NextAsync(new CancellationToken(canceled: true)));

        Assert.Equal("a.test 9.9.9.9", await CollectAsync(walk));
    }

    static Domain DomainOf(string text) => Domain.TryParse(text, out var domain) ? domain : throw new ArgumentException(text, nameof(text));

    static async Task<string> CollectAsync(MxWalk walk)
    {
        var targets = new List<string>();
        while (await walk.NextAsync(default) is { } target)
            targets.Add($"{target.Host} {target.Address}");
        return string.Join(", ", targets);
    }

    async Task<MxWalk> WalkAsync(string domain, AddressPolicy policy)
    {
        var lookup = Lookup();
        return lookup.Walk(Assert.IsType<MxAnswer.Hosts>(await lookup.FindAsync(DomainOf(domain), default)), policy);
    }

    ValueTask<MxAnswer> FindAsync(string domain) => Lookup().FindAsync(DomainOf(domain), default);

    MxLookup Lookup(MxLookupOptions? options = null)
    {
#pragma warning disable RS0030 // this is where the Random is made that is injected, with a seed
        return new MxLookup(_resolver, new Random(Seed), options ?? new MxLookupOptions { UseIPv6 = true });
#pragma warning restore RS0030
    }
}
