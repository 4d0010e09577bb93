using System.Net;
using System.Net.Sockets;
using Postrider.Mail.Dns;
using Postrider.Testing;
using static Postrider.Mail.Tests.Dns.Names;

namespace Postrider.Mail.Tests.Dns;

/// <summary>The resolver on the network: what servers do, and what it makes of it.</summary>
public class DnsResolverTests
{
    const int Hang = 10_000;    // milliseconds

    static readonly AData Address = new(IPAddress.Parse("192.0.2.1"));
    static readonly DnsName Host = Name("mx.test");

    readonly ManualTime _time = new();

    [Fact(Timeout = Hang)]
    public async Task Asks_with_EDNS_and_gives_the_records()
    {
        await using var server = new FakeDnsServer(query => query.HasEdns ? Found(query) : null);
        await using var resolver = Resolver(server);

        var answer = await resolver.QueryAsync<AData>(Host, default);

        Assert.Equal([Address], Assert.IsType<DnsAnswer<AData>.Found>(answer).Records);
    }

    [Fact(Timeout = Hang)]
    public async Task Tells_NXDOMAIN_from_an_absence_of_the_type()
    {
        await using var server = new FakeDnsServer(query =>
            query.Response(query.Question.Name.Equals(Host) ? DnsResponseCode.NoError : DnsResponseCode.NXDomain).Soa("test"));
        await using var resolver = Resolver(server);

        Assert.IsType<DnsAnswer<AData>.NoData>(await resolver.QueryAsync<AData>(Host, default));
        Assert.IsType<DnsAnswer<AData>.NoSuchDomain>(await resolver.QueryAsync<AData>(Name("gone.test"), default));
    }

    [Theory(Timeout = Hang)]
    [InlineData(DnsResponseCode.ServFail, "SERVFAIL")]
    [InlineData(DnsResponseCode.Refused, "REFUSED")]
    [InlineData(DnsResponseCode.FormErr, "FORMERR")]
    [InlineData(DnsResponseCode.NotImp, "NOTIMP")]
    public async Task What_a_server_cannot_or_will_not_answer_is_temporary(DnsResponseCode code, string told)
    {
        await using var server = new FakeDnsServer(query => query.Response(code));
        await using var resolver = Resolver(server);

        var answer = await resolver.QueryAsync<AData>(Host, default);

        Assert.Equal(
            $"mx.test A: the server answered {told} ({server.EndPoint})", Assert.IsType<DnsAnswer<AData>.TemporaryFailure>(answer).Detail);
    }

    [Fact(Timeout = Hang)]
    public async Task Silence_is_temporary_after_every_attempt()
    {
        await using var server = new FakeDnsServer(query => (DnsResponse?)null);
        await using var resolver = Resolver(server);

        var asking = resolver.QueryAsync<AData>(Host, default).AsTask();
        await server.NextQueryAsync();
        _time.Advance(TimeSpan.FromSeconds(5));
        await server.NextQueryAsync();
        _time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(
            $"mx.test A: no answer in 5 s ({server.EndPoint})", Assert.IsType<DnsAnswer<AData>.TemporaryFailure>(await asking).Detail);
        Assert.Equal(2, server.Count);
    }

    [Fact(Timeout = Hang)]
    public async Task A_silent_server_is_passed_over_and_then_asked_last()
    {
        await using var silent = new FakeDnsServer(query => (DnsResponse?)null);
        await using var good = new FakeDnsServer(Found);
        await using var resolver = Resolver(silent, good);

        var asking = resolver.QueryAsync<AData>(Host, default).AsTask();
        await silent.NextQueryAsync();
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.IsType<DnsAnswer<AData>.Found>(await asking);
        Assert.IsType<DnsAnswer<AData>.Found>(await resolver.QueryAsync<AData>(Name("other.test"), default));

        Assert.Equal((1, 2), (silent.Count, good.Count));
    }

    [Fact(Timeout = Hang)]
    public async Task A_server_that_refuses_is_passed_over_at_once()
    {
        await using var refusing = new FakeDnsServer(query => query.Response(DnsResponseCode.Refused));
        await using var good = new FakeDnsServer(Found);
        await using var resolver = Resolver(refusing, good);

        Assert.IsType<DnsAnswer<AData>.Found>(await resolver.QueryAsync<AData>(Host, default));
    }

