using Postrider.Engine.Delivery.Shaping;
using Postrider.Engine.Messages;

namespace Postrider.Store.Conformance;

public abstract class DestinationReportConformance<TFixture> : StoreConformance<TFixture> where TFixture : StoreFixture, new()
{
    static readonly TimeSpan Fresh = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task A_report_reads_back_as_it_was_and_takes_the_place_of_the_one_before()
    {
        var node = NewNode();
        await PublishAsync(node, View("old.example"));
        var replaced = View("mx1.example,mx2.example") with
        {
            Domains = ["a.example", "b.example"], Binds = BindingLimit.BackOff, Until = Store.Now.AddMinutes(5),
            Reason = "421 4.7.0 \"später\"", LastReply = "451 4.7.1 langsam\u0007", LastReplyAt = Store.Now,
        };
        await PublishAsync(node, replaced);

        var report = Assert.Single(await ReadAsync());

        Assert.Equal((node, Store.Now), (report.Node, report.At));
        Assert.Equivalent(replaced, Assert.Single(report.Destinations), strict: true);
    }

    [Fact]
    public async Task Each_node_has_its_own_until_it_withdraws_it_or_falls_silent()
    {
        var (silent, leaving, living) = (NewNode(), NewNode(), NewNode());
        await PublishAsync(silent, View("a.example"));
        Store.Time.Advance(Fresh * 2);
        await PublishAsync(leaving, View("b.example"));
        await PublishAsync(living, View("c.example"));

        var fresh = await ReadAsync();
        var all = await Store.Reports.ReportsAsync(DateTimeOffset.UnixEpoch, CancellationToken.None);
        await Store.Reports.WithdrawAsync(leaving, CancellationToken.None);
        await Store.Reports.PublishAsync(new NodeReport(living, Store.Now, []), forgetBefore: Store.Now - Fresh, CancellationToken.None);
        var left = await Store.Reports.ReportsAsync(DateTimeOffset.UnixEpoch, CancellationToken.None);

        Assert.Equal([leaving, living], fresh.Select(report => report.Node).OrderBy(node => node.Value));
        Assert.Equal(3, all.Count);
        Assert.Equal(living, Assert.Single(left).Node);
        Assert.Empty(left[0].Destinations);
    }

    [Fact]
    public async Task A_backlog_tells_which_message_has_waited_longest()
    {
        var first = await Sample.AcceptAsync();
        Store.Time.Advance(TimeSpan.FromHours(1));
        await Sample.AcceptAsync();

        var view = Assert.Single(await Store.Queue.DescribeBacklogsAsync(null, 10, CancellationToken.None));

        Assert.Equal((2L, first.Id), (view.Waiting, view.Oldest));
    }

    NodeId NewNode() => new(Store.Ids.Next());

    Task PublishAsync(NodeId node, DestinationView view) =>
        Store.Reports.PublishAsync(new NodeReport(node, Store.Now, [view]), DateTimeOffset.UnixEpoch, CancellationToken.None);

    Task<IReadOnlyList<NodeReport>> ReadAsync() => Store.Reports.ReportsAsync(Store.Now - Fresh, CancellationToken.None);

    static DestinationView View(string key) => new(key, [], 3, 2, 5, BindingLimit.Rate, null, null, null, null);
}
