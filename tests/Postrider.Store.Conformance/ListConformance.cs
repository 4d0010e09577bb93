using Postrider.Engine.Messages;

namespace Postrider.Store.Conformance;

public abstract class ListConformance<TFixture> : StoreConformance<TFixture> where TFixture : StoreFixture, new()
{
    [Fact]
    public async Task A_list_shows_newest_first_what_a_list_shows()
    {
        var batch = await Sample.AddBatchAsync();
        var first = await Sample.AcceptAsync();
        var second = await Sample.AcceptAsync(message => message with
        {
            Subject = "Second",
            Recipients = [Sample.To("A@example.net"), new(RecipientKind.Cc, Sample.Address("c@example.net")), Sample.To("b@example.net")],
            Categories = ["x", "y"],
            TemplateId = "d-7",
            Batch = batch,
        });

        var page = await Sample.ListAsync();

        Assert.Equal([second.Id, first.Id], page.Items.Select(item => item.Id));
        Assert.Equal((2L, null), (page.Total, page.Next));
        var item = page.Items[0];
        Assert.Equal(("Second", "Billing@mail.acme.test", "Acme Billing"), (item.Subject, item.FromEmail, item.FromName));
        Assert.Equal(
            (["A@example.net", "b@example.net"], ["x", "y"]), (item.ToEmails.ToArray(), item.Categories.ToArray()), PairOfSequences);
        Assert.Equal(("d-7", batch, MessageStatus.Queued, null), (item.TemplateId, item.Batch, item.Status, item.SettledAt));
    }

    [Fact]
    public async Task Each_filter_gives_exactly_the_messages_it_holds_for_alone_and_with_every_other()
    {
        var population = await PopulateAsync();
        (string Name, Func<MessageFilter, MessageFilter> Set, Func<MessageView, bool> Holds)[] filters =
        [
            ("settled", filter => filter with { Statuses = [MessageStatus.Delivered] }, view => view.Status == MessageStatus.Delivered),
            ("live and settled", filter => filter with { Statuses = [MessageStatus.Sent, MessageStatus.Queued, MessageStatus.Sandbox] },
                view => view.Status is MessageStatus.Sent or MessageStatus.Queued or MessageStatus.Sandbox),
            ("leased", filter => filter with { Statuses = [MessageStatus.Processing, MessageStatus.Sending] },
                view => view.Status is MessageStatus.Processing or MessageStatus.Sending),
            ("recipient", filter => filter with { RecipientKey = "even@example.net" },
                view => view.Message.Recipients.Any(recipient => recipient.Address.Mailbox.Key == "even@example.net")),
            (
                "from", filter => filter with { FromKey = "other@mail.acme.test" },
                view => view.Message.From.Mailbox.Key == "other@mail.acme.test"),
            ("subject", filter => filter with { Subject = "GRÜSSE 1" },
                view => view.Message.Subject.Contains("grüsse 1", StringComparison.OrdinalIgnoreCase)),
            ("batch", filter => filter with { Batch = population[0].Batch }, view => view.Message.Batch == population[0].Batch),
            ("template", filter => filter with { TemplateId = "d-1" }, view => view.Message.TemplateId == "d-1"),
            ("category", filter => filter with { Category = "news" }, view => view.Message.Categories.Contains("news")),
            (
                "from time", filter => filter with { CreatedFrom = population[5].Id.CreatedAt },
                view => view.Message.Id.CreatedAt >= population[5].Id.CreatedAt),
            ("before time", filter => filter with { CreatedBefore = population[20].Id.CreatedAt },
                view => view.Message.Id.CreatedAt < population[20].Id.CreatedAt),
        ];
        var views = new List<MessageView>();
        foreach (var message in population)
            views.Add(await Sample.ViewAsync(message.Id));

        foreach (var one in filters)
        {
            foreach (var other in filters)
            {
                var page = await Sample.ListAsync(other.Set(one.Set(new MessageFilter())));

                // The second of two status filters replaces the first.
                var expected = views.Where(view => other.Holds(view) && (IsStatus(one.Name) && IsStatus(other.Name) || one.Holds(view)))
                    .Select(view => view.Message.Id).OrderDescending(ById).ToArray();
                Assert.True(expected.SequenceEqual(page.Items.Select(item => item.Id)), $"{one.Name} and {other.Name}");
                Assert.True(expected.Length == page.Total, $"total of {one.Name} and {other.Name}: {page.Total}, not {expected.Length}");
            }
        }
        Assert.All(filters, filter => Assert.InRange(views.Count(filter.Holds), 1, views.Count - 1));
    }