    [Fact(Timeout = Hang)]
    public async Task A_closed_port_is_temporary()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var closed = (IPEndPoint)socket.LocalEndPoint!;
        socket.Dispose();
        await using var resolver = new DnsResolver(new DnsResolverOptions { Servers = [closed] }, _time);

        var answer = await resolver.QueryAsync<AData>(Host, default);

        Assert.Contains("ConnectionRefused", Assert.IsType<DnsAnswer<AData>.TemporaryFailure>(answer).Detail, StringComparison.Ordinal);
    }

    [Fact(Timeout = Hang)]
    public async Task Datagrams_that_are_not_the_answer_are_passed_over()
    {
        var forged = new AData(IPAddress.Parse("203.0.113.66"));
        await using var server = new FakeDnsServer(query =>
        {
            FakeDnsServer.SendFromElsewhere(query, query.Response().Answer("mx.test", forged).ToOctets());
            return
            [
                [],
                [1, 2, 3],
                new DnsResponse((ushort)(query.Id + 1), query.Question).Answer("mx.test", forged).ToOctets(),
                new DnsResponse(query.Id, new DnsQuestion(Name("other.test"), DnsType.A)).Answer("mx.test", forged).ToOctets(),
                new DnsResponse(query.Id, null).Answer("mx.test", forged).ToOctets(),
                Found(query).ToOctets(),
            ];
        });
        await using var resolver = Resolver(server);

        var answer = await resolver.QueryAsync<AData>(Host, default);

        Assert.Equal([Address], Assert.IsType<DnsAnswer<AData>.Found>(answer).Records);
    }

    [Fact(Timeout = Hang)]
    public async Task A_flood_of_wrong_ids_ends_the_try()
    {
        await using var server = new FakeDnsServer(query =>
            Enumerable.Range(1, 60).Select(i => new DnsResponse((ushort)(query.Id + i), query.Question).ToOctets()));
        await using var resolver = Resolver(server);

        Assert.IsType<DnsAnswer<AData>.TemporaryFailure>(await resolver.QueryAsync<AData>(Host, default));
    }

    [Fact(Timeout = Hang)]
    public async Task An_answer_cut_anywhere_is_temporary()
    {
        for (var cut = 1; cut < 40; cut++)
        {
            await using var server = new FakeDnsServer(query => Found(query) is var found ? [found.ToOctets()[..^cut]] : []);
            // What is cut into its question is not taken for ours; a small patience then, in real time.
            var options = Options(server) with { Attempts = 1, Timeout = TimeSpan.FromMilliseconds(5) };
            await using var resolver = new DnsResolver(options, TimeProvider.System);

            Assert.IsType<DnsAnswer<AData>.TemporaryFailure>(await resolver.QueryAsync<AData>(Host, default));
        }
    }

    [Theory(Timeout = Hang)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Asks_again_without_EDNS_when_it_is_not_understood(bool echoesQuestion)
    {
        await using var server = new FakeDnsServer(query => query.HasEdns
            ? new DnsResponse(query.Id, echoesQuestion ? query.Question : null, DnsResponseCode.FormErr)
            : Found(query));
        await using var resolver = Resolver(server);

        Assert.IsType<DnsAnswer<AData>.Found>(await resolver.QueryAsync<AData>(Host, default));
        Assert.Equal(2, server.Count);
    }

    [Theory(Timeout = Hang)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(int.MaxValue)]
    public async Task A_truncated_answer_is_asked_for_over_TCP_however_slow(int segmentOctets)
    {
        var text = new TxtData(new string('x', 3000));
        await using var server = new FakeDnsServer(query =>
            query.OverTcp ? query.Response().Answer("mx.test", text) : query.Response().AsTruncated())
        {
            TcpSegmentOctets = segmentOctets,
        };
        await using var resolver = Resolver(server);

        var answer = await resolver.QueryAsync<TxtData>(Host, default);

        Assert.Equal([text], Assert.IsType<DnsAnswer<TxtData>.Found>(answer).Records);
    }

    [Fact(Timeout = Hang)]
    public async Task A_TCP_answer_closed_at_any_octet_is_temporary()
    {
        var whole = new DnsResponse(1, new DnsQuestion(Host, DnsType.A)).Answer("mx.test", Address).ToOctets().Length + 2;
        for (var octets = 0; octets < whole; octets++)
        {
            await using var server = new FakeDnsServer(query => query.OverTcp ? Found(query) : query.Response().AsTruncated())
            {
                TcpMaxOctets = octets,
            };
            await using var resolver = new DnsResolver(Options(server) with { Attempts = 1 }, _time);

            Assert.IsType<DnsAnswer<AData>.TemporaryFailure>(await resolver.QueryAsync<AData>(Host, default));
        }
    }

    [Fact(Timeout = Hang)]
    public async Task Truncated_over_TCP_too_is_temporary()
    {
        await using var server = new FakeDnsServer(query => query.Response().AsTruncated());
        await using var resolver = Resolver(server);

        Assert.IsType<DnsAnswer<AData>.TemporaryFailure>(await resolver.QueryAsync<AData>(Host, default));
    }

    [Fact(Timeout = Hang)]
    public async Task A_TCP_answer_to_something_else_is_temporary()
    {
        await using var server = new FakeDnsServer(query => query.OverTcp
            ? new DnsResponse((ushort)(query.Id + 1), query.Question).Answer("mx.test", Address)
            : query.Response().AsTruncated());
        await using var resolver = Resolver(server);

        Assert.IsType<DnsAnswer<AData>.TemporaryFailure>(await resolver.QueryAsync<AData>(Host, default));
    }

    [Fact(Timeout = Hang)]
    public async Task Follows_aliases_over_several_queries()
    {
        await using var server = new FakeDnsServer(query => query.Question.Name.ToString() switch
        {
            "a.test" => query.Response().Answer("a.test", new CnameData(Name("b.test"))).Answer("b.test", new CnameData(Name("c.test"))),
            "c.test" => query.Response().Answer("c.test", new CnameData(Host), ttl: 60),
            _ => Found(query),
        });
        await using var resolver = Resolver(server);

        var answer = Assert.IsType<DnsAnswer<AData>.Found>(await resolver.QueryAsync<AData>(Name("a.test"), default));

        Assert.Equal([Address], answer.Records);
        Assert.Equal(TimeSpan.FromSeconds(60), answer.Ttl);
        Assert.Equal(3, server.Count);
    }

    [Fact(Timeout = Hang)]
    public async Task An_alias_loop_over_several_queries_is_temporary()
    {
        await using var server = new FakeDnsServer(query =>
            query.Question.Name.Equals(Host)
                ? query.Response().Answer("mx.test", new CnameData(Name("b.test")))
                : query.Response().Answer("b.test", new CnameData(Host)));
        await using var resolver = Resolver(server);

        Assert.IsType<DnsAnswer<AData>.TemporaryFailure>(await resolver.QueryAsync<AData>(Host, default));
        Assert.Equal(DnsReplies.MaxLinks + 1, server.Count);
    }

    [Fact(Timeout = Hang)]
    public async Task Every_query_has_an_id_of_its_own()
    {
        await using var server = new FakeDnsServer(Found);
        var ids = new Queue<ushort>([11, 4711]);
        await using var resolver = new DnsResolver(Options(server), _time, ids.Dequeue);

        await resolver.QueryAsync<AData>(Name("a.test"), default);
        await resolver.QueryAsync<AData>(Name("b.test"), default);
        var (first, second) = (await server.NextQueryAsync(), await server.NextQueryAsync());

        Assert.Equal((11, 4711), (first.Id, second.Id));
    }

    [Fact(Timeout = Hang)]
    public async Task Closing_ends_what_is_under_way()
    {
        await using var server = new FakeDnsServer(query => (DnsResponse?)null);
        var resolver = Resolver(server);
        var asking = resolver.QueryAsync<AData>(Host, default).AsTask();
        await server.NextQueryAsync();

        await resolver.DisposeAsync();
        await resolver.DisposeAsync();

        Assert.IsType<DnsAnswer<AData>.TemporaryFailure>(await asking);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await resolver.QueryAsync<AData>(Name("b.test"), default));
    }

    static DnsResponse Found(FakeQuery query) => query.Response().Answer(query.Question.Name.ToString(), Address);

    static DnsResolverOptions Options(params FakeDnsServer[] servers) => new() { Servers = [.. servers.Select(server => server.EndPoint)] };

    DnsResolver Resolver(params FakeDnsServer[] servers) => new(Options(servers), _time);
}
