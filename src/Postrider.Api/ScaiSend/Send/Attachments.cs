using Postrider.Engine.Intake;
using Postrider.Mail.Mime;

namespace Postrider.Api.ScaiSend.Send;

/// <summary>Attachments of a request; every message of it shares them.</summary>
static class Attachments
{
    const int Most = 10;
    const int MaxFileName = 255;
    const string DefaultType = "application/octet-stream";

    static readonly AttachmentContent NoContent = new AttachmentContent.InMemory(default);

    public static IReadOnlyList<AttachmentDraft> Read(List<AttachmentBody?>? bodies, Faults faults)
    {
        if (bodies is not { Count: > 0 })
            return [];
        if (bodies.Count > Most)
        {
            faults.Add("attachments", $"At most {Most} attachments are allowed.");
            return [];
        }
        var attachments = new AttachmentDraft[bodies.Count];
        for (var i = 0; i < attachments.Length; i++)
        {
            var field = new FieldPath().Field("attachments").At(i);
            if (bodies[i] is { } body)
                attachments[i] = Read(body, field, faults);
            else
                faults.Add(field, "The attachment must be an object.");
        }
        return attachments;
    }

    static AttachmentDraft Read(AttachmentBody body, FieldPath field, Faults faults)
    {
        if (body.Content is not { } content)
            faults.Add(field.Field("content"), "The content is required.");
        else if (content.Octets is not { } octets)
            faults.Add(field.Field("content"), "The content must be base64.");
        else if (octets.IsEmpty)
            faults.Add(field.Field("content"), "The content must not be empty.");

        if (TextRules.Check(body.Filename, field.Field("filename"), MaxFileName, faults) && body.Filename.AsSpan().ContainsAny('/', '\\'))
            faults.Add(field.Field("filename"), "The file name must not contain path separators.");
        if (body.Type is not null && !CanWrite(body.Type, null))
            faults.Add(field.Field("type"), "The type must be a MIME type such as application/pdf.");

        var inline = "inline".Equals(body.Disposition, StringComparison.OrdinalIgnoreCase);
        if (body.Disposition is not null && !inline && !"attachment".Equals(body.Disposition, StringComparison.OrdinalIgnoreCase))
            faults.Add(field.Field("disposition"), "The disposition must be attachment or inline.");
        if (body.ContentId is null && inline)
            faults.Add(field.Field("content_id"), "The content_id is required for an inline attachment.");
        else if (body.ContentId is { } id && !CanWrite(DefaultType, id))
            faults.Add(field.Field("content_id"),
                $"The content_id must be 1 to {MimeAttachment.MaxContentIdOctets} ASCII characters without spaces, brackets and quotes.");

        return new AttachmentDraft(body.Filename ?? "", body.Type ?? DefaultType, body.ContentId, inline, body.Content?.Octets ?? default);
    }

    /// <summary>The composer's own rule, so that what is accepted here is written there.</summary>
    static bool CanWrite(string type, string? contentId) =>
        !TextRules.HasControls(type) && MimeAttachment.TryCreate("name", type, NoContent, contentId, isInline: false, out _);
}