    [Fact]
    public async Task A_message_to_one_address_twice_is_listed_once()
    {
        await Sample.AcceptAsync(message => message with
        {
            Recipients = [Sample.To("bo@example.net"), new StoredRecipient(RecipientKind.Cc, Sample.Address("BO@example.net"))],
        });

        var page = await Sample.ListAsync(new MessageFilter { RecipientKey = "bo@example.net" });

        Assert.Single(page.Items);
        Assert.Equal(1, page.Total);
    }

    [Fact]
    public async Task Keyset_pages_have_no_gaps_and_no_duplicates_while_messages_come_in()
    {
        var ids = new List<MessageId>();
        for (var i = 0; i < 23; i++)
            ids.Add((await Sample.AcceptAsync()).Id);
        ids.Reverse();

        var seen = new List<MessageId>();
        MessageId? after = null;
        do
        {
            var page = await Sample.ListAsync(page: new PageRequest(after, 0, 5));
            seen.AddRange(page.Items.Select(item => item.Id));
            after = page.Next;
            await Sample.AcceptAsync();
        }
        while (after is not null);

        Assert.Equal(ids, seen);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Skipping_gives_the_pages_that_keys_give(int statuses)
    {
        var filter =
            new MessageFilter { Statuses = statuses == 0 ? [] : [MessageStatus.Queued, MessageStatus.Processing, MessageStatus.Delivered] };
        for (var i = 0; i < 20; i++)
            await Sample.AcceptAsync();
        foreach (var leased in (await Sample.ClaimAsync(limit: 8)).Where((_, i) => i % 2 == 0))
            await Sample.SettleAsync(Sample.Delivered(leased.Key));
        var all = (await Sample.ListAsync(filter)).Items.Select(item => item.Id).ToArray();
        Assert.Equal(20, all.Length);

        for (var skip = 0; skip <= 21; skip++)
        {
            var page = await Sample.ListAsync(filter, new PageRequest(null, skip, 6));
            Assert.Equal(all.Skip(skip).Take(6), page.Items.Select(item => item.Id));
            Assert.Equal(skip + 6 < 20 ? page.Items[^1].Id : null, page.Next);
            Assert.Equal(20, page.Total);
        }
        var deep = await Sample.ListAsync(filter, new PageRequest(all[3], 2, 4));
        Assert.Equal(all[6..10], deep.Items.Select(item => item.Id));
    }

    [Fact]
    public async Task Whole_days_are_totalled_by_the_counters()
    {
        await Sample.AcceptAsync();
        Store.Time.Advance(TimeSpan.FromDays(1));
        await Sample.SettleAsync(Sample.Delivered(await Sample.SendingAsync()));    // the older one, yesterday's
        var midnight = new DateTimeOffset(Store.Now.Date, TimeSpan.Zero);

        var today = await Sample.ListAsync(new MessageFilter { CreatedFrom = midnight, CreatedBefore = midnight.AddDays(1) });
        var yesterday = await Sample.ListAsync(new MessageFilter { CreatedBefore = midnight, Statuses = [MessageStatus.Delivered] });
        var none = await Sample.ListAsync(new MessageFilter { CreatedFrom = midnight.AddDays(1) });

        Assert.Equal((1L, 1L, 0L), (today.Total, yesterday.Total, none.Total));
        Assert.Equal((1, 1, 0), (today.Items.Count, yesterday.Items.Count, none.Items.Count));
    }

    [Fact]
    public async Task No_read_shows_another_tenants_data()
    {
        var content = Sample.Content("mine");
        var batch = await Sample.AddBatchAsync();
        var message = Sample.Message(message => message with { Body = content.Hash, Batch = batch, Categories = ["c"], TemplateId = "t" });
        await Sample.AcceptAsync(Sample.Acceptance(message) with { Contents = [content] });
        var other = await Sample.AddTenantAsync("other");
        var cancel = CancellationToken.None;

        Assert.Null(await Store.Messages.FindAsync(other, message.Message.Id, cancel));
        Assert.Null(await Store.Batches.FindAsync(other, batch, cancel));
        Assert.Null(await Store.Contents.ReadAsync(other, content.Hash, cancel));
        await using var stream = Store.Contents.Open(other, content.Hash);
        await Assert.ThrowsAsync<FileNotFoundException>(async () => await stream.ReadExactlyAsync(new byte[1], cancel));
        foreach (var filter in (MessageFilter[])
        [
            new(), new() { Statuses = [MessageStatus.Queued] }, new() { RecipientKey = "bo@example.net" },
            new() { FromKey = "billing@mail.acme.test" },
            new() { Subject = "Invoice" }, new() { Batch = batch }, new() { TemplateId = "t" }, new() { Category = "c" },
        ])
        {
            var page = await Store.Messages.ListAsync(other, filter, new PageRequest(null, 0, 10), cancel);
            Assert.Equal((0, 0L), (page.Items.Count, page.Total));
            Assert.Equal(1, (await Sample.ListAsync(filter)).Total);
        }
        Assert.Equal(Sample.Tenant, await Store.Messages.FindTenantOfAsync(message.Message.Id, cancel));
        Assert.Null(await Store.Messages.FindTenantOfAsync(new MessageId(Store.Ids.Next()), cancel));
    }

    static IComparer<MessageId> ById => Comparer<MessageId>.Create((a, b) => string.CompareOrdinal(a.ToString(), b.ToString()));

    static bool IsStatus(string name) => name is "settled" or "live and settled" or "leased";

    static bool PairOfSequences((string[] First, string[] Second) a, (string[] First, string[] Second) b) =>
        a.First.SequenceEqual(b.First) && a.Second.SequenceEqual(b.Second);

    /// <summary>Thirty messages, a second apart, that differ in everything and are spread over the statuses.</summary>
    async Task<List<StoredMessage>> PopulateAsync()
    {
        var batch = await Sample.AddBatchAsync();
        var population = new List<StoredMessage>();
        for (var i = 0; i < 30; i++)
        {
            Store.Time.Advance(TimeSpan.FromSeconds(1));
            population.Add(await Sample.AcceptAsync(message => message with
            {
                From = i % 3 == 0 ? Sample.Address("other@mail.acme.test") : message.From,
                Subject = $"Grüße und grÜsse {i}",
                Recipients = [Sample.To(i % 2 == 0 ? "Even@example.net" : "odd@example.net")],
                Batch = i % 5 == 0 ? batch : null,
                TemplateId = i % 4 == 0 ? "d-1" : null,
                Categories = i % 7 == 0 ? ["news"] : [],
                Sandbox = i % 11 == 10,
            }));
        }
        var leased = await Sample.ClaimAsync(limit: 14);
        for (var i = 0; i < 14; i++)
        {
            var lease = leased[i].Key;
            if (i % 4 > 0)
                Assert.True(
                    await Store.Queue.MarkRenderedAsync(lease, CancellationToken.None)
                        && await Store.Queue.MarkSendingAsync(lease, CancellationToken.None));
            if (i % 4 == 2)
                await Sample.SettleAsync(Sample.Delivered(lease));
            if (i % 4 == 3)
                await Sample.SettleAsync(
                    Sample.Delivered(lease) with { Status = MessageStatus.Sent, Then = Engine.Queue.Continuation.Underway.Instance });
        }
        return population;
    }
}
