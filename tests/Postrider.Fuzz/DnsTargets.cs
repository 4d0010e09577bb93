using System.Text;
using Postrider.Mail.Dns;
using static Postrider.Fuzz.FuzzException;

namespace Postrider.Fuzz;

static class DnsTargets
{
    static readonly DnsName Asked = DnsName.TryParse("example.com", out var name) ? name : DnsName.Root;

    public static IEnumerable<FuzzTarget> All { get; } =
    [
        new("dns-name", Texts("mail.example.com", @"a\.b.c\\d.\000\255", ".", "_dmarc.example.org."), input =>
        {
            if (!DnsName.TryParse(Encoding.Latin1.GetString(input), out var name))
                return;
            ReadsBack(name);
        }),
        new("dns-name-wire", [[1, (byte)'a', 0, 1, (byte)'b', 0xC0, 0], [63, .. new byte[63], 0]], input =>
        {
            for (var start = 0; start < Math.Min(input.Length, 512); start++)
            {
                if (!DnsName.TryRead(input, start, out var name, out var consumed))
                    continue;
                Unless(consumed > 0 && start + consumed <= input.Length, "consumes what is there");
                ReadsBack(name);
            }
        }),
        new("dns-reply", [Reply(DnsType.MX), Reply(DnsType.Txt), Reply(DnsType.Soa)], input =>
        {
            Check<MxData>(input);
            Check<TxtData>(input);
            Check<SoaData>(input);
            _ = new DnsQuery(0x1234, new DnsQuestion(Asked, DnsType.MX), WithEdns: true).IsAnsweredBy(input);
        }),
        new("resolv-conf", Texts("nameserver 192.0.2.1\nnameserver ::1 # x\noptions timeout:2 attempts:3\n", "; only a comment"), input =>
        {
            var options = ResolvConf.Parse(Encoding.Latin1.GetString(input));
            Unless(options.Servers.Count is > 0 and <= 3, "some servers");
            Unless(options.Attempts is > 0 and <= 5 && options.Timeout.TotalSeconds is > 0 and <= 30, "within the caps");
        }),
    ];

    static void Check<T>(ReadOnlySpan<byte> message) where T : class, IDnsData<T>
    {
        var reply = DnsReplies.Read<T>(message, Asked);
        if (reply is DnsReply<T>.Records records)
            Unless(records.Data.Count is > 0 and <= DnsReplies.MaxRecords && records.Ttl >= TimeSpan.Zero, "some records, not too many");
        if (reply is DnsReply<T>.Failed failed)
            Unless(failed.Detail.All(c => c is >= ' ' and < (char)0x7F), "a detail that may be logged");
    }

    static void ReadsBack(DnsName name)
    {
        Unless(name.Wire.Length <= DnsName.MaxOctets, "within the limit");
        Unless(name.ToString().All(c => c is > ' ' and < (char)0x7F), "text that may be logged");
        Unless(DnsName.TryParse(name.ToString(), out var parsed) && parsed.Equals(name), "text reads back");
        Unless(DnsName.TryRead(name.Wire, 0, out var read, out _) && read.Equals(name), "wire reads back");
    }

    /// <summary>An alias, then one record of the type, a SOA and an OPT.</summary>
    static byte[] Reply(DnsType type)
    {
        var buffer = new byte[512];
        var writer = new DnsWriter(buffer);
        new DnsHeader(0x1234, 0x8180, 1, 2, 1, 1).Write(ref writer);
        writer.WriteQuestion(new DnsQuestion(Asked, type));
        var soa = new SoaData(Asked, Asked, 1, 2, 3, 4, 5);
        writer.WriteRecord(Asked, 300, new CnameData(DnsName.Root));
        if (type == DnsType.MX)
            writer.WriteRecord(DnsName.Root, 300, new MxData(10, Asked));
        else if (type == DnsType.Txt)
            writer.WriteRecord(DnsName.Root, 300, new TxtData("v=spf1 -all"));
        else
            writer.WriteRecord(DnsName.Root, 300, soa);
        writer.WriteRecord(Asked, 300, soa);
        writer.WriteOpt(DnsQuery.UdpPayloadOctets);
        return buffer[..writer.Position];
    }

    static IReadOnlyList<byte[]> Texts(params string[] texts) => [.. texts.Select(Encoding.Latin1.GetBytes)];
}
