using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Store.Postgres;
using Postrider.Store.Postgres.Messages;
using Postrider.Testing;

namespace Postrider.Store.Conformance.Postgres;

public sealed class ContentMemoryTests : StoreConformance<PostgresFixture>
{
    static readonly TenantId Tenant = new(Guid.Parse("018f0000-0000-7000-8000-000000000001"));
    static readonly TenantId Other = new(Guid.Parse("018f0000-0000-7000-8000-000000000002"));

    readonly ManualTime _time = new(DateTimeOffset.UnixEpoch);

    static (ContentHash Hash, byte[] Octets) Content(int number, int octets = 100)
    {
        var content = new byte[octets];
        BitConverter.TryWriteBytes(content, number);
        return (ContentHash.Of(content), content);
    }

    static bool Has(ContentMemory memory, TenantId tenant, int number) =>
        memory.TryUse(tenant, Content(number).Hash, out var octets) && octets.Value.Span.SequenceEqual(Content(number).Octets);

    [Fact]
    public void A_body_is_there_for_each_message_that_was_accepted_with_it_and_for_its_tenant_only()
    {
        var memory = new ContentMemory(1_000, _time);
        memory.Keep(Tenant, Content(1).Hash, Content(1).Octets, uses: 2);
        memory.Keep(Tenant, Content(1).Hash, Content(1).Octets, uses: 1);

        Assert.False(Has(memory, Other, 1));
        Assert.Equal([true, true, true, false], Enumerable.Range(0, 4).Select(_ => Has(memory, Tenant, 1)));
    }

    [Fact]
    public void When_it_is_full_the_oldest_stay_for_they_are_sent_first()
    {
        var memory = new ContentMemory(250, _time);
        for (var number = 1; number <= 3; number++)
            memory.Keep(Tenant, Content(number).Hash, Content(number).Octets, uses: 1);

        Assert.False(Has(memory, Tenant, 3));
        Assert.True(Has(memory, Tenant, 1));
        memory.Keep(Tenant, Content(4).Hash, Content(4).Octets, uses: 1);
        Assert.True(Has(memory, Tenant, 4) && Has(memory, Tenant, 2));
    }

    [Fact]
    public void What_nobody_asked_for_makes_room_in_time()
    {
        var memory = new ContentMemory(100, _time);
        memory.Keep(Tenant, Content(1).Hash, Content(1).Octets, uses: 1);

        _time.Advance(TimeSpan.FromSeconds(11));
        memory.Keep(Tenant, Content(2).Hash, Content(2).Octets, uses: 1);

        Assert.True(Has(memory, Tenant, 2));
        Assert.False(Has(memory, Tenant, 1));
    }

    [Fact]
    public void Large_bodies_are_not_remembered()
    {
        var memory = new ContentMemory(1 << 20, _time);
        var (hash, octets) = Content(1, (64 << 10) + 1);

        memory.Keep(Tenant, hash, octets, uses: 1);

        Assert.False(memory.TryUse(Tenant, hash, out _));
    }

    [Fact]
    public async Task A_body_just_accepted_is_read_without_the_database()
    {
        await using var node = await PostgresStore.OpenAsync(
            new PostgresStoreOptions(Store.Cluster.ConnectionString(Store.Database)), Store.Time, Store.Ids, log: null,
            CancellationToken.None);
        var content = Sample.Content("body");
        await node.AcceptAsync(
            Sample.Acceptance(Sample.Message(message => message with { Body = content.Hash })) with { Contents = [content] },
            CancellationToken.None);
        await Store.Cluster.QueryAsync(Store.Database, "truncate content");

        var first = await node.ReadAsync(Sample.Tenant, content.Hash, CancellationToken.None);
        var second = await node.ReadAsync(Sample.Tenant, content.Hash, CancellationToken.None);

        Assert.True(first is { } octets && octets.Span.SequenceEqual(content.Octets.Span));
        Assert.Null(second);
    }

    [Fact]
    public async Task Bodies_that_another_node_accepted_are_read_with_their_claim()
    {
        await using var node = await PostgresStore.OpenAsync(
            new PostgresStoreOptions(Store.Cluster.ConnectionString(Store.Database)), Store.Time, Store.Ids, log: null,
            CancellationToken.None);
        var contents = Enumerable.Range(0, 3).Select(number => Sample.Content($"body {number}")).ToArray();
        var tooLarge = Sample.Content(new string('x', (64 << 10) + 1));
        foreach (var content in (NewContent[])[.. contents, contents[0], tooLarge])
            await Sample.AcceptAsync(
                Sample.Acceptance(Sample.Message(message => message with { Body = content.Hash })) with { Contents = [content] });

        var claimed = await node.ClaimAsync(new Claim(Sample.Backlog(), Store.Now, 10, Sample.Node, Sample.Later), CancellationToken.None);
        await Store.Cluster.QueryAsync(Store.Database, "truncate content");

        Assert.Equal(5, claimed.Messages.Count);
        foreach (var content in (NewContent[])[.. contents, contents[0]])
            Assert.Equal(content.Octets, await node.ReadAsync(Sample.Tenant, content.Hash, CancellationToken.None), OctetsComparer);
        Assert.Null(await node.ReadAsync(Sample.Tenant, contents[0].Hash, CancellationToken.None));
        Assert.Null(await node.ReadAsync(Sample.Tenant, tooLarge.Hash, CancellationToken.None));
    }

    [Fact]
    public async Task A_body_that_cannot_be_read_keeps_no_claim_from_its_messages()
    {
        await using var node = await PostgresStore.OpenAsync(
            new PostgresStoreOptions(Store.Cluster.ConnectionString(Store.Database)), Store.Time, Store.Ids, log: null,
            CancellationToken.None);
        var contents = Enumerable.Range(0, 3).Select(number => Sample.Content($"body {number}")).ToArray();
        foreach (var content in contents)
            await Sample.AcceptAsync(
                Sample.Acceptance(Sample.Message(message => message with { Body = content.Hash })) with { Contents = [content] });
        await Store.Cluster.QueryAsync(Store.Database, $"""
            update content set codec = 1, data = 'no Brotli' where sha256 = '\x{contents[1].Hash}'
            """);

        var claimed = await node.ClaimAsync(new Claim(Sample.Backlog(), Store.Now, 10, Sample.Node, Sample.Later), CancellationToken.None);

        Assert.Equal(3, claimed.Messages.Count);
        Assert.NotNull(await node.ReadAsync(Sample.Tenant, contents[2].Hash, CancellationToken.None));
    }

    static bool OctetsComparer(ReadOnlyMemory<byte>? one, ReadOnlyMemory<byte>? other) =>
        one is { } some && other is { } more && some.Span.SequenceEqual(more.Span);
}
