using FsCheck;
using FsCheck.Fluent;
using Postrider.Mail.Addresses;

namespace Postrider.Mail.Tests.Addresses;

public sealed class AddressListTests
{
    [Theory]
    [InlineData("ada@example.org", "ada@example.org")]
    [InlineData("<ada@example.org>", "ada@example.org")]
    [InlineData("Ada Lovelace <ada@example.org>", "Ada Lovelace <ada@example.org>")]
    [InlineData("  Ada\t Lovelace  < ada@example.org > ", "Ada Lovelace <ada@example.org>")]
    [InlineData("\"Lovelace, Ada\" <ada@example.org>", "Lovelace, Ada <ada@example.org>")]
    [InlineData("\"a \\\"b\\\" \\\\c\" <ada@example.org>", "a \"b\" \\c <ada@example.org>")]
    [InlineData("\"\" <ada@example.org>", "ada@example.org")]
    [InlineData("Dr. A. Lovelace <ada@example.org>", "Dr. A. Lovelace <ada@example.org>")]
    [InlineData("ada@example.org (Ada (the first) \\) Lovelace)", "ada@example.org")]
    [InlineData("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "Pete <pete@silly.test>")]      // RFC 5322 §A.5
    [InlineData("\"ada lovelace\"@example.org", "\"ada lovelace\"@example.org")]
    [InlineData("ada . lovelace @ example . org", "ada.lovelace@example.org")]                                     // RFC 5322 §A.6.1
    [InlineData("Mary Smith <@node.test:mary@example.net>, , jdoe@test . example", "Mary Smith <mary@example.net>|jdoe@test.example")]
    [InlineData("a@example.org,b@example.org", "a@example.org|b@example.org")]
    [InlineData(",a@example.org,,b@example.org,", "a@example.org|b@example.org")]
    [InlineData("A Group:Chris <c@a.test>,joe@where.test,John <jdoe@one.test>;", "Chris <c@a.test>|joe@where.test|John <jdoe@one.test>")]
    [InlineData("x@a.test, G: y@a.test;, z@a.test", "x@a.test|y@a.test|z@a.test")]
    [InlineData("Undisclosed recipients:;", "")]
    [InlineData("(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", "")]
    [InlineData("Ada\r\n Lovelace <ada@example.org>", "Ada Lovelace <ada@example.org>")]
    [InlineData("安达 <ada@例え.テスト>", "安达 <ada@xn--r8jz45g.xn--zckzah>")]
    public void Reads_a_list(string text, string expected)
    {
        Assert.True(AddressList.TryParse(text, out var mailboxes));

        Assert.Equal(expected, string.Join('|', mailboxes));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" , ,")]
    [InlineData("Ada Lovelace")]
    [InlineData("Ada Lovelace ada@example.org")]
    [InlineData("ada@example.org bob@example.org")]
    [InlineData("<ada@example.org> Ada")]
    [InlineData("Ada <ada@example.org")]
    [InlineData("Ada <>")]
    [InlineData("ada@example.org>")]
    [InlineData("ada@")]
    [InlineData("\"ada@example.org")]
    [InlineData("\"ada\\")]
    [InlineData("(ada@example.org")]
    [InlineData("ada@example.org (")]
    [InlineData("ada@example.org (\\")]
    [InlineData("group: ada@example.org")]
    [InlineData("a: b: c@example.org;;")]
    [InlineData(": ada@example.org;")]
    [InlineData("ada@example.org;")]
    [InlineData("ada@[192.0.2.1]")]
    [InlineData("ada@example.org, x")]
    [InlineData("\"Ada\0\" <ada@example.org>")]
    [InlineData("Ada\u0001 <ada@example.org>")]
    public void Refuses_a_malformed_list(string text) => Assert.False(AddressList.TryParse(text, out _));

    [Fact]
    public void Refuses_more_than_the_count_and_more_than_the_length()
    {
        var thousand = string.Join(',', Enumerable.Range(0, 1_000).Select(i => $"u{i}@example.org"));

        Assert.True(AddressList.TryParse(thousand, out var mailboxes));
        Assert.Equal(1_000, mailboxes.Count);
        Assert.False(AddressList.TryParse(thousand + ",x@example.org", out _));
        Assert.False(AddressList.TryParse(thousand, 999, out _));
        Assert.False(AddressList.TryParse("a@example.org" + new string(' ', AddressList.MaxLength), out _));
    }

    [Fact]
    public void Deeply_nested_comments_cost_no_stack() =>
        Assert.True(AddressList.TryParse($"{new string('(', 100_000)}{new string(')', 100_000)}ada@example.org", out _));

    [Fact]
    public void Names_never_hold_controls_whatever_the_text() =>
        Prop.ForAll(
            AddressArbitraries.AlmostAddress,
            text => !AddressList.TryParse(text, out var mailboxes) || mailboxes.All(named => !named.ToString().Any(char.IsControl)))
        .Check(Config.QuickThrowOnFailure.WithMaxTest(5_000));

    [Theory]
    [InlineData("Ada", "Ada")]
    [InlineData(" Ada ", "Ada")]
    [InlineData("", null)]
    [InlineData("  ", null)]
    [InlineData(null, null)]
    public void A_named_mailbox_takes_a_name(string? name, string? expected)
    {
        Assert.True(Mailbox.TryParse("ada@example.org", out var mailbox));

        Assert.True(NamedMailbox.TryCreate(name, mailbox, out var named));
        Assert.Equal(expected, named.DisplayName);
    }

    [Theory]
    [InlineData("Ada\r\nBcc: eve@example.org")]
    [InlineData("Ada\n")]
    [InlineData("\r")]
    [InlineData("Ada\0")]
    [InlineData("Ada\t")]
    [InlineData("Ada\u007F")]
    [InlineData("Ada\u0085")]
    [InlineData("Ada\u2028")]
    public void A_named_mailbox_refuses_a_name_with_controls(string name)
    {
        Assert.True(Mailbox.TryParse("ada@example.org", out var mailbox));

        Assert.False(NamedMailbox.TryCreate(name, mailbox, out _));
    }
}
