using FsCheck;
using FsCheck.Fluent;
using Postrider.Mail.Addresses;

namespace Postrider.Mail.Tests.Addresses;

public sealed class MailboxTests
{
    [Theory]
    [InlineData("ada@example.org", "ada", "ada@example.org")]
    [InlineData("Ada.Lovelace+x@Example.ORG", "Ada.Lovelace+x", "Ada.Lovelace+x@example.org")]
    [InlineData("!#$%&'*+-/=?^_`{|}~@example.org", "!#$%&'*+-/=?^_`{|}~", "!#$%&'*+-/=?^_`{|}~@example.org")]
    [InlineData("\"ada\"@example.org", "ada", "ada@example.org")]
    [InlineData("\"a\\d\\a\"@example.org", "ada", "ada@example.org")]
    [InlineData("\"ada lovelace\"@example.org", "\"ada lovelace\"", "\"ada lovelace\"@example.org")]
    [InlineData("\"a@b\"@example.org", "\"a@b\"", "\"a@b\"@example.org")]
    [InlineData("\"a\\\"\\\\\\b\"@example.org", "\"a\\\"\\\\b\"", "\"a\\\"\\\\b\"@example.org")]
    [InlineData("\"a..b\"@example.org", "\"a..b\"", "\"a..b\"@example.org")]
    [InlineData("\"\"@example.org", "\"\"", "\"\"@example.org")]
    [InlineData("用户@例え.テスト", "用户", "用户@xn--r8jz45g.xn--zckzah")]
    [InlineData("\"jörg\"@example.org", "jörg", "jörg@example.org")]
    public void Reads_a_mailbox_and_writes_it_the_one_way(string text, string localPart, string wire)
    {
        Assert.True(Mailbox.TryParse(text, out var mailbox));

        Assert.Equal((localPart, wire), (mailbox.LocalPart, mailbox.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("@")]
    [InlineData("ada")]
    [InlineData("ada@")]
    [InlineData("@example.org")]
    [InlineData("ada@localhost")]
    [InlineData("ada@[192.0.2.1]")]
    [InlineData("ada @example.org")]
    [InlineData(" ada@example.org")]
    [InlineData("ada@example.org ")]
    [InlineData("ada@@example.org")]
    [InlineData(".ada@example.org")]
    [InlineData("ada.@example.org")]
    [InlineData("a..b@example.org")]
    [InlineData("a,b@example.org")]
    [InlineData("<ada@example.org>")]
    [InlineData("ada@example.org>")]
    [InlineData("ada>\r\nRCPT TO:<eve@example.org")]
    [InlineData("ada\r\n@example.org")]
    [InlineData("ada@example.org\r\n")]
    [InlineData("a\0b@example.org")]
    [InlineData("a\u007Fb@example.org")]
    [InlineData("a\u0085b@example.org")]
    [InlineData("a\u2028b@example.org")]
    [InlineData("a\u00A0b@example.org")]
    [InlineData("\"a\r\nb\"@example.org")]
    [InlineData("\"a\\\rb\"@example.org")]
    [InlineData("\"a\tb\"@example.org")]
    [InlineData("\"a\"b\"@example.org")]
    [InlineData("\"a\\\"@example.org")]
    [InlineData("\"a@example.org")]
    [InlineData("\"@example.org")]
    [InlineData("a\"b\"@example.org")]
    public void Refuses_what_is_no_mailbox(string text) => Assert.False(Mailbox.TryParse(text, out _));

    [Fact]
    public void Refuses_a_lone_surrogate() => Assert.False(Mailbox.TryParse("a\udc00@example.org", out _));

    [Fact]
    public void Takes_a_local_part_of_64_octets_and_no_more()
    {
        Assert.True(Mailbox.TryParse($"{new string('a', 64)}@example.org", out _));
        Assert.False(Mailbox.TryParse($"{new string('a', 65)}@example.org", out _));
        Assert.True(Mailbox.TryParse($"{new string('ü', 32)}@example.org", out _));
        Assert.False(Mailbox.TryParse($"{new string('ü', 33)}@example.org", out _));
    }

    [Fact]
    public void Takes_an_address_of_254_octets_and_no_more()
    {
        var label = new string('a', 63);
        var domain = $"{label}.{label}.{new string('b', 61)}";

        Assert.True(Mailbox.TryParse($"{new string('c', 64)}@{domain}", out var longest));
        Assert.Equal(254, longest.ToString().Length);
        Assert.False(Mailbox.TryParse($"{new string('c', 64)}@{domain}b", out _));
    }

    [Theory]
    [InlineData("Ada@Example.ORG", "ada@example.org", false)]
    [InlineData("JÖRG@Bücher.example", "jörg@xn--bcher-kva.example", true)]
    [InlineData("ada@bücher.example", "ada@xn--bcher-kva.example", false)]
    public void Has_a_key_in_lower_case_and_knows_when_the_peer_must_speak_utf8(string text, string key, bool needsSmtpUtf8)
    {
        Assert.True(Mailbox.TryParse(text, out var mailbox));

        Assert.Equal((key, needsSmtpUtf8), (mailbox.Key, mailbox.NeedsSmtpUtf8));
    }

    [Fact]
    public void Local_parts_that_differ_in_case_are_two_mailboxes_with_one_key()
    {
        Assert.True(Mailbox.TryParse("Ada@example.org", out var one));
        Assert.True(Mailbox.TryParse("ada@EXAMPLE.org", out var other));

        Assert.NotEqual(one, other);
        Assert.Equal(one.Key, other.Key);
    }

    [Fact]
    public void What_it_reads_it_reads_back_and_holds_no_control_character() =>
        Prop.ForAll(
            AddressArbitraries.AlmostMailbox,
            text =>
            {
                if (!Mailbox.TryParse(text, out var mailbox))
                    return true;
                var wire = mailbox.ToString();
                return Mailbox.TryParse(wire, out var again) && again == mailbox && again.ToString() == wire
                    && !wire.Any(char.IsControl) && !new ReversePath(mailbox).ToString().Any(char.IsControl);
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(3_000));

    [Fact]
    public void Every_quoted_local_part_of_printable_characters_survives() =>
        Prop.ForAll(
            Gen.Choose(32, 126).Select(c => (char)c).ArrayOf().Resize(30).Select(chars => new string(chars)).ToArbitrary(),
            content =>
            {
                var quoted =
                    $"\"{content.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
                return Mailbox.TryParse($"{quoted}@example.org", out var mailbox)
                    && (mailbox.LocalPart == quoted || mailbox.LocalPart == content);
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(1_000));
}
