using Postrider.Mail.Addresses;

namespace Postrider.Mail.Tests.Addresses;

public sealed class DomainTests
{
    [Theory]
    [InlineData("example.org", "example.org", "example.org")]
    [InlineData("Example.ORG.", "example.org", "example.org")]
    [InlineData("a.b.c.d.e", "a.b.c.d.e", "a.b.c.d.e")]
    [InlineData("3com.1and1.example", "3com.1and1.example", "3com.1and1.example")]
    [InlineData("bücher.example", "xn--bcher-kva.example", "bücher.example")]
    [InlineData("BÜCHER.Example", "xn--bcher-kva.example", "bücher.example")]
    [InlineData("XN--BCHER-KVA.example", "xn--bcher-kva.example", "bücher.example")]
    [InlineData("straße.de", "xn--strae-oqa.de", "straße.de")]
    [InlineData("例え.テスト", "xn--r8jz45g.xn--zckzah", "例え.テスト")]
    [InlineData("例え。テスト", "xn--r8jz45g.xn--zckzah", "例え.テスト")]
    [InlineData("مثال.إختبار", "xn--mgbh0fb.xn--kgbechtv", "مثال.إختبار")]
    [InlineData("пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f", "пример.испытание")]
    [InlineData("xn--zzzz99.example", "xn--zzzz99.example", "xn--zzzz99.example")]        // no Punycode: shown as it is
    [InlineData("xn--e28h.example", "xn--e28h.example", "xn--e28h.example")]              // an emoji is no U-label
    public void Reads_a_domain_in_both_forms(string text, string ascii, string unicode)
    {
        Assert.True(Domain.TryParse(text, out var domain));

        Assert.Equal((ascii, unicode), (domain.Ascii, domain.Unicode));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData(".example.org")]
    [InlineData("example..org")]
    [InlineData("example.org..")]
    [InlineData("localhost")]
    [InlineData("localhost.")]
    [InlineData("192.0.2.1")]
    [InlineData("[192.0.2.1]")]
    [InlineData("[IPv6:2001:db8::1]")]
    [InlineData("example.123")]
    [InlineData("-a.example")]
    [InlineData("a-.example")]
    [InlineData("a_b.example")]
    [InlineData("a b.example")]
    [InlineData("a@b.example")]
    [InlineData("exam\0ple.org")]
    [InlineData("example.org\r\n")]
    [InlineData("example.org\n.x")]
    [InlineData("😀.example")]
    [InlineData("bu\u0308cher.example")]        // not composed
    [InlineData("ａ.example")]                   // full-width
    [InlineData("a\u00ADb.example")]
    [InlineData("a／b.example")]
    [InlineData("xn--bücher.example")]
    public void Refuses_what_is_no_domain(string text) => Assert.False(Domain.TryParse(text, out _));

    [Fact]
    public void Refuses_a_lone_surrogate() => Assert.False(Domain.TryParse("a\ud800.example", out _));   // no attribute can hold one

    [Fact]
    public void Takes_labels_of_63_octets_and_domains_of_253_and_no_more()
    {
        var label = new string('a', 63);
        var longest = $"{label}.{label}.{label}.{new string('b', 61)}";

        Assert.True(Domain.TryParse(longest, out var domain));
        Assert.Equal(253, domain.Ascii.Length);
        Assert.True(Domain.TryParse(longest + ".", out _));
        Assert.False(Domain.TryParse(longest + "b", out _));
        Assert.False(Domain.TryParse($"a{label}.example", out _));
        Assert.False(Domain.TryParse($"{new string('ü', 60)}.example", out _));     // 60 letters, but more octets as an A-label
    }

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("MX", true)]
    [InlineData("mx.example.org", true)]
    [InlineData("127.0.0.1", false)]
    [InlineData("25", false)]
    [InlineData("", false)]
    public void Takes_a_single_label_as_a_host_name(string text, bool expected) =>
        Assert.Equal(expected, Domain.TryParseHostName(text, out _));

    [Fact]
    public void Compares_by_its_a_labels()
    {
        Assert.True(Domain.TryParse("BÜCHER.example.", out var one));
        Assert.True(Domain.TryParse("xn--bcher-kva.EXAMPLE", out var other));

        Assert.Equal(one, other);
        Assert.Equal(one.GetHashCode(), other.GetHashCode());
    }
}
