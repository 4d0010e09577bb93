using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Postrider.Mail.Mime;
using static Postrider.Mail.Tests.Mime.SampleMessages;

namespace Postrider.Mail.Tests.Mime;

public sealed class MimeComposerTests
{
    public static TheoryData<string> Names => [.. All.Keys];

    [Fact]
    public void Writes_text_and_html_as_alternatives()
    {
        var composed = MimeComposer.Compose(All["text_and_html"]);

        Assert.Equal(
            Canonical("""
                From: Ada Lovelace <ada@example.org>
                To: bob@example.net
                Subject: Hello
                Date: Fri, 20 Nov 2026 15:00:00 +0000
                Message-ID: <0199-1@example.org>
                MIME-Version: 1.0
                Content-Type: multipart/alternative;
                 boundary="=_cac63cb0076ee61f520b0a78a"

                --=_cac63cb0076ee61f520b0a78a
                Content-Type: text/plain; charset=us-ascii
                Content-Transfer-Encoding: 7bit

                Hello

                --=_cac63cb0076ee61f520b0a78a
                Content-Type: text/html; charset=us-ascii
                Content-Transfer-Encoding: 7bit

                <p>Hello</p>
                --=_cac63cb0076ee61f520b0a78a--

                """),
            Encoding.ASCII.GetString(composed.Whole.Span));
    }

    [Fact]
    public void Writes_names_subject_and_text_in_other_scripts()
    {
        var composed = MimeComposer.Compose(Message() with
        {
            From = Named("Jörg, der Erste seines Namens", "joerg@bücher.example"),
            Subject = "Grüße aus Köln",
            Text = Utf8("Es kostet 5 € = viel,\n  eingerückt und mit Raum am Ende \n"),
        });

        Assert.Equal(
            Canonical("""
                From: =?utf-8?q?J=C3=B6rg=2C_der_Erste_seines_Namens?=
                 <joerg@xn--bcher-kva.example>
                To: bob@example.net
                Subject: =?utf-8?b?R3LDvMOfZSBhdXMgS8O2bG4=?=
                Date: Fri, 20 Nov 2026 15:00:00 +0000
                Message-ID: <0199-1@example.org>
                MIME-Version: 1.0
                Content-Type: text/plain; charset=utf-8
                Content-Transfer-Encoding: quoted-printable

                Es kostet 5 =E2=82=AC =3D viel,
                  einger=C3=BCckt und mit Raum am Ende=20

                """),
            Encoding.ASCII.GetString(composed.Whole.Span));
    }

    [Fact]
    public void Nests_related_in_alternative_in_mixed()
    {
        var read = MimeReader.Read(Octets("everything"));

        Assert.Equal(
            "multipart/mixed(multipart/alternative(text/plain,multipart/related(text/html,image/png)),application/pdf,text/plain,text/csv,text/calendar,"
            + "application/octet-stream)",
            Outline(read.Root));
    }

    [Fact]
    public void An_inline_part_without_html_is_an_attachment()
    {
        var read = MimeReader.Read(
            Octets(Message() with { Text = Utf8("x"), Attachments = [File("logo.png", "image/png", AllOctets, "logo")] }));

        Assert.Equal("multipart/mixed(text/plain,image/png)", Outline(read.Root));
        Assert.Equal("logo", Assert.Single(read.Attachments).ContentId);
    }

    [Theory]
    [InlineData("Hello", "7bit")]
    [InlineData("\u0001\u001b[0m", "7bit")]
    [InlineData("Grüße aus Köln am Rhein, wo es schön ist", "quoted-printable")]
    [InlineData("吾輩は猫である", "base64")]
    [InlineData("a\0", "quoted-printable")]
    public void Chooses_the_shortest_encoding_that_is_safe(string text, string expected)
    {
        var read = MimeReader.Read(Octets(Message() with { Text = Utf8(text) }));

        Assert.Equal(expected, read.Root.Encoding);
    }

