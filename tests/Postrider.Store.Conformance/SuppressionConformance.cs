using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Engine.Suppressions;

namespace Postrider.Store.Conformance;

public abstract class SuppressionConformance<TFixture> : StoreConformance<TFixture> where TFixture : StoreFixture, new()
{
    static readonly SuppressionScope Bounces = new(SuppressionList.Bounces);
    static readonly SuppressionScope Global = new(SuppressionList.GlobalUnsubscribes);

    static CancellationToken Cancel => CancellationToken.None;

    [Fact]
    public async Task A_row_is_read_as_it_was_written()
    {
        var row = Row(SuppressionList.Bounces, "Ada@Example.net") with
        {
            Reason = "550 5.1.1 no such user", BounceType = BounceType.Hard, Status = "5.1.1", Message = new MessageId(Store.Ids.Next()),
        };
        await AddAsync(row);

        Assert.Equal(row, Assert.Single(await FindAsync("ada@example.net")));
        Assert.Equal(row, Assert.Single((await ListAsync(Bounces)).Items));
    }

    [Fact]
    public async Task Only_what_blocks_is_found_for_an_address_and_of_any_case()
    {
        await AddAsync(
            Bounce("soft@example.net", BounceType.Soft), Bounce("block@example.net", BounceType.Block),
            Bounce("hard@example.net", BounceType.Hard),
            Row(SuppressionList.SpamReports, "Spam@example.net"), Row(SuppressionList.GlobalUnsubscribes, "spam@example.net"),
            Row(SuppressionList.GroupUnsubscribes, "spam@example.net", 11), Row(SuppressionList.GroupUnsubscribes, "spam@example.net", 12));

        var found = await FindAsync("soft@example.net", "block@example.net", "hard@example.net", "spam@example.net", "nobody@example.net");

        Assert.Equal(
            [("hard@example.net", SuppressionList.Bounces, 0), ("spam@example.net", SuppressionList.SpamReports, 0),
                ("spam@example.net", SuppressionList.GlobalUnsubscribes, 0), ("spam@example.net", SuppressionList.GroupUnsubscribes, 11),
                ("spam@example.net", SuppressionList.GroupUnsubscribes, 12)],
            found.Select(row => (row.Address.Key, row.List, row.Group)).Order());
        Assert.Empty(await Store.Suppressions.FindBlockingAsync(await Sample.AddTenantAsync("other"), ["hard@example.net"], Cancel));
    }

    [Fact]
    public async Task A_bounce_list_keeps_the_newest_rows_of_an_address_and_type_and_other_lists_one()
    {
        await AddAsync(Bounce("ada@example.net", BounceType.Hard));
        for (var i = 0; i < Suppression.MostOfOneAddress + 3; i++)
            await AddAsync(
                Bounce("ada@example.net", BounceType.Soft) with { Reason = $"soft {i}" },
                Row(SuppressionList.SpamReports, "ada@example.net"));
        await AddAsync(Row(SuppressionList.SpamReports, "bob@example.net"), Row(SuppressionList.SpamReports, "Bob@example.net"));

        var bounces = await ListAsync(Bounces);
        var reports = await ListAsync(new SuppressionScope(SuppressionList.SpamReports));

        Assert.Equal(Suppression.MostOfOneAddress + 1, bounces.Total);
        Assert.Single(bounces.Items, row => row.BounceType == BounceType.Hard);
        Assert.Equal(
            Enumerable.Range(3, Suppression.MostOfOneAddress).Select(i => $"soft {i}").Order(),
            bounces.Items.Where(row => row.BounceType == BounceType.Soft).Select(row => row.Reason).Order());
        Assert.Equal(["ada@example.net", "bob@example.net"], reports.Items.Select(row => row.Address.Key).Order());
    }

    [Fact]
    public async Task A_list_is_paged_newest_first_and_filtered_by_time_address_and_type()
    {
        var start = Store.Now;
        for (var i = 0; i < 5; i++)
        {
            await AddAsync(Bounce($"u{i}@example.net", i % 2 == 0 ? BounceType.Hard : BounceType.Block));
            Store.Time.Advance(TimeSpan.FromSeconds(10));
        }

        Assert.Equal("4 3 2 1 0 of 5", await ShownAsync(new(Bounces)));
        Assert.Equal("2 1 of 5", await ShownAsync(new(Bounces), offset: 2, limit: 2));
        Assert.Equal(" of 5", await ShownAsync(new(Bounces), offset: 5));
        Assert.Equal(
            "3 2 of 2", await ShownAsync(new(Bounces) { CreatedFrom = start.AddSeconds(20), CreatedBefore = start.AddSeconds(40) }));
        Assert.Equal("3 1 of 2", await ShownAsync(new(Bounces with { BounceType = BounceType.Block })));
        Assert.Equal("2 of 1", await ShownAsync(new(Bounces) { AddressKey = "u2@example.net" }));
        Assert.Equal(" of 0", await ShownAsync(new(Bounces with { BounceType = BounceType.Soft }) { AddressKey = "u2@example.net" }));
        Assert.Equal(" of 0", await ShownAsync(new(Global)));
    }

