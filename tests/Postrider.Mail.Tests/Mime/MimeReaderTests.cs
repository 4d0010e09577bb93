using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Postrider.Mail.Mime;

namespace Postrider.Mail.Tests.Mime;

public sealed class MimeReaderTests
{
    [Theory]
    [InlineData("", "text/plain", "")]
    [InlineData("Subject: x", "text/plain", "")]
    [InlineData("Subject: x\r\n\r\n", "text/plain", "")]
    [InlineData("Subject: x\n\nbody\n", "text/plain", "body\n")]
    [InlineData("\r\nbody", "text/plain", "body")]
    [InlineData("Content-Type: nonsense\r\n\r\nbody", "text/plain", "body")]
    [InlineData("Content-Type: multipart/mixed\r\n\r\nbody", "multipart/mixed", "body")]
    [InlineData("no field\r\nSubject: x\r\n\r\nbody", "text/plain", "body")]
    public void Reads_a_message_of_one_part(string message, string type, string body)
    {
        var read = Read(message);

        Assert.Equal((type, body, true), (read.Root.MediaType.Essence, Encoding.ASCII.GetString(read.Root.RawBody.Span), read.IsComplete));
        Assert.Empty(read.Root.Parts);
    }

    [Theory]
    [InlineData("--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n", "one|two")]
    [InlineData("--b\n\none\n--b\n\ntwo\n--b--\n", "one|two")]
    [InlineData("preamble\r\n--b\r\n\r\none\r\n--b--\r\nepilogue\r\n--b\r\n\r\nnot this", "one")]
    [InlineData("--b\r\n\r\none", "one")]                                              // not closed
    [InlineData("--b \t\r\n\r\none\r\n--b--  \r\n", "one")]
    [InlineData("--b\r\n\r\none\r\n--bb\r\n--bc--\r\n--b--", "one\r\n--bb\r\n--bc--")]       // other boundaries with the same beginning
    [InlineData("--b\r\n--b\r\n\r\ntwo\r\n--b--", "|two")]                                     // no header section at all
    [InlineData("--b\r\n\r\n--b--", "")]
    [InlineData("--b\r\n\r\n\r\n--b--", "")]
    [InlineData("--b\r\n\r\none\r\n\r\n--b--", "one\r\n")]
    [InlineData("", "")]
    public void Parts_a_multipart_at_its_boundary(string body, string expected)
    {
        var read = Read($"Content-Type: multipart/mixed; boundary=b\r\n\r\n{body}");

        Assert.Equal(expected, string.Join('|', read.Root.Parts.Select(part => Encoding.ASCII.GetString(part.RawBody.Span))));
    }

    [Fact]
    public void An_outer_boundary_ends_an_inner_multipart_that_was_not_closed()
    {
        var read = Read("""
            Content-Type: multipart/mixed; boundary="outer"

            --outer
            Content-Type: multipart/alternative; boundary="inner"

            --inner

            one
            --outer
            Content-Type: text/html

            two
            --outer--
            """);

        Assert.Equal(["multipart/alternative", "text/html"], read.Root.Parts.Select(part => part.MediaType.Essence));
        Assert.Equal(("one", "two"), (read.Text, read.Html));
    }

    [Theory]
    [InlineData("base64", "SGVsbG8=", "Hello")]
    [InlineData("BASE64", "SGVs\r\n bG8", "Hello")]
    [InlineData("base64", "SGVs*bG8=\r\n-- IQ", "Hello!")]
    [InlineData("quoted-printable", "H=65llo =\r\nthere=20 \t\r\n=C3=A4=\r\n", "Hello there \r\nä")]
    [InlineData("quoted-printable", "=ZZ=4 =", "=ZZ=4 ")]
    [InlineData("8bit", "Hello ä", "Hello ä")]
    [InlineData("x-unknown", "Hello", "Hello")]
    public void Undoes_the_transfer_encoding_as_far_as_it_goes(string encoding, string body, string expected)
    {
        var read = Read($"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}");

        Assert.Equal(expected, read.Text);
    }

    [Theory]
    [InlineData("text/plain; charset=iso-8859-1", new byte[] { 0xE4, 0x80 }, "ä€")]
    [InlineData("text/plain; charset=\"windows-1251\"", new byte[] { 0xE4 }, "д")]
    [InlineData("text/plain; charset=shift_jis", new byte[] { 0x8C, 0xE1 }, "吾")]
    [InlineData("text/plain", new byte[] { 0xC3, 0xA4 }, "ä")]
    [InlineData("text/plain", new byte[] { 0xE4 }, "ä")]
    [InlineData("text/plain; charset=no-such-one", new byte[] { 0xE4 }, "ä")]
    [InlineData("text/plain; charset=utf-7", new byte[] { 0x2B, 0x41, 0x44, 0x77, 0x2D }, "+ADw-")]
    [InlineData("text/plain; charset=utf-8", new byte[] { 0xE4 }, "\uFFFD")]
    public void Reads_text_in_its_charset(string type, byte[] body, string expected)
    {
        var read = MimeReader.Read(new ReadOnlyMemory<byte>([.. Encoding.ASCII.GetBytes($"Content-Type: {type}\r\n\r\n"), .. body]));

        Assert.Equal(expected, read.Text);
    }

