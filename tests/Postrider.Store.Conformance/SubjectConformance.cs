using Postrider.Engine.Messages;

namespace Postrider.Store.Conformance;

/// <summary>
/// A search by subject finds each message whose subject holds the text, in any case, and no other; whether the store has already indexed
/// it (the first half of what a test accepts), not yet (the rest), or all of it (each search is made again then).
/// </summary>
public abstract class SubjectConformance<TFixture> : StoreConformance<TFixture> where TFixture : StoreFixture, new()
{
    [Theory]
    [InlineData("Your order 4711 has shipped", "order 4711 has", true)]
    [InlineData("Your order 4711 has shipped", "Your", true)]
    [InlineData("Your order 4711 has shipped", "shipped", true)]
    [InlineData("Your order 4711 has shipped", "Your order 4711 has shipped", true)]
    [InlineData("Your order 4711 has shipped", "Your order 4711 has shipped!", false)]
    [InlineData("Your order 4711 has shipped", "YOUR ORDER", true)]
    [InlineData("Your order 4711 has shipped", "r4711", false)]
    [InlineData("Your order 4711 has shipped", "order 4712", false)]
    [InlineData("Your order 4711 has shipped", "has shipped Your", false)]    // its words, in another order
    [InlineData("abcbcdcde", "abcde", false)]                                 // its trigrams, not together
    [InlineData("ab", "ab", true)]
    [InlineData("ab", "abc", false)]
    [InlineData("Rechnung für Müller", "FÜR MÜL", true)]
    [InlineData("Straße", "STRASSE", false)]                                  // ß has no upper case of one letter
    [InlineData("Η παραγγελία σας", "ΠΑΡΑΓΓΕΛΊΑ", true)]
    [InlineData("Η παραγγελία σας", "παραγγελία Σας", true)]
    [InlineData("Η παραγγελία σας", "παραγγελια", false)]                     // accents count
    [InlineData("Ваш заказ отправлен", "ЗАКАЗ ОТ", true)]
    [InlineData("Ваш заказ отправлен", "вАШ", true)]
    [InlineData("ご注文の確認", "注文の", true)]
    [InlineData("ご注文の確認", "文の確認", true)]
    [InlineData("ご注文の確認", "注文確認", false)]
    [InlineData("İstanbul ve ışık", "İstanbul", true)]
    [InlineData("İstanbul ve ışık", "istanbul", false)]                       // no language's own rules: İ is not I
    [InlineData("İstanbul ve ışık", "VE IŞIK", false)]                        // nor is ı
    [InlineData("İstanbul ve ışık", "ışı", true)]
    [InlineData("𐐨𐐩𐐪 deseret", "𐐀𐐁𐐂", true)]                                  // case outside of the basic plane
    [InlineData("Party 🎉🎉🎉 today", "🎉🎉🎉", true)]
    [InlineData("Party 🎉🎉🎉 today", "🎉🎉🎉🎉", false)]
    public async Task Finds_a_part_of_a_subject_in_any_case_and_script(string subject, string part, bool found) =>
        await AssertFoundAsync(subject, part, found);

    [Theory]
    [InlineData("Save 100% today", "100% t", true)]
    [InlineData("Save 1000 today", "100% t", false)]
    [InlineData("snake_case_name", "e_case_n", true)]
    [InlineData("snake-case-name", "e_case_n", false)]
    [InlineData("She said \"yes\"", "said \"yes\"", true)]
    [InlineData("She said yes", "\"said yes\"", false)]
    [InlineData("unbalanced \" quote", "d \" q", true)]
    [InlineData("it's here", "it's", true)]
    [InlineData("five * star", "e * s", true)]
    [InlineData("five star", "five*", false)]
    [InlineData("re: -urgent- (NEAR you)", "(NEAR you)", true)]
    [InlineData("re: -urgent- (NEAR you)", "-urgent", true)]
    [InlineData("re: -urgent- (NEAR you)", "re: -", true)]
    [InlineData("re: -urgent- (NEAR you)", "NEAR(re you)", false)]
    [InlineData("salt AND pepper", "salt AND pepper", true)]
    [InlineData("salt AND pepper", "salt OR pepper", false)]
    [InlineData("salt AND pepper", "pepper NOT salt", false)]
    [InlineData("gram:word ^caret {brace} +plus", "gram:word ^caret {brace} +plus", true)]
    [InlineData("back\\slash", "k\\sla", true)]
    [InlineData("   three spaces", "   ", true)]
    [InlineData("two  spaces", "   ", false)]
    public async Task Wildcards_and_syntax_of_any_kind_are_only_characters(string subject, string part, bool found) =>
        await AssertFoundAsync(subject, part, found);

