using Microsoft.Extensions.Configuration;
using Postrider.Configuration;
using Postrider.Engine.Bounces;
using Postrider.Engine.Delivery.Shaping;
using Postrider.Mail.Smtp;

namespace Postrider.Tests.Configuration;

public sealed class SettingsTests
{
    static Settings Read(params (string Name, string Value)[] settings) => Settings.Read(
        new ConfigurationBuilder().AddInMemoryCollection(
            settings.Select(one => KeyValuePair.Create(one.Name, (string?)one.Value))).Build(), demo: false);

    [Fact]
    public void Has_the_contracts_numbers_when_nothing_is_set()
    {
        var settings = Read();

        Assert.Equal("sqlite:data/postrider.db", settings.Store.ToString());
        Assert.Equal(8080, settings.Listen.Single().Port);
        Assert.Equal(TimeSpan.FromHours(72), settings.Delivery.Retry.Lifetime);
        Assert.Equal([1, 5, 15, 30, 60, 120, 240, 480], settings.Delivery.Retry.Delays.Select(delay => delay.TotalMinutes));
        Assert.Equal((30, 300, 600), (
            settings.Timeouts.Connect.TotalSeconds, settings.Timeouts.Command.TotalSeconds, settings.Timeouts.EndOfData.TotalSeconds));
        Assert.False(settings.Delivery.AllowPrivateTargets);
        Assert.Null(settings.Inbound);
    }

    [Fact]
    public void Names_every_wrong_setting_at_once()
    {
        var refused = Assert.Throws<SettingsException>(() => Read(
            ("Store", "mysql:x"), ("Smtp:Port", "0"), ("Retry:Delays", "1m,soon"), ("Retry:Jitter", "2"), ("Smtp:Routes", "example.com"),
            ("Smtp:Resolver", "nowhere"), ("Http:Listen", "ftp://x"), ("Queue:Lease", "1s"), ("Secrets:Key", "short"),
            ("Log:Level", "Loud"),
            ("Smpt:Port", "25")));

        Assert.All(
            [
                "Store", "Smtp:Port", "Retry:Delays", "Retry:Jitter", "Smtp:Routes", "Smtp:Resolver", "Http:Listen", "Queue:Lease",
                "Secrets:Key", "Log:Level", "Smpt:Port",
            ],
            name => Assert.Contains($"  {name}: ", refused.Message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("250ms", 0.25)]
    [InlineData("30s", 30)]
    [InlineData("5m", 300)]
    [InlineData("8h", 28_800)]
    [InlineData("3d", 259_200)]
    [InlineData("00:01:30", 90)]
    public void Reads_durations(string text, double seconds) =>
        Assert.Equal(seconds, Read(("Retry:Lifetime", text)).Delivery.Retry.Lifetime.TotalSeconds);

    [Theory]
    [InlineData("5")]
    [InlineData("-5s")]
    [InlineData("5 minutes")]
    [InlineData("99999999999h")]
    [InlineData("999999999d")]
    [InlineData("s")]
    public void Refuses_what_is_no_duration(string text) =>
        Assert.Throws<SettingsException>(() => Read(("Retry:Lifetime", text)));

    [Fact]
    public void Names_each_wrong_line_of_the_bounce_rules()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, "# mine\nspam block\ncontent block text=\"x\"\nblocklist hard\n");

            var refused = Assert.Throws<SettingsException>(() => Read(("Delivery:BounceRules", file)));

            Assert.Contains($"Delivery:BounceRules: {file}, line 2: ", refused.Message, StringComparison.Ordinal);
            Assert.Contains($"Delivery:BounceRules: {file}, line 4: ", refused.Message, StringComparison.Ordinal);
            File.WriteAllText(file, "content block text=\"user unknown\"\n");
            Assert.Equal(
                BounceAction.Block, Read(("Delivery:BounceRules", file))
                    .Delivery.Bounces.Classify(SmtpStage.RcptTo, new SmtpReply(550, "user unknown")).Action);
        }
        finally
        {
            File.Delete(file);
        }
        Assert.Throws<SettingsException>(() => Read(("Delivery:BounceRules", file)));
    }

    [Fact]
    public void Reads_several_routes()
    {
        var routes = Read(("Smtp:Routes", "bücher.example=mx.example:2525, *=127.0.0.1:25")).Delivery.Routes;

        Assert.Equal(("mx.example", 2525), (routes["xn--bcher-kva.example"].Host, routes["xn--bcher-kva.example"].Port));
        Assert.Equal(("127.0.0.1", 25), (routes["*"].Host, routes["*"].Port));
    }

    [Fact]
    public void Reads_limits_for_destinations()
    {
        var delivery = Read(
            (
                "Delivery:Destinations",
                "mx:Google.com connections=5 rate=20/s,600/min; domain:bücher.example back-off=5m;* rate=unlimited messages-per-connection=7"),
            ("Delivery:BuiltInProfiles", "false"), ("Delivery:BackOff:First", "10s")).Delivery;

        var (google, books, all) = (delivery.Destinations[0], delivery.Destinations[1], delivery.Destinations[2]);
        Assert.Equal(
            (RuleScope.MxHost, "google.com", 5, "20/s,600/min"),
            (google.Scope, google.Name, google.Limits.Connections, string.Join(',', google.Limits.Rates!)));
        Assert.Equal((RuleScope.Domain, "xn--bcher-kva.example", TimeSpan.FromMinutes(5)), (books.Scope, books.Name, books.Limits.BackOff));
        Assert.Equal((RuleScope.Everything, 7, 0), (all.Scope, all.Limits.MessagesPerConnection, all.Limits.Rates!.Count));
        Assert.False(delivery.BuiltInProfiles);
        Assert.Equal((TimeSpan.FromSeconds(10), null), (delivery.BackOff.First, delivery.BackOff.Most));
    }

    [Fact]
    public void Names_everything_that_is_wrong_with_limits_for_destinations()
    {
        var refused = Assert.Throws<SettingsException>(() => Read((
            "Delivery:Destinations",
            "google.com rate=1/s; mx:a.example; mx:b.example rate=fast colour=red connections=0; * rate=1/s; * rate=2/s")));

        string[] parts =
        [
            "\"google.com\" in", "\"mx:a.example\" sets no limit", "\"rate=fast\"", "\"colour=red\"", "\"connections=0\"",
            "two rules for *",
        ];
        foreach (var part in parts)
            Assert.Contains(part, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Gives_a_machine_without_a_domain_a_return_path_that_is_a_mailbox() =>
        Assert.Equal("relay.localdomain", Read(("Smtp:HostName", "relay")).Delivery.ReturnPathDomain.Ascii);
}
