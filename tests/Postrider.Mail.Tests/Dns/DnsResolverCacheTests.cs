using System.Net;
using Postrider.Mail.Dns;
using Postrider.Testing;
using static Postrider.Mail.Tests.Dns.Names;

namespace Postrider.Mail.Tests.Dns;

/// <summary>What the resolver remembers, and for how long.</summary>
public class DnsResolverCacheTests
{
    const int Hang = 10_000;    // milliseconds

    static readonly AData Address = new(IPAddress.Parse("192.0.2.1"));
    static readonly DnsName Host = Name("mx.test");

    readonly ManualTime _time = new();

    [Theory(Timeout = Hang)]
    [InlineData(300, 300)]
    [InlineData(0, 5)]             // the floor
    [InlineData(86400, 3600)]      // the ceiling
    public async Task An_answer_is_kept_for_its_TTL_within_limits(uint ttl, int seconds)
    {
        await using var server = new FakeDnsServer(query => query.Response().Answer("mx.test", Address, ttl));

        await CheckKeptFor(server, seconds);
    }

    [Theory(Timeout = Hang)]
    [InlineData(DnsResponseCode.NXDomain, 300, 60, 60)]
    [InlineData(DnsResponseCode.NoError, 300, 60, 60)]
    [InlineData(DnsResponseCode.NXDomain, 86400, 86400, 900)]    // the ceiling
    [InlineData(DnsResponseCode.NXDomain, 0, 0, 5)]
    public async Task An_absence_is_kept_as_its_SOA_says_within_limits(DnsResponseCode code, uint ttl, uint minimum, int seconds)
    {
        await using var server = new FakeDnsServer(query => query.Response(code).Soa("test", ttl, minimum));

        await CheckKeptFor(server, seconds);
    }

    [Fact(Timeout = Hang)]
    public async Task A_failure_is_kept_for_seconds()
    {
        await using var server = new FakeDnsServer(query => query.Response(DnsResponseCode.ServFail));

        await CheckKeptFor(server, 5);
    }

    [Fact(Timeout = Hang)]
    public async Task An_alias_shortens_what_is_at_its_end()
    {
        await using var server = new FakeDnsServer(query => query.Question.Name.Equals(Host)
            ? query.Response().Answer("mx.test", new CnameData(Name("end.test")), ttl: 20)
            : query.Response().Answer("end.test", Address, ttl: 300));

        await CheckKeptFor(server, 20, queriesEach: 2);
    }

    [Fact(Timeout = Hang)]
    public async Task What_is_kept_is_given_at_once_and_without_allocation()
    {
        await using var server = new FakeDnsServer(query => query.Response().Answer("mx.test", Address));
        await using var resolver = Resolver(server);
        await resolver.QueryAsync<AData>(Host, default);
        var first = await resolver.QueryAsync<AData>(Host, default);

        var before = GC.GetAllocatedBytesForCurrentThread();
        var asking = resolver.QueryAsync<AData>(Host, default);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.True(asking.IsCompletedSuccessfully);
        Assert.Same(first, await asking);
        Assert.Equal(0, allocated);
    }

    [Fact(Timeout = Hang)]
    public async Task The_same_question_at_the_same_time_is_asked_once()
    {
        using var released = new ManualResetEventSlim();
        await using var server = new FakeDnsServer(query =>
        {
            released.Wait();
            return query.Response().Answer(query.Question.Name.ToString(), Address);
        });
        await using var resolver = Resolver(server);
        using var gaveUp = new CancellationTokenSource();

        var impatient = resolver.QueryAsync<AData>(Host, gaveUp.Token).AsTask();
        var asking = Enumerable.Range(0, 50).Select(_ => resolver.QueryAsync<AData>(Host, default).AsTask()).ToList();
        await server.NextQueryAsync();
        await gaveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        released.Set();

        Assert.All(await Task.WhenAll(asking), answer => Assert.IsType<DnsAnswer<AData>.Found>(answer));
        Assert.Equal(1, server.Count);
    }

    [Fact(Timeout = Hang)]
    public async Task Different_types_of_a_name_are_different_questions()
    {
        await using var server = new FakeDnsServer(query => query.Question.Type == DnsType.A
            ? query.Response().Answer("mx.test", Address)
            : query.Response().Answer("mx.test", new TxtData("hello")));
        await using var resolver = Resolver(server);

        var address = await resolver.QueryAsync<AData>(Host, default);
        var text = await resolver.QueryAsync<TxtData>(Host, default);

        Assert.Equal([Address], Assert.IsType<DnsAnswer<AData>.Found>(address).Records);
        Assert.Equal([new TxtData("hello")], Assert.IsType<DnsAnswer<TxtData>.Found>(text).Records);
    }

    [Fact(Timeout = Hang)]
    public async Task Never_more_is_kept_than_the_limit()
    {
        await using var server = new FakeDnsServer(query => query.Response().Answer(query.Question.Name.ToString(), Address));
        await using var resolver = new DnsResolver(new DnsResolverOptions { Servers = [server.EndPoint], CacheEntries = 10 }, _time);

        for (var i = 0; i < 30; i++)
        {
            await resolver.QueryAsync<AData>(Name($"h{i}.test"), default);
            Assert.Equal(Math.Min(i + 1, 10), resolver.CacheCount);
        }
        await resolver.QueryAsync<AData>(Name("h29.test"), default);
        Assert.Equal(30, server.Count);
        await resolver.QueryAsync<AData>(Name("h0.test"), default);

        Assert.Equal(31, server.Count);
    }

    [Fact(Timeout = Hang)]
    public async Task No_more_queries_are_under_way_than_the_limit()
    {
        await using var server = new FakeDnsServer(query => (DnsResponse?)null);
        await using var resolver = new DnsResolver(
            new DnsResolverOptions { Servers = [server.EndPoint], MaxConcurrentQueries = 2, Attempts = 1 }, _time);

        var asking = Enumerable.Range(0, 4).Select(i => resolver.QueryAsync<AData>(Name($"h{i}.test"), default).AsTask()).ToList();
        await server.NextQueryAsync();
        await server.NextQueryAsync();
        Assert.Equal(2, server.Count);
        _time.Advance(TimeSpan.FromSeconds(5));
        await server.NextQueryAsync();
        await server.NextQueryAsync();
        _time.Advance(TimeSpan.FromSeconds(5));

        Assert.All(await Task.WhenAll(asking), answer => Assert.IsType<DnsAnswer<AData>.TemporaryFailure>(answer));
    }

    async Task CheckKeptFor(FakeDnsServer server, int seconds, int queriesEach = 1)
    {
        await using var resolver = Resolver(server);
        var first = await resolver.QueryAsync<AData>(Host, default);

        _time.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1));
        Assert.Equal(first, await resolver.QueryAsync<AData>(Host, default));
        var kept = server.Count;
        _time.Advance(TimeSpan.FromMilliseconds(1));
        await resolver.QueryAsync<AData>(Host, default);

        Assert.Equal(0, kept % queriesEach);
        Assert.Equal(kept * 2, server.Count);
    }

    DnsResolver Resolver(FakeDnsServer server) => new(new DnsResolverOptions { Servers = [server.EndPoint] }, _time);
}
