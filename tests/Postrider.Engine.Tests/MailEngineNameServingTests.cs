using Postrider.Engine.Messages;
using Postrider.Engine.Tests.Rig;
using Postrider.Mail.Dns;

namespace Postrider.Engine.Tests;

/// <summary>What domains and their name servers say.</summary>
public sealed class MailEngineNameServingTests
{
    [Fact]
    public async Task A_domain_that_takes_no_mail_bounces_without_contact()
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Zone.Tell("null.example", new DnsAnswer<MxData>.Found([new MxData(0, DnsName.Root)], TimeSpan.FromMinutes(1)));
        rig.Zone.Tell("nobody.example", DnsAnswer<MxData>.NoSuchDomain.Instance);

        var (nullMx, nobody) = (await rig.SubmitAsync("a@null.example"), await rig.SubmitAsync("a@nobody.example"));
        var both = await rig.SubmitAsync("b@null.example", "b@nobody.example");
        await rig.Watch.UntilAsync(() => rig.Store.Settled == 3, "all are settled");

        foreach (var (id, code) in new[] { (nullMx, "5.1.10"), (nobody, "5.1.2") })
        {
            var bounce = Assert.Single(rig.Store.EventsOf(id));
            Assert.Equal((EventType.Bounce, "hard", code), (bounce.Type, bounce.Data!.BounceType, bounce.Data.Status));
        }
        Assert.Equal("2 of 2 recipients bounced", rig.Store.ErrorOf(both));
        Assert.Equal(0, rig.Peer.Mails);
        await rig.UntilNothingIsLeasedAsync();
    }

    [Fact]
    public async Task A_domain_whose_dns_fails_is_tried_again()
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Zone.Tell("dim.example", new DnsAnswer<MxData>.TemporaryFailure("SERVFAIL"));

        var id = await rig.SubmitAsync("a@dim.example");
        await rig.UntilWaitingAsync(id);
        Assert.Equal(
            ("SERVFAIL", "4.4.3"), Assert.Single(rig.Store.EventsOf(id)).Data is { } data ? (data.SmtpResponse, data.Status) : default);

        rig.Zone.TellMx("dim.example", "mx.dim.example");
        await rig.PassTimeUntilAsync(() => rig.Store.StatusOf(id) == MessageStatus.Delivered, "delivered");
    }

    [Fact]
    public async Task Dns_that_never_answers_at_once_does_not_keep_a_message()
    {
        await using var rig = await EngineRig.StartAsync();
        rig.Zone.Gate = _ => Task.Run(() => { });

        var id = await rig.SubmitAsync("a@a.example");

        await rig.UntilStatusAsync(id, MessageStatus.Delivered);
    }

    [Fact]
    public async Task Silent_name_servers_keep_nobody_else_waiting()
    {
        await using var rig = await EngineRig.StartAsync();
        var silence = new TaskCompletionSource();
        rig.Zone.Gate = name => name.StartsWith("silent", StringComparison.Ordinal) ? silence.Task : null;

        await rig.SubmitManyAsync(
            Sender.Tenant, Enumerable.Range(0, 50).Select(i => new[] { $"a@silent{i}.example", $"b@silent{i}x.example" }));
        var ids = await rig.SubmitManyAsync(Sender.Other, [["a@a.example"], ["a@b.example", "b@c.example"]]);
        await rig.Watch.UntilAsync(() => ids.All(id => rig.Store.StatusOf(id) == MessageStatus.Delivered), "others are delivered");

        silence.SetResult();
        await rig.Watch.UntilAsync(() => rig.Store.Settled == 52, "all are delivered");
    }
}
