namespace Postrider.Mail.Mime;

/// <summary>A message or one part of it as it was read: RFC 2045 §2.4's entity.</summary>
public sealed class MimeEntity
{
    readonly string? _disposition;
    readonly ContentParameters _dispositionParameters;
    readonly List<MimeEntity> _parts = [];

    internal MimeEntity(ParsedFields fields)
    {
        Fields = fields;
        // RFC 2045 §5.2: without a type, or with a malformed one, it is plain text.
        MediaType = Find("Content-Type") is { } type && MediaType.TryParse(type, out var parsed) ? parsed : MediaType.TextPlain;
        var disposition = Find("Content-Disposition");
        var end = disposition?.IndexOf(';', StringComparison.Ordinal) ?? -1;
        _disposition = (end < 0 ? disposition : disposition![..end])?.Trim(' ', '\t').ToLowerInvariant();
        _dispositionParameters = end < 0 ? ContentParameters.Empty : ContentParameters.Parse(disposition.AsSpan(end));
        Encoding = Find("Content-Transfer-Encoding")?.Trim().ToLowerInvariant() ?? "7bit";
    }

    public ParsedFields Fields { get; }

    public MediaType MediaType { get; }

    /// <summary>Content-Transfer-Encoding in lower case; <c>7bit</c> when there is none.</summary>
    public string Encoding { get; }

    /// <summary>The body as it is in the message, still encoded.</summary>
    public ReadOnlyMemory<byte> RawBody { get; internal set; }

    /// <summary>Of a multipart; empty otherwise. A message inside (message/rfc822) is not looked into.</summary>
    public IReadOnlyList<MimeEntity> Parts => _parts;

    /// <summary>
    /// From Content-Disposition or the older <c>name</c> of Content-Type; null when there is none. May hold path separators.
    /// </summary>
    public string? FileName => Cleaned(_dispositionParameters["filename"] ?? MediaType.Parameters["name"]);

    /// <summary>Without angle brackets; null when there is none.</summary>
    public string? ContentId => Find("Content-ID")?.Trim(' ', '\t', '<', '>');

    public bool IsInline => _disposition == "inline";

    /// <summary>To be offered as a file rather than shown as the message's text.</summary>
    public bool IsAttachment => _disposition == "attachment" || FileName is not null || (MediaType.Type != "text" && _parts.Count == 0);

    /// <summary>The body with its transfer encoding undone, as far as that goes.</summary>
    public byte[] DecodeContent() => Encoding switch
    {
        "base64" => TransferDecoding.Base64(RawBody.Span),
        "quoted-printable" => TransferDecoding.QuotedPrintable(RawBody.Span),
        _ => RawBody.ToArray(),
    };

    public string DecodeText() => Charsets.Decode(MediaType.Parameters["charset"] ?? "us-ascii", DecodeContent());

    internal void Add(MimeEntity part) => _parts.Add(part);

    string? Find(string name) => Fields.Find(name)?.RawValue;

    static string? Cleaned(string? fileName) => fileName is null ? null : HeaderText.WithoutControls(fileName);
}
