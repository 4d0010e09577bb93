using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Postrider.Mail.Addresses;
using Postrider.Mail.Mime;
using Postrider.Mail.Tests.Addresses;

namespace Postrider.Mail.Tests.Mime;

/// <summary>Text that tries to get out of where it belongs.</summary>
static class TextArbitraries
{
    static readonly string[] Pieces =
    [
        "a", "word ", " ", "  ", "\t", "\r", "\n", "\r\n", "\r\n ", "\r\n\r\n", "\r\nBcc: eve@example.org\r\n", "\0", "\u007F", "\u0085",
        "\u2028", "=", "=?",
        "?=", "=?utf-8?q?a?=", "=?utf-8?b?DQo=?=", "_", "\"", "\\", "<", ">", ",", ";", ":", "(", "@", ".", "--", "--=_", "é", "漢字", "👩‍👧",
        "e\u0301",
        "\ud83d", "\ude00", "%41", "''", "*", "filename*=", new string('x', 90), new string('y', 1_200), "\r\n.\r\n",
        "ü ü ü ü ü ü ü ü ü ü ü ü ü",
    ];

    public static Gen<string> Text { get; } = Gen.Elements(Pieces).ArrayOf().Resize(14).Select(string.Concat);

    public static Arbitrary<string> AnyText { get; } = Gen.OneOf(
        Text, ArbMap.Default.GeneratorFor<string>().Select(text => text ?? "")).ToArbitrary();

    /// <summary>One message of text, HTML and any number of attachments, every text of it hostile.</summary>
    public static Arbitrary<MessageContent> Content { get; } = (
        from texts in Text.ArrayOf(4)
        from sender in AddressArbitraries.Mailbox.Generator
        from recipients in AddressArbitraries.Mailbox.Generator.ArrayOf(3)
        from names in Text.ArrayOf(3)
        from fieldNames in Gen.Elements("X-One", "X-Two", "List-Unsubscribe", "References").ArrayOf(3)
        from fieldValues in Text.ArrayOf(3)
        from fileNames in Text.ArrayOf(2)
        from files in Text.ArrayOf(2)
        select new MessageContent
        {
            From = Named(texts[0], sender),
            To = [.. recipients.Zip(names, (mailbox, name) => Named(name, mailbox))],
            Subject = texts[1],
            Date = SampleMessages.Date,
            MessageId = "id@example.org",
            ExtraFields = [.. fieldNames.Zip(fieldValues, Field).OfType<HeaderField>()],
            Text = Encoding.UTF8.GetBytes(texts[2]),
            Html = Encoding.UTF8.GetBytes(texts[3]),
            Attachments = [.. fileNames.Zip(files, File).OfType<MimeAttachment>()],
        }).ToArbitrary();

    /// <summary>How text of a header field reads: no controls, no white space at the ends, no half code points.</summary>
    public static string Shown(string text) => HeaderText.WithoutControls(WellFormed(text)).Trim(' ');

    public static string WellFormed(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    static NamedMailbox Named(string name, Mailbox mailbox) =>
        NamedMailbox.TryCreate(name, mailbox, out var named) ? named : new NamedMailbox(mailbox);

    static HeaderField? Field(string name, string value) => HeaderField.TryCreate(name, value, out var field) ? field : null;

    static MimeAttachment? File(string name, string content) =>
        MimeAttachment.TryCreate(
            name, "application/octet-stream", new AttachmentContent.InMemory(Encoding.UTF8.GetBytes(content)), null, false,
            out var attachment)
            ? attachment : null;
}