    [Fact]
    public async Task Removing_takes_the_addresses_of_one_list_or_group_or_type_and_of_one_tenant()
    {
        var other = await Sample.AddTenantAsync("other");
        await AddAsync(
            Bounce("ada@example.net", BounceType.Hard), Bounce("ada@example.net", BounceType.Block),
            Row(SuppressionList.GlobalUnsubscribes, "ada@example.net"),
            Row(SuppressionList.GroupUnsubscribes, "ada@example.net", 1), Row(SuppressionList.GroupUnsubscribes, "ada@example.net", 2));
        await Store.Suppressions.AddAsync(other, [Bounce("ada@example.net", BounceType.Hard)], Cancel);

        Assert.Equal(1, await RemoveAsync(Bounces with { BounceType = BounceType.Block }));
        Assert.Equal(1, await RemoveAsync(new(SuppressionList.GroupUnsubscribes, 2)));
        Assert.Equal(0, await RemoveAsync(new(SuppressionList.SpamReports)));
        Assert.Equal(
            [(SuppressionList.Bounces, 0), (SuppressionList.GlobalUnsubscribes, 0), (SuppressionList.GroupUnsubscribes, 1)],
            (await FindAsync("ada@example.net")).Select(row => (row.List, row.Group)).Order());
        Assert.Equal(1, await RemoveAsync(Bounces));
        Assert.Single(await Store.Suppressions.FindBlockingAsync(other, ["ada@example.net"], Cancel));

        Task<int> RemoveAsync(SuppressionScope scope) =>
            Store.Suppressions.RemoveAsync(Sample.Tenant, scope, ["ada@example.net", "x@example.net"], Cancel);
    }

    [Fact]
    public async Task Clearing_empties_a_list_of_any_length_and_nothing_else()
    {
        var other = await Sample.AddTenantAsync("other");
        await Store.Suppressions.AddAsync(other, [Bounce("ada@example.net", BounceType.Hard)], Cancel);
        await AddAsync([.. Enumerable.Range(0, 1_100).Select(i => Bounce($"u{i}@example.net", BounceType.Hard))]);
        await AddAsync(Bounce("u1@example.net", BounceType.Soft), Row(SuppressionList.GlobalUnsubscribes, "u1@example.net"));

        await Store.Suppressions.ClearAsync(Sample.Tenant, Bounces with { BounceType = BounceType.Hard }, Cancel);

        Assert.Equal(1, (await ListAsync(Bounces)).Total);
        Assert.Equal(1, (await ListAsync(Global)).Total);
        Assert.Single(await Store.Suppressions.FindBlockingAsync(other, ["ada@example.net"], Cancel));
    }

    [Fact]
    public async Task A_settlement_writes_its_bounce_with_its_event_once_and_a_lost_lease_writes_none()
    {
        var lease = await Sample.SendingAsync();
        var settlement = Bounced(lease);

        Assert.False(await Sample.SettleAsync(settlement with { Lease = lease with { Generation = lease.Generation - 1 } }));
        Assert.Empty(await FindAsync("bo@example.net"));
        Assert.True(await Sample.SettleAsync(settlement));
        await Sample.SettleAsync(settlement);

        var row = Assert.Single(await FindAsync("bo@example.net"));
        Assert.Equal((settlement.Events[0].Id.Value, lease.Message), (row.Id, row.Message!.Value));
        Assert.Equal(MessageStatus.Bounced, (await Sample.ViewAsync(lease.Message)).Status);
    }

    [Fact]
    public async Task Settlements_that_share_a_commit_each_write_their_own()
    {
        for (var i = 0; i < 20; i++)
            await Sample.AcceptAsync();
        var leases = await Sample.ClaimAsync();

        await Task.WhenAll(
            leases.Select((leased, i) => Sample.SettleAsync(i % 2 == 0 ? Bounced(leased.Key) : Sample.Delivered(leased.Key))));

        Assert.Equal(Suppression.MostOfOneAddress, (await ListAsync(Bounces)).Total);
    }

    [Fact]
    public async Task What_is_decided_about_one_recipient_leaves_it_open_whether_another_is_being_sent_to()
    {
        await Sample.AcceptAsync();
        var lease = await Sample.ClaimOneAsync();
        var dropped = Sample.Delivered(lease) with
        {
            Recipients = [], Events = [Sample.Event(EventType.Dropped)], Status = MessageStatus.Sending, SentAt = null,
            Then = Continuation.Underway.Instance,
        };

        Assert.True(await Sample.SettleAsync(dropped));
        Assert.Equal(MessageStatus.Processing, (await Sample.ViewAsync(lease.Message)).Status);
        Assert.True(await Store.Queue.MarkSendingAsync(lease, Cancel));
        Assert.True(await Sample.SettleAsync(dropped with { Events = [] }));
        Assert.Equal(MessageStatus.Sending, (await Sample.ViewAsync(lease.Message)).Status);
    }

