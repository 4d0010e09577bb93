using System.Text;
using Postrider.Mail.Addresses;
using Postrider.Mail.Mime;
using static Postrider.Fuzz.FuzzException;

namespace Postrider.Fuzz;

static class MimeTargets
{
    static readonly NamedMailbox Bob = Named("bob@example.net");

    public static IEnumerable<FuzzTarget> All { get; } =
    [
        new("mime-read", Seeds(
            "Subject: =?utf-8?q?x?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n"
                + "--b\r\nContent-Type: text/html; charset=x\r\n\r\ntwo\r\n--b--\r\n",
            "Content-Transfer-Encoding: base64\nContent-Disposition: attachment; filename*0*=utf-8''%C3; filename*1=x\n\nSGVsbG8=\n",
            "From: A <a@b.test>, (c) d@e.test\r\nDate: Fri, 20 Nov 2026 15:00:00 +0000\r\n"
                + "Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A4=\r\n"), Read),
        new(
            "mime-compose",
            Seeds(
                "Hello\u001fAda\u001fX-Run\u001f7\u001ffile.txt\u001ftext\r\n\u001f<p>",
                "=?utf-8?q?\u001f\"\u001fList-Unsubscribe\u001f<a>, <b>\u001fä\u001f.\n\u001f--=_"),
            Compose),
        new("encoded-word", Seeds("=?utf-8?q?=C3=A4?= =?iso-8859-1*de?B?5A==?=", "漢字 =? ?="), input =>
        {
            var text = Encoding.UTF8.GetString(input);
            Unless(!HeaderText.HasControls(EncodedWord.Decode(text)), "no controls");
            var clean = HeaderText.WithoutControls(text);
            if (clean.Length == 0)
                return;
            using var writer = new OctetWriter(64);
            EncodedWord.Write(writer, clean);
            Unless(
                EncodedWord.Decode(Encoding.ASCII.GetString(writer.Written).Replace("\r\n", "", StringComparison.Ordinal)) == clean,
                "reads back");
        }),
        new("mail-date", Seeds("Fri, 20 Nov 2026 15:00:00 +0000", "1 Jan 97 1:02 EST (x)"), input =>
        {
            if (!MailDate.TryParse(Encoding.UTF8.GetString(input), out var date))
                return;
            using var writer = new OctetWriter(64);
            MailDate.Write(writer, date);
            Unless(MailDate.TryParse(Encoding.ASCII.GetString(writer.Written), out var again) && again.EqualsExact(date), "reads back");
        }),
    ];

    static void Read(ReadOnlySpan<byte> input)
    {
        var read = MimeReader.Read(input.ToArray());
        Unless(read.Subject is null || !HeaderText.HasControls(read.Subject), "no controls in the subject");
        Unless(read.From.All(named => !named.ToString().Any(char.IsControl)), "no controls in a mailbox");
        _ = (read.Text, read.Html, read.Date, read.MessageId);
        foreach (var attachment in read.Attachments)
        {
            Unless(attachment.DecodeContent().Length <= attachment.RawBody.Length + 3, "decoding does not blow up");
            Unless(attachment.FileName is null || !HeaderText.HasControls(attachment.FileName), "no controls in a file name");
        }
    }

    /// <summary>The input, cut at unit separators, is the subject, a name, a field, a file name, a text and an HTML.</summary>
    static void Compose(ReadOnlySpan<byte> input)
    {
        var texts = Encoding.UTF8.GetString(input).Split('\u001f');
        string Text(int index) => index < texts.Length ? texts[index] : "";
        var from = NamedMailbox.TryCreate(Text(1), Bob.Mailbox, out var named) ? named : Bob;
        var fields = HeaderField.TryCreate(Text(2), Text(3), out var field) ? new[] { field } : [];
        var files = MimeAttachment.TryCreate(
            Text(4), "text/x-fuzz", new AttachmentContent.InMemory(input.ToArray()), null, false, out var file) ? new[] { file } : [];
        var content = new MessageContent
        {
            From = from,
            To = [from],
            Subject = Text(0),
            Date = DateTimeOffset.UnixEpoch,
            MessageId = "1@example.org",
            ExtraFields = fields,
            Text = Encoding.UTF8.GetBytes(Text(5)),
            Html = Encoding.UTF8.GetBytes(Text(6)),
            Attachments = files,
        };

        var octets = MimeComposer.Compose(content).Whole;

        AssertLines(octets.Span);
        var read = MimeReader.Read(octets);
        Unless(read.Fields.All.Count == 7 + fields.Length, "no field added");
        Unless(read.From is [var sender] && sender.Mailbox == from.Mailbox && sender.DisplayName == from.DisplayName, "From reads back");
        Unless(read.Subject == HeaderText.WithoutControls(Text(0)).Trim(' '), "Subject reads back");
        Unless(read.Text == Canonical(Text(5)) && read.Html == Canonical(Text(6)), "bodies read back");
        Unless(read.Attachments.Count == files.Length, "no part added");
        Unless(files is not [var sent] || (read.Attachments[0].FileName == sent.FileName
            && read.Attachments[0].DecodeContent().AsSpan().SequenceEqual(input)), "attachment reads back");
    }

    static void AssertLines(ReadOnlySpan<byte> octets)
    {
        while (!octets.IsEmpty)
        {
            var end = octets.IndexOf("\r\n"u8);
            Unless(end is >= 0 and <= 998 && octets[..end].IndexOfAny("\r\n\0"u8) < 0, "lines of at most 998 octets that end with CRLF");
            octets = octets[(end + 2)..];
        }
    }

    static string Canonical(string text) =>
        text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n').Replace("\n", "\r\n", StringComparison.Ordinal);

    static NamedMailbox Named(string address) =>
        Mailbox.TryParse(address, out var mailbox)
            ? new NamedMailbox(mailbox) : throw new ArgumentException("Not a mailbox.", nameof(address));

    static IReadOnlyList<byte[]> Seeds(params string[] texts) => [.. texts.Select(Encoding.UTF8.GetBytes)];
}
