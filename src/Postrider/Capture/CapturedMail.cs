using System.Text.Json.Serialization;

namespace Postrider.Capture;

/// <summary>A message the capture MX took: its envelope, and how it came.</summary>
sealed record CapturedMail
{
    public required string Id { get; init; }
    public required DateTimeOffset ReceivedAt { get; init; }
    public required string From { get; init; }
    public required IReadOnlyList<string> To { get; init; }
    public required long Octets { get; init; }
    public string? Peer { get; init; }
    public string? Tls { get; init; }
    public string? Subject { get; init; }
}

/// <summary>One captured message as it is read: decoded header fields and parts.</summary>
sealed record CapturedMessage
{
    public required string Id { get; init; }
    public required DateTimeOffset ReceivedAt { get; init; }

    /// <summary>The envelope's reverse-path; empty for the null one.</summary>
    public required string From { get; init; }

    /// <summary>The envelope's recipients.</summary>
    public required IReadOnlyList<string> To { get; init; }
    public required long Octets { get; init; }
    public string? Subject { get; init; }
    public required IReadOnlyList<CapturedField> Headers { get; init; }
    public string? Text { get; init; }
    public string? Html { get; init; }
    public required IReadOnlyList<CapturedAttachment> Attachments { get; init; }
}

sealed record CapturedField(string Name, string Value);

sealed record CapturedAttachment(string? FileName, string ContentType, string? ContentId, bool Inline, long Octets);

sealed record CapturedList(IReadOnlyList<CapturedMail> Messages, int Total);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(CapturedMail))]
[JsonSerializable(typeof(CapturedMessage))]
[JsonSerializable(typeof(CapturedList))]
sealed partial class CaptureJson : JsonSerializerContext;