    [Theory]
    [InlineData("attachment; filename=a.txt", "a.txt")]
    [InlineData("attachment; filename=\"a \\\"b\\\".txt\"", "a \"b\".txt")]
    [InlineData("attachment; filename*=UTF-8''%E2%82%AC.txt; filename=e.txt", "€.txt")]
    [InlineData("attachment; filename=e.txt; filename*=UTF-8''%E2%82%AC.txt", "€.txt")]
    [InlineData("attachment; filename*0=\"a\"; filename*1=\"b.txt\"", "ab.txt")]
    [InlineData("attachment; filename*1*=%A4.txt; filename*0*=utf-8''%C3", "ä.txt")]
    [InlineData("attachment; filename*0*=iso-8859-1'de'%E4; filename*2=lost", "ä")]
    [InlineData("attachment; filename=\"=?utf-8?q?=C3=A4.txt?=\"", "ä.txt")]
    [InlineData("attachment; filename*=UTF-8''a%0D%0Ab%ZZ%4", "a b%ZZ%4")]
    [InlineData("attachment ; x ; = ;; filename = a.txt ;", "a.txt")]
    [InlineData("attachment; filename=\"unclosed", "unclosed")]
    [InlineData("attachment", null)]
    public void Reads_file_names(string disposition, string? expected)
    {
        var read = Read($"Content-Disposition: {disposition}\r\n\r\n");

        Assert.Equal(expected, Assert.Single(read.Attachments).FileName);
    }

    [Fact]
    public void Unfolds_and_decodes_fields()
    {
        var read = Read(
            "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n =?utf-8?q?_aus?= K\r\n\t\u00F6ln\r\n"
            + "To: =?utf-8?b?w6Q=?= <a@example.org>,\r\n b@example.org\r\n\r\n");

        Assert.Equal("Grüße aus K öln", read.Subject);
        Assert.Equal("ä <a@example.org>|b@example.org", string.Join('|', read.To));
    }

    [Fact]
    public void A_message_inside_is_an_attachment()
    {
        var read = Read("Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nhello");

        Assert.Equal("inner", MimeReader.Read(Assert.Single(read.Attachments).DecodeContent()).Subject);
    }

    [Fact]
    public void Looks_no_deeper_than_the_limit()
    {
        var nested = string.Concat(
            Enumerable.Range(0, 1_000).Select(i => $"Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n"));

        var read = Read(nested);

        var depth = 0;
        for (var entity = read.Root; entity.Parts.Count > 0; entity = entity.Parts[0])
            depth++;
        Assert.Equal((50, false), (depth, read.IsComplete));
    }

    [Fact]
    public void Counts_no_more_parts_fields_and_octets_than_the_limits()
    {
        var parts = Read(
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + string.Concat(Enumerable.Repeat("--b\r\n\r\nx\r\n", 100_000)));
        var fields = Read(string.Concat(Enumerable.Repeat("X: y\r\n", 20_000)) + "\r\nbody");
        var octets = Read("X: " + string.Concat(Enumerable.Repeat("y\r\n ", 100_000)) + "\r\n\r\nbody");

        Assert.Equal((1_000, false), (parts.Root.Parts.Count, parts.IsComplete));
        Assert.Equal((1_000, "body", false), (fields.Fields.All.Count, fields.Text, fields.IsComplete));
        Assert.False(octets.IsComplete);
        Assert.EndsWith("body", octets.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_octets_are_a_message_whose_parts_lie_in_order() =>
        Prop.ForAll(
            Gen.Elements(
                "Content-Type: multipart/mixed; boundary=b\r\n", "Content-Type: multipart/x; boundary=\"bb\"\r\n", "\r\n", "--b\r\n",
                "--b--\r\n", "--bb\r\n",
                "--bb--\n", "\r\n--b\r\n", "text", "Subject: x\r\n", " fold\r\n", ":", "\0", "\r", "\n", "Content-Type: text/plain\r\n\r\n",
                "--").ArrayOf().Resize(40)
            .Select(string.Concat).ToArbitrary(),
            text =>
            {
                var read = Read(text);
                return Leaves(read.Root).All(leaf => leaf.DecodeContent().Length <= leaf.RawBody.Length + 3)
                    && read.Attachments.Count <= 1_000
                    && Leaves(read.Root).Sum(leaf => leaf.RawBody.Length) <= text.Length;
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(3_000));

    static IEnumerable<MimeEntity> Leaves(MimeEntity entity) => entity.Parts.Count == 0 ? [entity] : entity.Parts.SelectMany(Leaves);

    static ParsedMessage Read(string message) => MimeReader.Read(Encoding.UTF8.GetBytes(message));
}
