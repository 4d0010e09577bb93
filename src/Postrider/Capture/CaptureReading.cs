using Postrider.Mail.Mime;

namespace Postrider.Capture;

/// <summary>From a captured source to what a person, or a test, wants to see of it.</summary>
static class CaptureReading
{
    public static string? SubjectOf(ReadOnlyMemory<byte> head) => MimeReader.Read(head).Subject;

    public static CapturedMessage Read(CapturedMail mail, ReadOnlyMemory<byte> source)
    {
        var message = MimeReader.Read(source);
        return new CapturedMessage
        {
            Id = mail.Id,
            ReceivedAt = mail.ReceivedAt,
            From = mail.From,
            To = mail.To,
            Octets = mail.Octets,
            Subject = message.Subject,
            Headers = [.. message.Fields.All.Select(field => new CapturedField(field.Name, field.Value))],
            Text = message.Text,
            Html = message.Html,
            Attachments = [.. message.Attachments.Select(part => new CapturedAttachment(
                part.FileName, part.MediaType.Essence, part.ContentId, part.IsInline, part.DecodeContent().Length))],
        };
    }

    /// <returns>Null when there is no attachment of that number, counted from 0.</returns>
    public static byte[]? Attachment(ReadOnlyMemory<byte> source, int number) =>
        MimeReader.Read(source).Attachments.ElementAtOrDefault(number)?.DecodeContent();
}
