using FsCheck;
using FsCheck.Fluent;
using Postrider.Mail.Dns;
using static Postrider.Mail.Tests.Dns.Names;

namespace Postrider.Mail.Tests.Dns;

public class DnsRepliesTests
{
    static readonly DnsQuestion Question = new(Name("example.com"), DnsType.MX);

    static readonly TimeSpan Seconds30 = TimeSpan.FromSeconds(30), Seconds60 = TimeSpan.FromSeconds(60);

    /// <summary>A real answer of nsd's, with compression: example.com MX 10 mail.example.com, SOA-less, with OPT.</summary>
    static readonly byte[] Compressed = Hex("""
        1234 8580 0001 0001 0000 0001
        07 6578616D706C65 03 636F6D 00 000F 0001
        C00C 000F 0001 0000003C 0009 000A 04 6D61696C C00C
        00 0029 04D0 00000000 0000
        """.Replace("\n", " ", StringComparison.Ordinal));

    [Fact]
    public void Reads_a_compressed_answer()
    {
        var reply = Assert.IsType<DnsReply<MxData>.Records>(DnsReplies.Read<MxData>(Compressed, Question.Name));

        Assert.Equal([new MxData(10, Name("mail.example.com"))], reply.Data);
        Assert.Equal(Seconds60, reply.Ttl);
    }

    [Fact]
    public void Any_cut_of_an_answer_is_a_failure_and_never_an_absence()
    {
        for (var length = 0; length < Compressed.Length; length++)
            Assert.IsType<DnsReply<MxData>.Failed>(DnsReplies.Read<MxData>(Compressed.AsSpan(0, length), Question.Name));
    }

    [Fact]
    public void Any_change_of_an_octet_gives_some_reply()
    {
        for (var at = 0; at < Compressed.Length; at++)
        {
            for (var value = 0; value < 256; value++)
            {
                var changed = (byte[])Compressed.Clone();
                changed[at] = (byte)value;
                Assert.NotNull(DnsReplies.Read<MxData>(changed, Question.Name));
                _ = new DnsQuery(0x1234, Question, true).IsAnsweredBy(changed);
            }
        }
    }

