using System.Text;
using Postrider.Mail.Addresses;
using Postrider.Mail.Mime;

namespace Postrider.Mail.Tests.Mime;

/// <summary>Messages of every shape, which other people's programs read and verify.</summary>
static class SampleMessages
{
    public static readonly DateTimeOffset Date = new(2026, 11, 20, 15, 0, 0, TimeSpan.Zero);

    public static byte[] AllOctets { get; } = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];

    public static byte[] Large { get; } = [.. Enumerable.Range(0, 700_001).Select(i => (byte)((i * 31) ^ (i >> 7)))];

    public static IReadOnlyDictionary<string, MessageContent> All { get; } = new Dictionary<string, MessageContent>
    {
        ["plain"] = Message() with { Text = Utf8("Hello Bob,\n\nthis is it.\n") },
        ["html_only"] = Message() with { Html = Utf8("<p>Hello</p>\r\n") },
        ["empty_text"] = Message() with { Text = Utf8("") },
        ["no_body_at_all"] = Message(),
        ["only_line_ends"] = Message() with { Text = Utf8("\r\n\r\n\n\n") },
        ["trailing_blank_lines"] = Message() with { Text = Utf8("a  b\t c \n\n\n\n") },
        ["no_final_line_end"] = Message() with { Text = Utf8("no line end") },
        ["dots_and_froms"] = Message() with { Text = Utf8(".\n..\nFrom me\n--\n.\r\n") },
        ["mixed_line_ends"] = Message() with { Text = Utf8("a\rb\nc\r\nd\n\re") },
        ["text_and_html"] = Message() with { Text = Utf8("Hello\n"), Html = Utf8("<p>Hello</p>") },
        ["long_lines"] = Message() with { Text = Utf8($"{new string('a', 998)}\n{new string('b', 999)}\n{new string('c', 5_000)}") },
        ["latin"] = Message() with { Subject = "Grüße aus Köln", Text = Utf8("Größe: 5 € = viel\n  eingerückt \n"), Html = Utf8("<p>Grüße</p>") },
        ["japanese"] = Message() with
        {
            Subject = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所で",
            To = [Named("夏目漱石", "soseki@例え.テスト"), Named("Ivan Иванович Тургенев", "ivan@пример.испытание")],
            Text = Utf8("吾輩は猫である。名前はまだ無い。\n"),
            Html = Utf8("<p>吾輩は猫である。</p>\n"),
        },
        ["arabic_and_emoji"] = Message() with { Subject = "مرحبا بالعالم 👩‍👩‍👧 e\u0301 = ?_ ?=", Text = Utf8("مرحبا 👍\n") },
        ["nul_in_text"] = Message() with { Text = Utf8("a\0b\n") },
        ["names"] = Message() with
        {
            From = Named("O'Brien, \"Pat\" \\ (x)", "pat@example.org"),
            Sender = Named("=?utf-8?q?fake?=", "sender@example.org"),
            ReplyTo = [Named("Jörg Müßig-Übermäßig der Allerlängste von und zu Österreich-Ungarn im Übergrößenträgeramt", "j@example.org")],
            To = [.. Enumerable.Range(0, 30).Select(i => Named(i % 3 == 0 ? null : i % 3 == 1 ? $"Recipient {i}" : $"Empfänger, {i}", $"r{i}@example.org"))],
            Cc = [Named("a.b", "c1@example.org"), Named("x  y", "\"quoted local\"@example.org")],
            Subject = "  spaces   inside and  around  ",
            Text = Utf8("x"),
        },
        ["long_subject"] = Message() with { Subject = string.Join(' ', Enumerable.Range(0, 100).Select(i => $"word{i}")), Text = Utf8("x\n") },
        ["unbreakable_subject"] = Message() with { Subject = new string('s', 3_000), Text = Utf8("x\n") },
        ["subject_like_an_encoded_word"] = Message() with { Subject = "=?utf-8?q?not_encoded?= \\o/", Text = Utf8("x\n") },
        ["bcc_only"] = Message() with { To = [], Text = Utf8("x\n") },
        ["extra_fields"] = Message() with
        {
            ExtraFields =
            [
                Field("X-Campaign", "Frühjahr 2026, " + string.Join(' ', Enumerable.Repeat("Blüte", 40))),
                Field("x-lower", "a  b"),
                Field("X-Empty", ""),
                Field("List-Unsubscribe", $"<https://news.example.org/u/{new string('t', 300)}>, <mailto:u@example.org?subject=unsubscribe>"),
                Field("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
                Field("References", string.Join(' ', Enumerable.Range(0, 40).Select(i => $"<{i}.{new string('r', 30)}@example.org>"))),
                Field("In-Reply-To", "<39@example.org>"),
                Field("Feedback-ID", "a:b:c:d"),
            ],
            Text = Utf8("x\n"),
        },
        ["attachment"] = Message() with { Text = Utf8("See attached.\n"), Attachments = [File("report.pdf", "application/pdf", AllOctets)] },
        ["attachment_only"] = Message() with { Attachments = [File("empty.bin", "application/octet-stream", [])] },
        ["everything"] = Message() with
        {
            Subject = "Rechnung Nº 881",
            Text = Utf8("Größe\n"),
            Html = Utf8("<img src=\"cid:logo\"><p>Größe</p>\n"),
            Attachments =
            [
                File("logo.png", "image/png", AllOctets, contentId: "logo"),
                File("Überweisung für März – 請求書.pdf", "application/pdf", [.. AllOctets, .. AllOctets]),
                File("a \"quoted\" \\ name; x=y.txt", "text/plain; charset=utf-8", Encoding.UTF8.GetBytes("a\nb\r\nc\0d")),
                File(new string('長', 200) + ".csv", "text/csv", Encoding.UTF8.GetBytes("a;b\n")),
                File("invite.ics", "text/calendar; method=REQUEST; charset=utf-8", Encoding.UTF8.GetBytes("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")),
                File("mail.eml", "message/rfc822", Encoding.UTF8.GetBytes("Subject: inner\n\nhello")),
            ],
        },
        ["streamed"] = Message() with { Text = Utf8("big\n"), Attachments = [Streamed("big.bin", Large), File("small.bin", "application/x-small", AllOctets)] },
        ["large_in_memory"] = Message() with { Html = Utf8("<p>big</p>"), Attachments = [File("big.bin", "application/octet-stream", Large)] },
        ["boundary_in_text"] = WithItsOwnBoundary(),
    };

    public static MessageContent Message() => new()
    {
        From = Named("Ada Lovelace", "ada@example.org"),
        To = [Named(null, "bob@example.net")],
        Subject = "Hello",
        Date = Date,
        MessageId = "0199-1@example.org",
    };

    public static NamedMailbox Named(string? name, string address)
    {
        Assert.True(Mailbox.TryParse(address, out var mailbox), address);
        Assert.True(NamedMailbox.TryCreate(name, mailbox, out var named), name);
        return named;
    }

    public static HeaderField Field(string name, string value)
    {
        Assert.True(HeaderField.TryCreate(name, value, out var field), name);
        return field;
    }

    public static MimeAttachment File(string fileName, string contentType, byte[] content, string? contentId = null)
    {
        Assert.True(
            MimeAttachment.TryCreate(
                fileName, contentType, new AttachmentContent.InMemory(content), contentId, contentId is not null, out var attachment));
        return attachment;
    }

    public static MimeAttachment Streamed(string fileName, byte[] content)
    {
        Assert.True(MimeAttachment.TryCreate(
            fileName, "application/octet-stream", new AttachmentContent.Streamed(() => new MemoryStream(content), content.Length), null,
            false, out var attachment));
        return attachment;
    }

    public static ReadOnlyMemory<byte> Utf8(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>Line ends as the composer writes them.</summary>
    public static string Canonical(string text) =>
        text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n').Replace("\n", "\r\n", StringComparison.Ordinal);

    /// <summary>Header section, empty line and body, however it is to be had.</summary>
    public static async Task<byte[]> OctetsAsync(ComposedMessage message, byte[]? signature = null)
    {
        using var octets = new MemoryStream();
        octets.Write(signature ?? []);
        octets.Write(message.HeaderSection.Span);
        octets.Write("\r\n"u8);
        await message.WriteBodyAsync(octets, CancellationToken.None);
        return octets.ToArray();
    }

    static MessageContent WithItsOwnBoundary()
    {
        var plain = Message() with { Text = Utf8("x"), Html = Utf8("y") };
        var composed = Encoding.ASCII.GetString(MimeComposer.Compose(plain).Whole.Span);
        var boundary = composed.Split("boundary=\"")[1].Split('"')[0];
        return plain with { Text = Utf8($"--{boundary}\n--{boundary}--\n"), Html = Utf8($"<!-- --{boundary} -->\n--{boundary}\n") };
    }
}