    [Fact]
    public async Task Parts_of_every_length_find_what_holds_them()
    {
        string[] subjects = ["Invoice 881 of May", "invoice 88", "IN", "v", "", "Un mot accentué: évènement", "請求書 881", "881"];
        var accepted = await AcceptAsync(subjects);
        var parts = subjects.SelectMany(subject => Enumerable.Range(1, 6)
            .SelectMany(
                length => Enumerable.Range(0, Math.Max(0, subject.Length - length + 1)).Select(begin => subject.Substring(begin, length))))
            .Append(new string('x', 400)).Append(string.Join(' ', subjects)).Distinct().ToArray();
        Assert.InRange(parts.Length, 150, 500);

        foreach (var part in parts)
            await AssertFoundAsync(accepted, new MessageFilter { Subject = part });
        await Store.CatchUpAsync();
        foreach (var part in parts)
            await AssertFoundAsync(accepted, new MessageFilter { Subject = part });
    }

    [Fact]
    public async Task Another_tenants_messages_are_never_found()
    {
        var mine = await AcceptAsync("Secret plan of ours", "Secret plan of ours");
        var other = await Sample.AddTenantAsync("other");
        var theirs = await Sample.AcceptAsync(message => message with { Tenant = other, Subject = "Secret plan of theirs" });

        foreach (var part in (string[])["Secret plan", "ours", "theirs", "ou", "ecr"])
        {
            for (var round = 0; round < 2; round++)
            {
                await AssertFoundAsync(mine, new MessageFilter { Subject = part });
                var page = await Store.Messages.ListAsync(
                    other, new MessageFilter { Subject = part }, new PageRequest(null, 0, 100), CancellationToken.None);
                Assert.Equal(
                    theirs.Subject.Contains(part, StringComparison.Ordinal) ? [theirs.Id] : [], page.Items.Select(item => item.Id));
                Assert.Equal(page.Items.Count, page.Total);
                await Store.CatchUpAsync();
            }
        }
    }

    [Fact]
    public async Task A_search_holds_together_with_every_other_filter()
    {
        var batch = await Sample.AddBatchAsync();
        var accepted = new List<StoredMessage>();
        for (var i = 0; i < 32; i++)
        {
            Store.Time.Advance(TimeSpan.FromSeconds(1));
            accepted.Add(await Sample.AcceptAsync(message => message with
            {
                Subject = i % 3 == 0 ? $"Invoice {i}" : $"Receipt {i}",
                From = i % 2 == 0 ? Sample.Address("other@mail.acme.test") : message.From,
                Recipients = [Sample.To(i % 4 == 0 ? "four@example.net" : "bo@example.net")],
                Batch = i % 5 == 0 ? batch : null,
                TemplateId = i % 2 == 1 ? "d-1" : null,
                Categories = i % 4 < 2 ? ["news", "all"] : ["all"],
                Sandbox = i % 7 == 0,
            }));
            if (i == 16)
                await Store.CatchUpAsync();
        }
        (MessageFilter Filter, Func<StoredMessage, bool> Holds)[] filters =
        [
            (new() { FromKey = "other@mail.acme.test" }, message => message.From.Mailbox.Key == "other@mail.acme.test"),
            (new() { RecipientKey = "four@example.net" }, message => message.Recipients[0].Address.Mailbox.Key == "four@example.net"),
            (new() { Batch = batch }, message => message.Batch == batch),
            (new() { TemplateId = "d-1" }, message => message.TemplateId == "d-1"),
            (new() { Category = "news" }, message => message.Categories.Contains("news")),
            (new() { Category = "all", Batch = batch }, message => message.Batch == batch),
            (new() { Statuses = [MessageStatus.Queued] }, message => !message.Sandbox),
            (new() { Statuses = [MessageStatus.Sandbox, MessageStatus.Sent] }, message => message.Sandbox),
            (new() { CreatedFrom = accepted[9].Id.CreatedAt, CreatedBefore = accepted[27].Id.CreatedAt },
                message => message.Id.CreatedAt >= accepted[9].Id.CreatedAt && message.Id.CreatedAt < accepted[27].Id.CreatedAt),
            (
                new()
                {
                    Category = "news", FromKey = "other@mail.acme.test", Statuses = [MessageStatus.Queued],
                    CreatedFrom = accepted[2].Id.CreatedAt,
                },
                message => message.Categories.Contains("news") && message.From.Mailbox.Key == "other@mail.acme.test" && !message.Sandbox
                    && message.Id.CreatedAt >= accepted[2].Id.CreatedAt),
        ];

        for (var round = 0; round < 2; round++)
        {
            foreach (var (filter, holds) in filters)
            {
                Assert.InRange(accepted.Count(holds), 1, accepted.Count - 1);
                foreach (var part in (string[])["invoice", "RECEIPT 1", "in", "nothing"])
                    await AssertFoundAsync(accepted.Where(holds), filter with { Subject = part });
            }
            await Store.CatchUpAsync();
        }
    }

