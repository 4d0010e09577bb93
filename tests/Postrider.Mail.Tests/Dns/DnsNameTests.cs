using FsCheck;
using FsCheck.Fluent;
using Postrider.Mail.Dns;
using static Postrider.Mail.Tests.Dns.Names;

namespace Postrider.Mail.Tests.Dns;

public class DnsNameTests
{
    const string Label63 = "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc";

    [Theory]
    [InlineData("example.com", "07 6578616D706C65 03 636F6D 00", "example.com")]
    [InlineData("Example.COM.", "07 6578616D706C65 03 636F6D 00", "example.com")]
    [InlineData(".", "00", ".")]
    [InlineData("_dmarc.a", "06 5F646D617263 01 61 00", "_dmarc.a")]
    [InlineData(@"a\.b.c", "03 612E62 01 63 00", @"a\.b.c")]
    [InlineData(@"a\\b", "03 615C62 00", @"a\\b")]
    [InlineData(@"a\000\032\255", "04 610020FF 00", @"a\000\032\255")]
    [InlineData(@"\065", "01 61 00", "a")]
    [InlineData(@"\a\ b", "03 612062 00", @"a\032b")]
    public void Reads_presentation_format_and_writes_it_back(string text, string wire, string back)
    {
        Assert.True(DnsName.TryParse(text, out var name));
        Assert.Equal(Hex(wire), name.Wire.ToArray());
        Assert.Equal(back, name.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData(".a")]
    [InlineData("a..b")]
    [InlineData("a..")]
    [InlineData("a b")]
    [InlineData("a\nb")]
    [InlineData("bücher.example")]
    [InlineData(@"a\")]
    [InlineData(@"a\25")]
    [InlineData(@"a\256")]
    [InlineData(@"a\2x5")]
    [InlineData("a\\\u00fc")]
    [InlineData(Label63 + "d")]
    [InlineData(Label63 + "." + Label63 + "." + Label63 + "." + Label63)]    // 257 octets
    public void Refuses_what_is_not_a_name(string text) => Assert.False(DnsName.TryParse(text, out _));

    [Fact]
    public void Takes_a_name_of_exactly_255_octets_and_not_of_256()
    {
        var start = $"{Label63}.{Label63}.{Label63}.";

        Assert.True(DnsName.TryParse(start + Label63[..61], out var name));
        Assert.Equal(DnsName.MaxOctets, name.Wire.Length);
        Assert.False(DnsName.TryParse(start + Label63[..62], out _));
    }

    [Theory]
    [InlineData("01 61 00", 0, "a", 3)]
    [InlineData("00", 0, ".", 1)]
    [InlineData("01 61 00 01 62 C000", 3, "b.a", 4)]
    [InlineData("01 61 00 C000", 3, "a", 2)]
    [InlineData("01 61 00 C000 C003", 5, "a", 2)]    // a pointer to a pointer
    [InlineData("01 61 01 62 00 01 63 C002", 5, "c.b", 4)]
    [InlineData("01 41 00 FF", 0, "a", 3)]
    public void Reads_a_name_in_a_message(string message, int start, string expected, int octets)
    {
        Assert.True(DnsName.TryRead(Hex(message), start, out var name, out var consumed));
        Assert.Equal((expected, octets), (name.ToString(), consumed));
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("01 61", 0)]             // no root
    [InlineData("02 61", 0)]             // a label past the end
    [InlineData("C000", 0)]              // a pointer to itself
    [InlineData("C002 C000", 0)]         // forward
    [InlineData("01 61 C000", 0)]        // into the part it ends: a loop
    [InlineData("01 61 C003 C000", 0)]   // forward and back
    [InlineData("01 61 C001", 2)]        // one octet too far
    [InlineData("00 C0", 1)]             // half a pointer
    [InlineData("40 00", 0)]
    [InlineData("80 00", 0)]
    [InlineData("00", 1)]
    [InlineData("00", -1)]
    public void Refuses_a_broken_name_in_a_message(string message, int start) =>
        Assert.False(DnsName.TryRead(Hex(message), start, out _, out _));

    [Fact]
    public void Refuses_a_name_that_pointers_make_longer_than_255_octets()
    {
        // Label after label, each followed by a pointer to the one before.
        var message = new List<byte>([0]);
        var start = 0;
        var reads = new List<bool>();
        for (var i = 0; i < 10; i++)
        {
            var next = message.Count;
            message.AddRange([63, .. new byte[63], (byte)(0xC0 | (start >> 8)), (byte)start]);
            start = next;
            reads.Add(DnsName.TryRead([.. message], start, out _, out _));
        }

        Assert.Equal([true, true, true, false, false, false, false, false, false, false], reads);
    }

    [Theory]
    [InlineData("a.example.com", "example.com", true)]
    [InlineData("example.com", "example.com", true)]
    [InlineData("example.com", ".", true)]
    [InlineData("badexample.com", "example.com", false)]
    [InlineData("com", "example.com", false)]
    [InlineData(@"x\.example.com", "example.com", false)]
    public void Knows_what_is_below_a_zone(string name, string zone, bool expected) =>
        Assert.Equal(expected, Name(name).IsAtOrBelow(Name(zone)));

    [Theory]
    [InlineData("a.b.com", "com")]
    [InlineData("com", "com")]
    [InlineData(".", "")]
    public void Knows_its_top_label(string name, string top) =>
        Assert.Equal(top, System.Text.Encoding.ASCII.GetString(Name(name).TopLabel));

    [Fact]
    public void Any_labels_read_back_from_text_and_from_the_wire()
    {
        var label = Gen.ArrayOf(Gen.Choose(0, 255).Select(value => (byte)value), 20).Select(octets => octets.Length == 0 ? [1] : octets);
        var labels = Gen.Choose(0, 12).SelectMany(count => Gen.ArrayOf(label, count));

        Prop.ForAll(labels.ToArbitrary(), parts =>
        {
            byte[] wire = [.. parts.SelectMany(part => part.Prepend((byte)part.Length)), 0];
            var read = DnsName.TryRead(wire, 0, out var name, out var consumed);
            if (wire.Length > DnsName.MaxOctets)
                return !read;
            return read && consumed == wire.Length && DnsName.TryParse(name!.ToString(), out var again)
                && again.Equals(name) && again.GetHashCode() == name.GetHashCode() && again.ToString() == name.ToString();
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Any_octets_give_a_name_or_false()
    {
        var octet = Gen.Frequency((3, Gen.Choose(0, 5)), (1, Gen.Constant(0xC0)), (1, Gen.Choose(0, 255))).Select(value => (byte)value);
        var octets = Gen.ArrayOf(octet);

        Prop.ForAll(octets.ToArbitrary(), message =>
        {
            for (var start = 0; start < message.Length; start++)
            {
                if (DnsName.TryRead(message, start, out var name, out var consumed)
                    && (name.Wire.Length > DnsName.MaxOctets || start + consumed > message.Length || consumed < 1))
                    return false;
            }
            return true;
        }).QuickCheckThrowOnFailure();
    }
}
