using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Postrider.Mail.Mime;

/// <summary>Octets that travel with a message, beside its text or shown inside its HTML.</summary>
public sealed record MimeAttachment
{
    /// <summary>What file systems allow.</summary>
    public const int MaxFileNameLength = 255;

    /// <summary>So that a Content-ID fits one line.</summary>
    public const int MaxContentIdOctets = 250;

    MimeAttachment(string fileName, MediaType mediaType, AttachmentContent content, string? contentId, bool isInline) =>
        (FileName, MediaType, Content, ContentId, IsInline) = (fileName, mediaType, content, contentId, isInline);

    public string FileName { get; }

    public MediaType MediaType { get; }

    public AttachmentContent Content { get; }

    /// <summary>Without angle brackets; HTML refers to it as <c>cid:…</c> (RFC 2392 §2). Null when nothing refers to it.</summary>
    public string? ContentId { get; }

    /// <summary>Shown where the HTML refers to it, in one multipart/related with it (RFC 2387).</summary>
    public bool IsInline { get; }

    /// <param name="contentType"><c>type/subtype</c> with parameters of printable ASCII; multipart and message types go as octet-stream,
    /// because their octets could not be encoded (RFC 2045 §6.4).</param>
    /// <returns>False for an empty or long file name, one with control characters, a malformed content type or content id.</returns>
    public static bool TryCreate(
        string fileName,
        string contentType,
        AttachmentContent content,
        string? contentId,
        bool isInline,
        [NotNullWhen(true)] out MimeAttachment? attachment)
    {
        attachment = null;
        if (fileName.Length is 0 or > MaxFileNameLength || HeaderText.HasControls(fileName))
            return false;
        if (!MediaType.TryParse(contentType, out var mediaType) || !mediaType.Parameters.All.All(IsPlain))
            return false;
        if (contentId is not null && (contentId.Length is 0 or > MaxContentIdOctets || !HeaderText.IsIdentifier(contentId)))
            return false;

        attachment = new MimeAttachment(
            fileName, mediaType.Type is "multipart" or "message" ? MediaType.OctetStream : mediaType, content, contentId, isInline);
        return true;
    }

    static bool IsPlain(KeyValuePair<string, string> parameter) =>
        parameter.Key.Length <= 60 && parameter.Value.Length <= 300 && Ascii.IsValid(parameter.Value)
            && !HeaderText.HasControls(parameter.Value);
}

/// <summary>Where an attachment's octets come from.</summary>
public abstract record AttachmentContent
{
    AttachmentContent()
    {
    }

    public abstract long Octets { get; }

    public sealed record InMemory(ReadOnlyMemory<byte> Content) : AttachmentContent
    {
        public override long Octets => Content.Length;
    }

    /// <param name="Open">Called once for each time the body is read (hashed, sent): must give the same octets each time, its stream is
    /// disposed.</param>
    /// <param name="Length">Exactly how many octets it gives; another number faults the message.</param>
    public sealed record Streamed(Func<Stream> Open, long Length) : AttachmentContent
    {
        public override long Octets => Length;
    }
}
