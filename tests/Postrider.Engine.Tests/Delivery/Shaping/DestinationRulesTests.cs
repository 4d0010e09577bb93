using System.Collections.Immutable;
using Postrider.Engine.Delivery;
using Postrider.Engine.Delivery.Shaping;
using Postrider.Mail.Addresses;
using Postrider.Mail.Dns;

namespace Postrider.Engine.Tests.Delivery.Shaping;

public sealed class DestinationRulesTests
{
    [Fact]
    public void A_profile_is_found_by_the_end_of_the_mx_hosts_name()
    {
        var rules = Rules();

        Assert.Equal(50, rules.For("gmail.com", Mx("alt1.gmail-smtp-in.l.google.com")).MessagesPerConnection);
        Assert.Equal(20, rules.For("yahoo.com", Mx("mta5.am0.yahoodns.net")).MessagesPerConnection);
        Assert.Equal(200, rules.For("notgoogle.com", Mx("mx.notgoogle.com")).MessagesPerConnection);
        Assert.Equal(200, rules.For("google.com.example", Mx("mx.google.com.example")).MessagesPerConnection);
    }

    [Fact]
    public void Destinations_that_nobody_named_have_no_rate_and_the_settings_for_all()
    {
        var limits = Rules().For("a.example", Mx("mx.a.example"));

        Assert.Equal((20, 200, 0), (limits.Connections, limits.MessagesPerConnection, limits.Rates!.Count));
    }

    [Fact]
    public void Each_field_comes_from_the_most_specific_rule_that_sets_it()
    {
        var rules = Rules(
            new(RuleScope.Everything, "", new DestinationLimits { MessagesPerConnection = 7, Rates = Rates("5/s") }),
            new(RuleScope.MxHost, "google.com", new DestinationLimits { Connections = 30 }),
            new(RuleScope.MxHost, "aspmx.l.google.com", new DestinationLimits { Connections = 2 }),
            new(RuleScope.Domain, "acme.example", new DestinationLimits { Rates = Rates("1/h"), Connections = 1 }));

        var (gmail, workspace, acme, other) = (
            rules.For("gmail.com", Mx("gmail-smtp-in.l.google.com")), rules.For("x.example", Mx("aspmx.l.google.com")),
            rules.For("acme.example", Mx("aspmx.l.google.com")), rules.For("b.example", Mx("mx.b.example")));

        Assert.Equal((30, 7, "5/s"), (gmail.Connections, gmail.MessagesPerConnection, gmail.Rates!.Single().ToString()));
        Assert.Equal(2, workspace.Connections);
        Assert.Equal((1, "1/h"), (acme.Connections, acme.Rates!.Single().ToString()));
        Assert.Equal((20, 7, "5/s"), (other.Connections, other.MessagesPerConnection, other.Rates!.Single().ToString()));
        Assert.True(rules.Separates("acme.example"));
        Assert.False(rules.Separates("gmail.com"));
    }

    [Fact]
    public void A_profile_does_not_loosen_what_is_set_for_all_and_may_be_left_out()
    {
        Assert.Equal(3, new DestinationRules(Options with { Concurrency = 3 }).For("gmail.com", Mx("mx.google.com")).Connections);
        Assert.Equal(20, new DestinationRules(Options with { BuiltInProfiles = false }).For("gmail.com", Mx("mx.google.com")).Connections);
    }

    [Fact]
    public void A_route_has_the_default_and_its_domains_own_rule()
    {
        var rules = Rules(new DestinationRule(RuleScope.Domain, "acme.example", new DestinationLimits { Connections = 1 }));
        var route = new Site.Route(new System.Net.DnsEndPoint("mx.google.com", 25));

        Assert.Equal((20, 1), (rules.For("gmail.com", route).Connections, rules.For("acme.example", route).Connections));
    }

    [Fact]
    public void Every_profile_can_be_read_and_names_each_host_once()
    {
        var profiles = BuiltInProfiles.All;

        Assert.InRange(profiles.Count, 20, 100);
        Assert.Equal(profiles.Count, profiles.Select(profile => profile.Name).Distinct().Count());
        Assert.All(profiles, profile =>
        {
            Assert.True(DnsName.TryParse(profile.Name, out _), profile.Name);
            Assert.InRange(profile.Limits.Connections ?? 1, 1, 20);
            Assert.InRange(profile.Limits.MessagesPerConnection ?? 1, 1, 1_000);
        });
    }

    [Theory]
    [InlineData("20/s", true)]
    [InlineData("1000000/d", true)]
    [InlineData("0/s", false)]
    [InlineData("1000001/s", false)]
    [InlineData("-1/s", false)]
    [InlineData("1 /s", false)]
    [InlineData("20/fortnight", false)]
    [InlineData("20", false)]
    [InlineData("/s", false)]
    [InlineData("", false)]
    public void Reads_rates(string text, bool expected)
    {
        Assert.Equal(expected, MessageRate.TryParse(text, out var rate));
        if (expected)
            Assert.Equal(text, rate.ToString());
    }

    static DeliveryOptions Options { get; } = new()
    {
        HostName = "out.example",
        ReturnPathDomain = Domain.TryParse("out.example", out var domain) ? domain : throw new InvalidOperationException("It is a domain."),
    };

    static DestinationRules Rules(params DestinationRule[] rules) => new(Options with { Destinations = rules });

    static IReadOnlyList<MessageRate> Rates(string text) =>
        MessageRate.TryParseAll(text, out var rates) ? rates : throw new ArgumentException(text, nameof(text));

    static Site.Mx Mx(string host)
    {
        ImmutableArray<MxHost> hosts =
            [new MxHost(10, DnsName.TryParse(host, out var name) ? name : throw new ArgumentException(host, nameof(host)))];
        return new Site.Mx(new MxAnswer.Hosts(DestinationKey.Of(hosts), hosts, IsImplicit: false));
    }
}
