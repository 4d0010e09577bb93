using System.Net;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Postrider.Mail.Dns;
using static Postrider.Mail.Tests.Dns.Names;

namespace Postrider.Mail.Tests.Dns;

public class DnsDataTests
{
    [Fact]
    public void Reads_and_writes_each_type_as_its_RFC_has_it()
    {
        Check("C0000201", new AData(IPAddress.Parse("192.0.2.1")));
        Check("20010DB8 00000000 00000000 00000001", new AaaaData(IPAddress.Parse("2001:db8::1")));
        Check("000A 026D78 00", new MxData(10, Name("mx")));
        Check("0000 00", new MxData(0, DnsName.Root));
        Check("01 61 02 6263", new TxtData("abc"), writesBack: false);
        Check("03 616263", new TxtData("abc"));
        Check("00", new TxtData(""));
        Check("", new TxtData(""), writesBack: false);
        Check("01 FF", new TxtData("\u00ff"));
        Check("01 63 00", new CnameData(Name("c")));
        Check("01 70 00", new PtrData(Name("p")));
        Check(
            "01 6E 00 01 72 00 00000001 00000002 00000003 00000004 FFFFFFFF",
            new SoaData(Name("n"), Name("r"), 1, 2, 3, 4, uint.MaxValue));
    }

    [Fact]
    public void Refuses_data_that_is_short_or_has_octets_left_over()
    {
        Assert.False(Read<AData>("C00002", out _));
        Assert.False(Read<AData>("C000020101", out _));
        Assert.False(Read<AaaaData>("C0000201", out _));
        Assert.False(Read<MxData>("000A", out _));
        Assert.False(Read<MxData>("000A 00 00", out _));
        Assert.False(Read<TxtData>("02 61", out _));
        Assert.False(Read<CnameData>("", out _));
        Assert.False(Read<PtrData>("01 70", out _));
        Assert.False(Read<SoaData>("00 00 00000001 00000002 00000003 00000004 000000", out _));
    }

    [Fact]
    public void Any_data_reads_back()
    {
        var octets = Gen.Choose(0, 255).Select(value => (byte)value);
        var name = Gen.ArrayOf(octets, 5).Select(label => DnsName.TryRead([5, .. label, 0], 0, out var read, out _) ? read : DnsName.Root);
        var number = Gen.Choose(int.MinValue, int.MaxValue).Select(value => (uint)value);
        var text = Gen.Choose(0, 900).SelectMany(length => Gen.ArrayOf(octets, length)).Select(Encoding.Latin1.GetString);

        Property(Gen.ArrayOf(octets, 4).Select(address => new AData(new IPAddress(address))));
        Property(Gen.ArrayOf(octets, 16).Select(address => new AaaaData(new IPAddress(address))));
        Property(Gen.Choose(0, 65535).SelectMany(preference => name.Select(host => new MxData(preference, host))));
        Property(text.Select(value => new TxtData(value)));
        Property(name.Select(target => new CnameData(target)));
        Property(name.Select(target => new PtrData(target)));
        Property(name.SelectMany(host => Gen.ArrayOf(number, 5).Select(n => new SoaData(host, host, n[0], n[1], n[2], n[3], n[4]))));

        static void Property<T>(Gen<T> data) where T : class, IDnsData<T> =>
            Prop.ForAll(data.ToArbitrary(), written => Read<T>(Convert.ToHexString(Write(written)), out var read) && written.Equals(read))
                .QuickCheckThrowOnFailure();
    }

    static void Check<T>(string wire, T expected, bool writesBack = true) where T : class, IDnsData<T>
    {
        Assert.True(Read<T>(wire, out var data));
        Assert.Equal(expected, data);
        if (writesBack)
            Assert.Equal(Hex(wire), Write(expected));
    }

    static bool Read<T>(string wire, out T? data) where T : class, IDnsData<T>
    {
        var octets = Hex(wire);
        var reader = new DnsReader(octets);
        return reader.TryData(new DnsRecord(DnsName.Root, T.Type, 1, 0, 0, octets.Length), out data);
    }

    static byte[] Write<T>(T data) where T : class, IDnsData<T>
    {
        var buffer = new byte[2048];
        var writer = new DnsWriter(buffer);
        data.Write(ref writer);
        return buffer[..writer.Position];
    }
}