    [Fact]
    public async Task Groups_have_names_of_their_own_and_numbers_that_never_come_back()
    {
        var digest = await AddGroupAsync("Digest");
        var news = await AddGroupAsync("News");
        Assert.Equal((1, 2), (digest!.Id, news!.Id));
        Assert.Null(await AddGroupAsync("News"));
        Assert.False(await Store.Groups.ChangeGroupAsync(Sample.Tenant, digest with { Name = "News" }, Cancel));
        Assert.True(await Store.Groups.ChangeGroupAsync(Sample.Tenant, digest with { Name = "Weekly", IsDefault = true }, Cancel));
        await AddAsync(
            Row(SuppressionList.GroupUnsubscribes, "ada@example.net", 1), Row(SuppressionList.GroupUnsubscribes, "ada@example.net", 2));

        Assert.Equal(
            [new UnsubscribeGroup(1, "Weekly", "About Digest", true) { Unsubscribes = 1 }, news with { Unsubscribes = 1 }],
            await Store.Groups.GroupsAsync(Sample.Tenant, Cancel));
        Assert.True(await Store.Groups.RemoveGroupAsync(Sample.Tenant, 2, Store.Now, Cancel));
        Assert.False(await Store.Groups.RemoveGroupAsync(Sample.Tenant, 2, Store.Now, Cancel));
        Assert.Null(await Store.Groups.FindGroupAsync(Sample.Tenant, 2, Cancel));
        Assert.Equal(1, Assert.Single(await FindAsync("ada@example.net")).Group);
        Assert.Equal(3, (await AddGroupAsync("News"))!.Id);
    }

    [Fact]
    public async Task Groups_are_each_tenants_own()
    {
        await AddGroupAsync("Digest");
        var other = await Sample.AddTenantAsync("other");

        Assert.Null(await Store.Groups.FindGroupAsync(other, 1, Cancel));
        Assert.Empty(await Store.Groups.GroupsAsync(other, Cancel));
        Assert.False(await Store.Groups.RemoveGroupAsync(other, 1, Store.Now, Cancel));
        Assert.False(await Store.Groups.ChangeGroupAsync(other, new UnsubscribeGroup(1, "Mine", "now", false), Cancel));
        Assert.Equal(
            1, (await Store.Groups.AddGroupAsync(other, new UnsubscribeGroup(0, "Digest", "Weekly", false), Store.Now, Cancel))!.Id);
        Assert.Equal("Digest", (await Store.Groups.FindGroupAsync(Sample.Tenant, 1, Cancel))!.Name);
    }

    [Fact]
    public async Task Groups_made_at_once_get_numbers_of_their_own()
    {
        var made = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => AddGroupAsync($"Group {i}")));

        Assert.Equal([1, 2, 3, 4], made.Select(group => group!.Id).Order());
    }

    Task<UnsubscribeGroup?> AddGroupAsync(string name) =>
        Store.Groups.AddGroupAsync(Sample.Tenant, new UnsubscribeGroup(0, name, $"About {name}", false), Store.Now, Cancel);

    Suppression Row(SuppressionList list, string address, int group = 0) => new()
    {
        Id = list == SuppressionList.Bounces ? Store.Ids.Next() : Guid.Empty,
        List = list,
        Group = group,
        Address = Sample.Address(address).Mailbox,
        CreatedAt = Store.Now,
    };

    Suppression Bounce(string address, BounceType type) => Row(SuppressionList.Bounces, address) with { BounceType = type };

    Settlement Bounced(LeaseKey lease)
    {
        var bounce = Sample.Event(
            EventType.Bounce, data: new EventData { BounceType = "hard", BounceReason = "550 5.1.1 gone", Status = "5.1.1" });
        return Sample.Delivered(lease) with
        {
            Recipients = [new Engine.Queue.RecipientOutcome(0, RecipientState.Bounced, "550 5.1.1 gone")],
            Events = [bounce],
            Status = MessageStatus.Bounced,
            SentAt = null,
            Suppressions = [BounceRows.Of(bounce, lease.Message, Sample.Address("bo@example.net").Mailbox)!],
        };
    }

    Task AddAsync(params Suppression[] rows) => Store.Suppressions.AddAsync(Sample.Tenant, rows, Cancel);

    Task<IReadOnlyList<Suppression>> FindAsync(params string[] keys) => Store.Suppressions.FindBlockingAsync(Sample.Tenant, keys, Cancel);

    Task<SuppressionPage> ListAsync(SuppressionScope scope) =>
        Store.Suppressions.ListAsync(Sample.Tenant, new SuppressionFilter(scope), 0, 100, Cancel);

    /// <summary>The numbers of the addresses u0, u1, … that a page shows, and the total.</summary>
    async Task<string> ShownAsync(SuppressionFilter filter, int offset = 0, int limit = 100)
    {
        var page = await Store.Suppressions.ListAsync(Sample.Tenant, filter, offset, limit, Cancel);
        return $"{string.Join(' ', page.Items.Select(row => row.Address.Key[1]))} of {page.Total}";
    }
}
