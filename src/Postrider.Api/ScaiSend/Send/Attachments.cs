using System.Buffers;
using Postrider.Engine.Intake;

namespace Postrider.Api.ScaiSend.Send;

/// <summary>Attachments of a request; every message of it shares them.</summary>
static class Attachments
{
    const int Most = 10;
    const int MaxFileName = 255;
    const int MaxContentId = 255;
    const int MaxType = 127 + 1 + 127;      // RFC 6838 §4.2
    const string DefaultType = "application/octet-stream";

    /// <summary>RFC 2045 §5.1.</summary>
    static readonly SearchValues<char> TokenChars = SearchValues.Create(
        [.. Enumerable.Range(33, 94).Select(code => (char)code).Except("()<>@,;:\\\"/[]?=")]);

    /// <summary>RFC 5322 §3.6.4: <c>no-fold-literal</c> and <c>dot-atom</c> hold neither of these, and html could not quote them.</summary>
    static readonly SearchValues<char> ContentIdChars = SearchValues.Create(
        [.. Enumerable.Range(33, 94).Select(code => (char)code).Except("<>\"()\\,;:[]")]);

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
        if (body.Type is not null && !IsMediaType(body.Type))
            faults.Add(field.Field("type"), "The type must be a MIME type such as application/pdf, without parameters.");

        var inline = "inline".Equals(body.Disposition, StringComparison.OrdinalIgnoreCase);
        if (body.Disposition is not null && !inline && !"attachment".Equals(body.Disposition, StringComparison.OrdinalIgnoreCase))
            faults.Add(field.Field("disposition"), "The disposition must be attachment or inline.");
        if (body.ContentId is null && inline)
            faults.Add(field.Field("content_id"), "The content_id is required for an inline attachment.");
        else if (body.ContentId is { } id && (id.Length is 0 or > MaxContentId || id.AsSpan().ContainsAnyExcept(ContentIdChars)))
            faults.Add(field.Field("content_id"), $"The content_id must be 1 to {MaxContentId} printable ASCII characters without spaces, brackets and quotes.");

        return new AttachmentDraft(body.Filename ?? "", body.Type ?? DefaultType, body.ContentId, inline, body.Content?.Octets ?? default);
    }

    /// <summary>RFC 2045 §5.1: <c>type "/" subtype</c>. A multipart is made by the composer only.</summary>
    static bool IsMediaType(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        return text.Length <= MaxType && slash > 0 && slash < text.Length - 1
            && !text.AsSpan(0, slash).ContainsAnyExcept(TokenChars) && !text.AsSpan(slash + 1).ContainsAnyExcept(TokenChars)
            && !text.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase);
    }
}