    [Fact]
    public async Task Pages_have_no_gaps_and_no_duplicates_while_messages_come_in_and_are_indexed()
    {
        var wanted = new List<MessageId>();
        for (var i = 0; i < 46; i++)
        {
            var message = await Sample.AcceptAsync(message => message with { Subject = i % 2 == 0 ? $"Wanted {i}" : $"Other {i}" });
            if (i % 2 == 0)
                wanted.Insert(0, message.Id);
            if (i == 20)
                await Store.CatchUpAsync();
        }

        var seen = new List<MessageId>();
        MessageId? after = null;
        var total = 23;
        do
        {
            var page = await Sample.ListAsync(new MessageFilter { Subject = "wanted" }, new PageRequest(after, 0, 5));
            Assert.Equal(total++, page.Total);
            seen.AddRange(page.Items.Select(item => item.Id));
            after = page.Next;
            await Sample.AcceptAsync(message => message with { Subject = "Wanted too" });
            if (seen.Count > 10)
                await Store.CatchUpAsync();
        }
        while (after is not null);

        Assert.Equal(wanted, seen);
    }

    [Fact]
    public async Task Skipping_gives_the_pages_that_keys_give()
    {
        var accepted = await AcceptAsync([.. Enumerable.Range(0, 20).Select(i => $"Notice {i}")]);
        var all = accepted.Select(message => message.Id).Reverse().ToArray();

        for (var skip = 0; skip <= 21; skip++)
        {
            var page = await Sample.ListAsync(new MessageFilter { Subject = "notice" }, new PageRequest(null, skip, 6));
            Assert.Equal(all.Skip(skip).Take(6), page.Items.Select(item => item.Id));
            Assert.Equal(skip + 6 < 20 ? page.Items[^1].Id : null, page.Next);
            Assert.Equal(20, page.Total);
        }
        var deep = await Sample.ListAsync(new MessageFilter { Subject = "notice" }, new PageRequest(all[3], 2, 4));
        Assert.Equal(all[6..10], deep.Items.Select(item => item.Id));
        Assert.Equal(20, deep.Total);
    }

    [Fact]
    public async Task Newest_is_by_id_not_by_the_order_of_arrival()
    {
        var messages = Enumerable.Range(0, 6).Select(i => Sample.Message(message => message with { Subject = $"Notice {i}" })).ToArray();
        foreach (var i in (int[])[3, 0, 5, 1])
            await Sample.AcceptAsync(Sample.Acceptance(messages[i]));
        await Store.CatchUpAsync();
        foreach (var i in (int[])[4, 2])
            await Sample.AcceptAsync(Sample.Acceptance(messages[i]));

        var page = await Sample.ListAsync(new MessageFilter { Subject = "notice" });

        Assert.Equal(messages.Reverse().Select(message => message.Message.Id), page.Items.Select(item => item.Id));
    }

    [Fact]
    public async Task A_message_that_is_accepted_is_found_at_once()
    {
        for (var i = 0; i < 20; i++)
        {
            await Sample.AcceptAsync(message => message with { Subject = $"Arrival {i}" });
            Assert.Equal(i + 1, (await Sample.ListAsync(new MessageFilter { Subject = "arrival" })).Total);
            if (i % 3 == 0)
                await Store.CatchUpAsync();
        }
    }

    async Task AssertFoundAsync(string subject, string part, bool found)
    {
        Assert.Equal(found, subject.Contains(part, StringComparison.OrdinalIgnoreCase));
        var accepted = await AcceptAsync(subject, "Something else", subject);

        await AssertFoundAsync(accepted, new MessageFilter { Subject = part });
        await Store.CatchUpAsync();
        await AssertFoundAsync(accepted, new MessageFilter { Subject = part });
    }

    async Task AssertFoundAsync(IEnumerable<StoredMessage> among, MessageFilter filter)
    {
        var expected = among.Where(message => message.Subject.Contains(filter.Subject!, StringComparison.OrdinalIgnoreCase))
            .Select(message => message.Id).Reverse().ToArray();

        var page = await Sample.ListAsync(filter);

        Assert.True(
            expected.SequenceEqual(page.Items.Select(item => item.Id)), $"{filter}: {page.Items.Count} found, not {expected.Length}");
        Assert.Equal(expected.Length, page.Total);
    }

    /// <summary>One message a subject; the first half is indexed when the rest comes.</summary>
    async Task<List<StoredMessage>> AcceptAsync(params string[] subjects)
    {
        var accepted = new List<StoredMessage>();
        foreach (var subject in subjects)
        {
            accepted.Add(await Sample.AcceptAsync(message => message with { Subject = subject }));
            if (accepted.Count == subjects.Length / 2)
                await Store.CatchUpAsync();
        }
        return accepted;
    }
}
