using System.Text.Json;
using Postrider.Engine.Control;
using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Engine.Suppressions;
using Postrider.Engine.Tenants;
using Postrider.Mail.Addresses;

namespace Postrider.Store.Conformance.Moving;

/// <summary>A store with something of everything in it, and what its ports say of all that.</summary>
sealed class Installation(StoreFixture store)
{
    static readonly byte[] Large = [.. Enumerable.Range(0, 700_000).Select(i => (byte)(i * i >> 7))];

    readonly List<TenantId> _tenants = [];
    readonly List<BatchId> _batches = [];
    readonly List<ContentHash> _contents = [];
    readonly ContentHash _key = ContentHash.Of("a key"u8);

    /// <summary>Messages in every state a store knows, of three tenants, over three months.</summary>
    public static async Task<Installation> FillAsync(StoreFixture store)
    {
        var installation = new Installation(store);
        var sample = await Sample.CreateAsync(store);
        installation._tenants.Add(sample.Tenant);
        for (var month = 0; month < 3; month++)
        {
            await installation.SendAsync(sample, month);
            store.Time.Sleep(TimeSpan.FromDays(31));
        }
        foreach (var name in (string[])["bravo", "charlie"])
        {
            var tenant = await sample.AddTenantAsync(name);
            installation._tenants.Add(tenant);
            await sample.AcceptAsync(message => message with { Tenant = tenant, Subject = $"Of {name}" });
        }
        await installation.SuppressAsync(sample);
        await installation.PauseAsync(sample);
        Assert.True(Domain.TryParse("mail.acme.test", out var domain));
        var sending = new SendingDomain(new DomainId(store.Ids.Next()), sample.Tenant, domain, "s1", [1, 2, 3], store.Now, store.Now);
        await store.Tenants.AddDomainAsync(sending, CancellationToken.None);
        await store.Tenants.AddNextKeyAsync(sending.Id, new NextDkimKey("s2", [4, 5]), CancellationToken.None);
        await store.Tenants.AddKeyAsync(
            new ApiKey(
                new ApiKeyId(store.Ids.Next()), sample.Tenant, Dialect.Postject, "k", "pre", installation._key, ["a", "b"], true, store.Now)
            {
                ExpiresAt = store.Now.AddYears(1),
            },
            CancellationToken.None);
        return installation;
    }

    /// <summary>The last month's batch: its order has only begun.</summary>
    async Task PauseAsync(Sample sample)
    {
        var order = new BatchOrder(new BatchKey(sample.Tenant, _batches[^1]), BatchAction.Pause, store.Now);
        Assert.True(await store.Orders.OrderAsync(order, CancellationToken.None));
    }

    async Task SuppressAsync(Sample sample)
    {
        var group = await store.Groups.AddGroupAsync(
            sample.Tenant, new UnsubscribeGroup(0, "news", "Once a week", IsDefault: true), store.Now, CancellationToken.None);
        await store.Suppressions.AddAsync(
            sample.Tenant,
            [
                new Suppression
                {
                    Id = store.Ids.Next(), List = SuppressionList.Bounces, Address = Sample.Address("Gone@example.net").Mailbox,
                    CreatedAt = store.Now, BounceType = BounceType.Hard, Status = "5.1.1", Reason = "550 5.1.1 No such user",
                },
                new Suppression
                {
                    Id = Guid.Empty, List = SuppressionList.GroupUnsubscribes, Group = group!.Id, CreatedAt = store.Now,
                    Address = Sample.Address("gone@example.net").Mailbox,
                },
            ],
            CancellationToken.None);
    }