    [Theory]
    [InlineData(998, "7bit")]
    [InlineData(999, "quoted-printable")]
    public void Encodes_text_with_lines_over_998_octets(int octets, string expected)
    {
        var read = MimeReader.Read(Octets(Message() with { Text = Utf8($"short\n{new string('x', octets)}\nshort") }));

        Assert.Equal(expected, read.Root.Encoding);
    }

    [Fact]
    public void Sends_eight_bits_only_when_allowed()
    {
        var seven = MimeComposer.Compose(All["latin"]);
        var eight = MimeComposer.Compose(All["latin"], allow8Bit: true);
        var ascii = MimeComposer.Compose(All["text_and_html"], allow8Bit: true);

        Assert.Equal((false, true, false), (seven.Is8Bit, eight.Is8Bit, ascii.Is8Bit));
        Assert.True(Ascii.IsValid(seven.Whole.Span));
        Assert.Equal("Größe: 5 € = viel\r\n  eingerückt \r\n", MimeReader.Read(eight.Whole).Text);
    }

    [Fact]
    public void Addresses_in_utf8_stay_as_they_are_and_need_a_peer_that_takes_them()
    {
        var composed = MimeComposer.Compose(Message() with { To = [Named("用户", "用户@例え.テスト")], Text = Utf8("x") });
        var other = MimeComposer.Compose(All["japanese"]);

        Assert.Equal((true, false), (composed.NeedsSmtpUtf8, other.NeedsSmtpUtf8));
        Assert.Contains("<用户@xn--r8jz45g.xn--zckzah>", Encoding.UTF8.GetString(composed.HeaderSection.Span), StringComparison.Ordinal);
        Assert.Equal("用户", MimeReader.Read(composed.Whole).To[0].Mailbox.LocalPart);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Every_line_ends_with_crlf_and_has_at_most_998_octets(string name)
    {
        var composed = MimeComposer.Compose(All[name]);

        AssertLines(await OctetsAsync(composed));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Composes_the_same_octets_again_and_knows_how_many(string name)
    {
        var composed = MimeComposer.Compose(All[name]);
        var octets = await OctetsAsync(composed);

        Assert.Equal(octets, await OctetsAsync(composed));
        Assert.Equal(octets, await OctetsAsync(MimeComposer.Compose(All[name])));
        Assert.Equal(octets.Length, composed.Octets);
        Assert.Equal(composed.HeaderSection.Length + 2 + composed.BodyOctets, composed.Octets);
    }

    [Fact]
    public void Messages_of_one_boundary_seed_share_their_body()
    {
        var one = MimeComposer.Compose(All["text_and_html"] with { MessageId = "1@example.org", BoundarySeed = "body" });
        var other = MimeComposer.Compose(All["text_and_html"] with { MessageId = "2@example.org", BoundarySeed = "body" });

        Assert.Equal(one.Body.ToArray(), other.Body.ToArray());
        Assert.NotEqual(one.HeaderSection.ToArray(), other.HeaderSection.ToArray());
    }

    [Fact]
    public void Holds_large_attachments_in_no_buffer_of_its_own()
    {
        Assert.False(MimeComposer.Compose(All["streamed"]).IsContiguous);
        Assert.False(MimeComposer.Compose(All["large_in_memory"]).IsContiguous);
        Assert.True(MimeComposer.Compose(All["everything"]).IsContiguous);
        Assert.Throws<InvalidOperationException>(() => MimeComposer.Compose(All["streamed"]).Body);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public async Task An_attachment_of_another_length_than_it_said_faults_the_message(int difference)
    {
        Assert.True(MimeAttachment.TryCreate(
            "x", "a/b", new AttachmentContent.Streamed(() => new MemoryStream(AllOctets), AllOctets.Length + difference), null, false,
            out var attachment));
        var composed = MimeComposer.Compose(Message() with { Attachments = [attachment] });

        await Assert.ThrowsAsync<InvalidDataException>(() => composed.WriteBodyAsync(Stream.Null, CancellationToken.None));
    }

    [Fact]
    public void List_unsubscribe_is_folded_at_its_comma_only_and_never_encoded()
    {
        var header = Encoding.ASCII.GetString(MimeComposer.Compose(All["extra_fields"]).HeaderSection.Span);

        Assert.Contains(
            $"\r\nList-Unsubscribe: <https://news.example.org/u/{new string('t', 300)}>,\r\n <mailto:u@example.org?subject=unsubscribe>\r\n"
            + "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
            header,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a@b>\r\nBcc: <x@y")]
    [InlineData("a b@c")]
    [InlineData("")]
    [InlineData("ä@b")]
    public void Takes_no_message_id_that_would_not_be_one(string messageId) =>
        Assert.Throws<ArgumentException>(() => Message() with { MessageId = messageId });

    [Fact]
    public void No_text_anywhere_can_add_a_header_field_or_a_part() =>
        Prop.ForAll(
            TextArbitraries.Content,
            content =>
            {
                var octets = MimeComposer.Compose(content).Whole;
                AssertLines(octets.Span);
                var read = MimeReader.Read(octets);
                var expected = new[] { "From", "To", "Subject", "Date", "Message-ID" }
                    .Concat(content.ExtraFields.Select(field => field.Name))
                    .Concat(["MIME-Version", "Content-Type"]);
                var isMultipart = read.Root.MediaType.IsMultipart;
                return read.Fields.All.Select(field => field.Name).SequenceEqual(
                    isMultipart ? expected : expected.Append("Content-Transfer-Encoding"))
                    && read.IsComplete
                    && read.Attachments.Count == content.Attachments.Count
                    && (read.TextPart, read.HtmlPart) is (not null, not null);
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(1_000));

    [Fact]
    public void What_is_composed_is_read_back() =>
        Prop.ForAll(
            TextArbitraries.Content,
            content =>
            {
                var read = MimeReader.Read(MimeComposer.Compose(content).Whole);
                Assert.Equal(TextArbitraries.Shown(content.Subject!), read.Subject);
                Assert.Equal(content.From.Mailbox, read.From[0].Mailbox);
                Assert.Equal(TextArbitraries.Shown(content.From.DisplayName ?? ""), read.From[0].DisplayName ?? "");
                Assert.Equal(content.To.Select(named => named.Mailbox), read.To.Select(named => named.Mailbox));
                Assert.Equal(Canonical(Encoding.UTF8.GetString(content.Text!.Value.Span)), read.Text);
                Assert.Equal(Canonical(Encoding.UTF8.GetString(content.Html!.Value.Span)), read.Html);
                Assert.Equal(
                    content.Attachments.Select(a => TextArbitraries.WellFormed(a.FileName)), read.Attachments.Select(a => a.FileName));
                Assert.All(read.Attachments.Zip(content.Attachments), pair =>
                    Assert.Equal(((AttachmentContent.InMemory)pair.Second.Content).Content.ToArray(), pair.First.DecodeContent()));
                return true;
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(1_000));

    static ReadOnlyMemory<byte> Octets(string name) => Octets(All[name]);

    static ReadOnlyMemory<byte> Octets(MessageContent content) => MimeComposer.Compose(content).Whole;

    static string Outline(MimeEntity entity) =>
        entity.MediaType.Essence + (entity.Parts.Count == 0 ? "" : $"({string.Join(',', entity.Parts.Select(Outline))})");

    static void AssertLines(ReadOnlySpan<byte> octets)
    {
        var text = Encoding.Latin1.GetString(octets);
        var lines = text.Split("\r\n");
        Assert.EndsWith("\r\n", text, StringComparison.Ordinal);
        Assert.All(lines, line => Assert.False(line.Contains('\r') || line.Contains('\n') || line.Length > 998));
        Assert.DoesNotContain('\0', text);
    }
}
