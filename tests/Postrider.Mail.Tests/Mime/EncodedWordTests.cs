using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Postrider.Mail.Mime;

namespace Postrider.Mail.Tests.Mime;

public sealed class EncodedWordTests
{
    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("=?ISO-8859-1?Q?a?=", "a")]                                     // RFC 2047 §8, its table of examples
    [InlineData("=?ISO-8859-1?Q?a?= b", "a b")]
    [InlineData("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab")]
    [InlineData("=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab")]
    [InlineData("=?ISO-8859-1?Q?a_b?=", "a b")]
    [InlineData("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b")]
    [InlineData("=?ISO-8859-1?Q?Patrik_F=E4ltstr=F6m?= <paf@nada.kth.se>", "Patrik Fältström <paf@nada.kth.se>")]
    [InlineData("=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
        "If you can read this you understand the example.")]
    [InlineData("=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore")]                // RFC 2231 §5
    [InlineData("=?utf-8?q?=C3?= =?utf-8?q?=A4?=", "ä")]                        // split within a character, against §5
    [InlineData("=?utf-8?b?w6Q?=", "ä")]                                         // no padding
    [InlineData("=?iso-2022-jp?B?GyRCOGNHWhsoQg==?=", "吾輩")]
    [InlineData("=?shift_jis?B?jOGUeQ==?=", "吾輩")]
    [InlineData("=?windows-1252?q?=80?=", "€")]
    [InlineData("=?no-such-charset?q?=C3=A4?=", "ä")]
    [InlineData("a=?utf-8?q?b?=c", "abc")]
    [InlineData("=?utf-8?x?b?=", "=?utf-8?x?b?=")]
    [InlineData("=?utf-8?q?b", "=?utf-8?q?b")]
    [InlineData("=?utf-8?q?b?", "=?utf-8?q?b?")]
    [InlineData("=??q?b?=", "=??q?b?=")]
    [InlineData("=?=?=?", "=?=?=?")]
    [InlineData("=?utf-8?q?a=0D=0ABcc:_x?=", "a Bcc: x")]
    [InlineData("=?utf-8?q?=ZZ=?=", "=ZZ=")]
    [InlineData("=?utf-8?q?a\r\n?=", "a ")]
    public void Decodes(string text, string expected) => Assert.Equal(expected, EncodedWord.Decode(text));

    [Fact]
    public void Decodes_what_it_encodes() =>
        Prop.ForAll(
            TextArbitraries.AnyText,
            text =>
            {
                var clean = HeaderText.WithoutControls(text);
                return clean.Length == 0
                    || EncodedWord.Decode(Encode(clean).Replace("\r\n", "", StringComparison.Ordinal)) == TextArbitraries.WellFormed(clean);
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(2_000));

    [Fact]
    public void Each_word_has_at_most_75_octets_and_whole_code_points() =>
        Prop.ForAll(
            TextArbitraries.AnyText,
            text => Encode(text).Split("\r\n ").All(word => word.Length <= 75 && IsWhole(word, text)))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(2_000));

    [Fact]
    public void Reads_hostile_text_in_linear_time()
    {
        var text = string.Concat(Enumerable.Repeat("=?utf-8?q?", 100_000));

        Assert.Equal(text, EncodedWord.Decode(text));
    }

    /// <summary>Decoded by itself a word has no replacement character but those that were encoded.</summary>
    static bool IsWhole(string word, string text) =>
        !EncodedWord.Decode(word).Contains('\uFFFD') || TextArbitraries.WellFormed(text).Contains('\uFFFD');

    static string Encode(string text)
    {
        using var writer = new OctetWriter(16);
        EncodedWord.Write(writer, text);
        return Encoding.ASCII.GetString(writer.Written);
    }
}