    async Task SendAsync(Sample sample, int month)
    {
        var batch = await sample.AddBatchAsync();
        _batches.Add(batch);
        var body = Sample.Content(new MessageBody("text 😀"u8.ToArray(), (byte[])[.. Large, (byte)month]).ToContent());
        var shared = Sample.Content(new MessageBody("the same in each month"u8.ToArray(), Html: null).ToContent());
        var attached = Sample.Content($"attachment {month}");
        _contents.AddRange([body.Hash, shared.Hash, attached.Hash]);
        await sample.AcceptAsync(sample.Acceptance(
            sample.Message(message => message with { Body = body.Hash, Batch = batch, Categories = ["b", "ä", "a"], TemplateId = "d-1" }),
            sample.Message(message => message with
            {
                Body = shared.Hash,
                Settings = new MessageSettings { Attachments = [new("a.txt", "text/plain", null, false, attached.Hash.ToString(), 12)] },
                Recipients = [Sample.To("One@Example.NET"), Sample.To("two@example.net") with { Kind = RecipientKind.Bcc }],
            })) with
        {
            Contents = [body, shared, attached],
            Idempotency = new IdempotencyClaim($"key {month}", ContentHash.Of("request"u8), store.Now.AddDays(400)),
        });
        await sample.AcceptAsync(message => message with { Sandbox = true, Subject = "" });
        await sample.AcceptAsync(message => message with { DueAt = store.Now.AddDays(200) });
        Assert.True(await sample.SettleAsync(sample.Delivered(await sample.SendingAsync()) with
        {
            Recipients = [new RecipientOutcome(0, RecipientState.Delivered, "250 2.0.0 ok \0 é")],
        }));
        Assert.True(await sample.SettleAsync(sample.Delivered(await sample.SendingAsync()) with
        {
            Status = MessageStatus.Bounced,
            Recipients = [new RecipientOutcome(0, RecipientState.Bounced, "550 5.1.1 No such user")],
            ErrorMessage = "550 5.1.1 No such user",
        }));
        Assert.True(await sample.SettleAsync(sample.Deferred(await sample.SendingAsync(), store.Now.AddMinutes(5))));
        // Partly accepted, and left in the middle of an attempt.
        var partly = await sample.SendingAsync(
            message => message with { Recipients = [Sample.To("a@example.net"), Sample.To("b@example.net")] });
        Assert.True(await sample.SettleAsync(sample.Delivered(partly) with
        {
            Status = MessageStatus.Sent,
            Then = new Continuation.Requeue(store.Now.AddMinutes(5), "example.net"),
        }));
        await sample.SendingAsync();
        var rendered = await sample.ClaimOneAsync();
        Assert.True(await store.Queue.MarkRenderedAsync(rendered, CancellationToken.None));
    }

    /// <summary>Everything the ports tell, as text: equal texts are equal installations.</summary>
    public async Task<string> DescribeAsync(StoreFixture from)
    {
        var all = new List<object?>();
        foreach (var tenant in _tenants)
        {
            all.Add(await from.Tenants.FindTenantAsync(tenant, CancellationToken.None));
            foreach (var filter in (MessageFilter[])
            [
                new(), new() { Statuses = [MessageStatus.Queued] }, new() { Statuses = [MessageStatus.Sent] }, new() { Category = "ä" },
                new() { RecipientKey = "one@example.net" }, new() { FromKey = "billing@mail.acme.test" }, new() { Batch = _batches[1] },
                new() { TemplateId = "d-1" }, new() { Subject = "invoice" },
            ])
            {
                var page = await from.Messages.ListAsync(tenant, filter, new PageRequest(null, 0, 100), CancellationToken.None);
                all.Add(page);
                foreach (var item in page.Items)
                    all.Add(await from.Messages.FindAsync(tenant, item.Id, CancellationToken.None));
            }
            all.Add(await from.Suppressions.FindBlockingAsync(tenant, ["gone@example.net"], CancellationToken.None));
            all.Add(await from.Groups.GroupsAsync(tenant, CancellationToken.None));
            foreach (var batch in _batches)
                all.Add(await from.Batches.FindAsync(tenant, batch, CancellationToken.None));
            foreach (var hash in _contents)
                all.Add(
                    await from.Contents.ReadAsync(tenant, hash, CancellationToken.None) is { } octets ? ContentHash.Of(octets.Span) : null);
        }
        all.Add(
            await from.Tenants.FindKeyAsync(_key, CancellationToken.None) is var (key, tenantOf) ? (object)new { key, tenantOf } : null);
        Assert.True(Domain.TryParse("mail.acme.test", out var domain));
        all.Add(await from.Tenants.DomainsAsync(domain, CancellationToken.None));
        all.Add((await from.Queue.DescribeBacklogsAsync(null, 100, CancellationToken.None)).OrderBy(view => view.Backlog.Key.ToString()));
        all.Add(await from.Queue.SummaryAsync(store.Now, CancellationToken.None));
        return JsonSerializer.Serialize(all);
    }
}
