using Postrider.Commands;
using Postrider.Engine.Delivery.Shaping;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;

namespace Postrider.Tests.Commands;

public sealed class ShownQueueTests
{
    static readonly DateTimeOffset Now = new(2026, 3, 2, 8, 15, 0, TimeSpan.Zero);
    static readonly TenantId Tenant = new(Guid.CreateVersion7(Now));

    [Fact]
    public void Domains_of_one_site_are_one_destination_and_the_strictest_node_tells_why()
    {
        var view = View("mx.example", BindingLimit.Rate, Now.AddSeconds(5)) with { Domains = ["a.example", "b.example"], Reason = "10/s" };
        var shown = Show(
            [Backlog("a.example", 3, Now.AddMinutes(-2)), Backlog("b.example", 4, Now.AddMinutes(-1)), Backlog("c.example", 1, Now)],
            Report(view),
            Report(view with
            {
                Binds = BindingLimit.BackOff, Until = Now.AddMinutes(9), Reason = "421 no", LastReply = "421 no", LastReplyAt = Now,
            }));

        var (site, other) = (shown.Destinations[0], shown.Destinations[1]);
        Assert.Equal(
            ("mx.example", 7L, "back-off", "421 no", "421 no"), (site.Destination, site.Messages, site.Limit, site.Reason, site.LastReply));
        Assert.Equal((Now.AddMinutes(9), Now.AddHours(-1)), (site.NextAttempt, site.WaitingSince));
        Assert.Equal(("c.example", "none", null), (other.Destination, other.Limit, other.NextAttempt));
        Assert.Equal(2, shown.Servers);
    }

    [Fact]
    public void What_is_not_due_waits_for_its_time()
    {
        var shown = Show([Backlog("a.example", 1, Now.AddHours(2))], Report());

        var site = Assert.Single(shown.Destinations);
        Assert.Equal(("schedule", Now.AddHours(2)), (site.Limit, site.NextAttempt));
    }

    [Fact]
    public void Without_a_server_nothing_due_is_delivered()
    {
        var shown = Show([Backlog("", 2, Now)]);

        Assert.Equal(("(several domains)", "no server"), (shown.Destinations[0].Destination, shown.Destinations[0].Limit));
    }

    [Fact]
    public void A_destination_whose_messages_a_node_holds_is_shown_though_none_waits()
    {
        var shown = Show([], Report(View("mx.example", BindingLimit.Concurrency, null) with { Held = 20 }));

        Assert.Equal((0L, 20, "concurrency"), shown.Destinations[0] is var site ? (site.Messages, site.Held, site.Limit) : default);
    }

    static ShownQueue Show((BacklogView, string)[] backlogs, params NodeReport[] reports) =>
        ShownQueue.Of(new QueueSummary(0, 0, null, 0), backlogs, reports, Now);

    static (BacklogView, string) Backlog(string domain, long waiting, DateTimeOffset due) =>
        (
            new BacklogView(
                new Backlog(new BacklogKey(Tenant, domain), due), waiting, new MessageId(Guid.CreateVersion7(Now.AddHours(-1))), null),
            "acme");

    static NodeReport Report(params DestinationView[] views) => new(new NodeId(Guid.CreateVersion7(Now)), Now, views);

    static DestinationView View(string key, BindingLimit binds, DateTimeOffset? until) =>
        new(key, [], 0, 0, 5, binds, until, null, null, null);
}
