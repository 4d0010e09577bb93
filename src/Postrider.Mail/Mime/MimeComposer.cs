namespace Postrider.Mail.Mime;

/// <summary>Turns a message's content into its octets: RFC 5322 header fields and a body of RFC 2045 and RFC 2046 parts.</summary>
/// <remarks>
/// Lines end with CRLF and have at most 998 octets, whatever the content. The body is 7-bit unless the caller allows 8. Composing depends
/// on nothing but its input: no clock, no randomness.
/// <code>
/// mixed                    with attachments
/// ├─ alternative           with text and HTML
/// │  ├─ text/plain
/// │  └─ related            with inline parts
/// │     ├─ text/html
/// │     └─ inline …
/// └─ attachment …
/// </code>
/// </remarks>
public static class MimeComposer
{
    /// <summary>A larger body is not put together in memory: its attachments are encoded as they are read. A guess.</summary>
    public const int MaxContiguousOctets = 256 * 1024;

    /// <param name="allow8Bit">The next hop is known to offer 8BITMIME, so text may be sent as it is.</param>
    public static ComposedMessage Compose(MessageContent content, bool allow8Bit = false)
    {
        using var writer = new OctetWriter(EstimateOctets(content));
        var entity = new EntityWriter(writer, content, allow8Bit);
        WriteFields(writer, content);
        entity.Write();
        return new ComposedMessage(writer.ToArray(), entity.HeaderOctets, entity.Holes, entity.Is8Bit, NeedsSmtpUtf8(content));
    }

    static void WriteFields(OctetWriter writer, MessageContent content)
    {
        writer.WriteMailbox("From"u8, content.From);
        if (content.Sender is not null)
            writer.WriteMailbox("Sender"u8, content.Sender);
        if (content.ReplyTo.Count > 0)
            writer.WriteMailboxes("Reply-To"u8, content.ReplyTo);
        if (content.To.Count > 0)
            writer.WriteMailboxes("To"u8, content.To);
        else if (content.Cc.Count == 0)
            writer.WriteField("To"u8, "undisclosed-recipients:;");     // some receivers want one of the two, though RFC 5322 §3.6 does not
        if (content.Cc.Count > 0)
            writer.WriteMailboxes("Cc"u8, content.Cc);
        if (content.Subject is not null)
            writer.WriteUnstructured("Subject"u8, content.Subject);

        writer.Write("Date: "u8);
        MailDate.Write(writer, content.Date);
        writer.Write("\r\nMessage-ID: <"u8);
        writer.Write(content.MessageId);
        writer.Write((byte)'>');
        writer.EndLine();
        foreach (var field in content.ExtraFields)
            writer.WriteField(field);
        writer.Write("MIME-Version: 1.0"u8);
        writer.EndLine();
    }

    static bool NeedsSmtpUtf8(MessageContent content)
    {
        if (content.From.Mailbox.NeedsSmtpUtf8 || content.Sender is { Mailbox.NeedsSmtpUtf8: true })
            return true;
        foreach (var list in (ReadOnlySpan<IReadOnlyList<Addresses.NamedMailbox>>)[content.ReplyTo, content.To, content.Cc])
        {
            for (var i = 0; i < list.Count; i++)
            {
                if (list[i].Mailbox.NeedsSmtpUtf8)
                    return true;
            }
        }
        return false;
    }

    static int EstimateOctets(MessageContent content)
    {
        var text = (content.Text?.Length ?? 0) + (content.Html?.Length ?? 0);
        var attachments = EntityWriter.IsContiguous(content)
            ? content.Attachments.Sum(attachment => TextPart.Base64Octets(attachment.Content.Octets)) : 0;
        return (int)(
            2_048 + text + (text / 8) + attachments + (content.Attachments.Count * 512) + ((content.To.Count + content.Cc.Count) * 64));
    }
}