    [Fact]
    public void Any_octets_give_some_reply()
    {
        var octets = Gen.ArrayOf(Gen.Frequency((3, Gen.Choose(0, 3)), (1, Gen.Choose(0, 255))).Select(value => (byte)value));

        Prop.ForAll(octets.ToArbitrary(), rest => DnsReplies.Read<MxData>([.. Compressed[..12], .. rest], Question.Name) is not null)
            .QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Counts_are_claims_that_the_octets_bound()
    {
        var lying = Hex("1234 8180 FFFF FFFF FFFF FFFF");

        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.IsType<DnsReply<MxData>.Failed>(DnsReplies.Read<MxData>(lying, Question.Name));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    public void Keeps_a_bounded_number_of_records()
    {
        var response = Response();
        for (var i = 0; i < DnsReplies.MaxRecords + 50; i++)
            response.Answer("example.com", new MxData(i, Name("mx.test")));

        var reply = Assert.IsType<DnsReply<MxData>.Records>(Read(response));

        Assert.Equal(DnsReplies.MaxRecords, reply.Data.Count);
    }

    [Fact]
    public void Takes_only_records_of_the_name_and_type_asked_for()
    {
        var reply = Read(Response()
            .Answer("other.com", new MxData(1, Name("evil.test")))
            .Answer("example.com", new TxtData("v=spf1"))
            .Answer("EXAMPLE.com", new MxData(5, Name("mx.test")), ttl: 60)
            .Answer("example.com", new MxData(6, Name("mx2.test")), ttl: 30));

        var records = Assert.IsType<DnsReply<MxData>.Records>(reply);
        Assert.Equal([new MxData(5, Name("mx.test")), new MxData(6, Name("mx2.test"))], records.Data);
        Assert.Equal(Seconds30, records.Ttl);
    }

    [Fact]
    public void A_TTL_with_its_highest_bit_set_is_zero()
    {
        var reply = Read(Response().Answer("example.com", new MxData(5, Name("mx.test")), ttl: 0x8000_0000));

        Assert.Equal(TimeSpan.Zero, Assert.IsType<DnsReply<MxData>.Records>(reply).Ttl);
    }

    [Fact]
    public void Follows_aliases_within_the_answer_in_any_order()
    {
        var reply = Read(Response()
            .Answer("c.test", new MxData(5, Name("mx.test")))
            .Answer("b.test", new CnameData(Name("c.test")), ttl: 30)
            .Answer("example.com", new CnameData(Name("b.test"))));

        var records = Assert.IsType<DnsReply<MxData>.Records>(reply);
        Assert.Equal([new MxData(5, Name("mx.test"))], records.Data);
        Assert.Equal(Seconds30, records.Ttl);
    }

    [Fact]
    public void An_alias_without_its_end_must_be_asked_on()
    {
        var reply = Read(Response().Answer("example.com", new CnameData(Name("b.test")), ttl: 60));

        Assert.Equal(new DnsReply<MxData>.Alias(Name("b.test"), 1, Seconds60), reply);
    }

    [Fact]
    public void A_CNAME_that_was_asked_for_is_not_followed()
    {
        var response = new DnsResponse(1, new DnsQuestion(Question.Name, DnsType.Cname))
            .Answer("example.com", new CnameData(Name("b.test")));
        var octets = response.ToOctets();

        var records = Assert.IsType<DnsReply<CnameData>.Records>(DnsReplies.Read<CnameData>(octets, Question.Name));

        Assert.Equal([new CnameData(Name("b.test"))], records.Data);
    }

    [Fact]
    public void An_alias_loop_within_an_answer_is_a_failure()
    {
        var reply = Read(Response()
            .Answer("example.com", new CnameData(Name("b.test")))
            .Answer("b.test", new CnameData(Name("example.com"))));

        Assert.Contains("CNAME", Assert.IsType<DnsReply<MxData>.Failed>(reply).Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(300, 60, 60)]    // RFC 2308 §5: the lesser
    [InlineData(60, 300, 60)]
    public void An_absence_lasts_as_long_as_its_SOA_says(uint ttl, uint minimum, int seconds)
    {
        var expected = TimeSpan.FromSeconds(seconds);

        Assert.Equal(new DnsReply<MxData>.NoData(expected), Read(Response().Soa("com", ttl, minimum)));
        Assert.Equal(new DnsReply<MxData>.NoSuchDomain(expected), Read(Response(DnsResponseCode.NXDomain).Soa("com", ttl, minimum)));
    }

    [Fact]
    public void An_absence_without_a_SOA_has_no_time()
    {
        Assert.Equal(new DnsReply<MxData>.NoData(TimeSpan.Zero), Read(Response()));
        Assert.Equal(new DnsReply<MxData>.NoSuchDomain(TimeSpan.Zero), Read(Response(DnsResponseCode.NXDomain)));
        Assert.Equal(new DnsReply<MxData>.NoData(TimeSpan.Zero), Read(Response().Soa("other.org")));    // not of this name
    }

    [Fact]
    public void NXDOMAIN_after_an_alias_is_about_its_end()
    {
        var reply = Read(Response(DnsResponseCode.NXDomain).Answer("example.com", new CnameData(Name("gone.test")), ttl: 30).Soa("test"));

        Assert.Equal(new DnsReply<MxData>.NoSuchDomain(Seconds30), reply);
    }

    [Fact]
    public void A_referral_is_not_an_absence() => Assert.IsType<DnsReply<MxData>.Failed>(Read(Response().Referral("com")));

    [Theory]
    [InlineData(DnsResponseCode.NoError)]
    [InlineData(DnsResponseCode.NXDomain)]
    public void A_server_that_neither_owns_nor_asks_others_knows_no_absence(DnsResponseCode code)
    {
        Assert.IsType<DnsReply<MxData>.Failed>(Read(Response(code).WithoutRecursion(authoritative: false)));
        Assert.IsNotType<DnsReply<MxData>.Failed>(Read(Response(code).WithoutRecursion(authoritative: true)));
    }

    [Theory]
    [InlineData(DnsResponseCode.ServFail, "SERVFAIL")]
    [InlineData(DnsResponseCode.Refused, "REFUSED")]
    [InlineData((DnsResponseCode)9, "9")]
    public void Other_codes_are_failures(DnsResponseCode code, string told)
    {
        var reply = Assert.IsType<DnsReply<MxData>.Failed>(Read(Response(code).Answer("example.com", new MxData(1, Name("mx.test")))));

        Assert.EndsWith(told, reply.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(DnsResponseCode.FormErr)]
    [InlineData(DnsResponseCode.NotImp)]
    public void A_server_may_not_understand(DnsResponseCode code) =>
        Assert.Equal(new DnsReply<MxData>.NotUnderstood(code), Read(Response(code)));

    [Fact]
    public void An_OPT_record_has_the_upper_bits_of_the_code()
    {
        Assert.Equal(new DnsReply<MxData>.NotUnderstood(DnsResponseCode.BadVers), Read(Response().Opt(1)));
        Assert.IsType<DnsReply<MxData>.Failed>(Read(Response(DnsResponseCode.NXDomain).Opt(2)));    // 35, not NXDOMAIN
    }

    [Fact]
    public void A_truncated_answer_is_not_read() =>
        Assert.IsType<DnsReply<MxData>.Truncated>(Read(Response().Answer("example.com", new MxData(1, Name("mx.test"))).AsTruncated()));

    [Fact]
    public void Only_a_response_with_our_id_and_question_answers()
    {
        var query = new DnsQuery(7, Question, WithEdns: true);
        var asQuery = query.ToOctets();
        var twoQuestions = Response().ToOctets();
        twoQuestions[5] = 2;

        Assert.True(query.IsAnsweredBy(Response().ToOctets()));
        Assert.True(query.IsAnsweredBy(new DnsResponse(7, null, DnsResponseCode.FormErr).ToOctets()));
        Assert.False(query.IsAnsweredBy(new DnsResponse(8, Question).ToOctets()));
        Assert.False(query.IsAnsweredBy(new DnsResponse(7, new DnsQuestion(Name("example.org"), DnsType.MX)).ToOctets()));
        Assert.False(query.IsAnsweredBy(new DnsResponse(7, new DnsQuestion(Question.Name, DnsType.A)).ToOctets()));
        Assert.False(query.IsAnsweredBy(new DnsResponse(7, null).ToOctets()));
        Assert.False(query.IsAnsweredBy(new DnsResponse(7, null, DnsResponseCode.NXDomain).ToOctets()));
        Assert.False(query.IsAnsweredBy(asQuery));
        Assert.False(query.IsAnsweredBy(twoQuestions));
        Assert.False(query.IsAnsweredBy([]));
    }

    [Fact]
    public void A_query_is_written_as_RFC_1035_and_6891_have_it()
    {
        const string Asking = "1234 0100 0001 0000 0000 0000 07 6578616D706C65 03 636F6D 00 000F 0001";
        var edns = Asking.Replace("0000 0000 0000", "0000 0000 0001", StringComparison.Ordinal) + "00 0029 04D0 00000000 0000";

        Assert.Equal(Hex(Asking), new DnsQuery(0x1234, Question, WithEdns: false).ToOctets());
        Assert.Equal(Hex(edns), new DnsQuery(0x1234, Question, WithEdns: true).ToOctets());
    }

    static DnsResponse Response(DnsResponseCode code = DnsResponseCode.NoError) => new(7, Question, code);

    static DnsReply<MxData> Read(DnsResponse response) => DnsReplies.Read<MxData>(response.ToOctets(), Question.Name);
}
