using System.Text.Json;
using System.Text.Json.Serialization;
using Postrider.Mail.Addresses;

namespace Postrider.Engine.Messages;

/// <summary>
/// What a message carries beside envelope, subject and body: stored as one JSON document, read when it is composed or shown.
/// </summary>
public sealed record MessageSettings
{
    public static MessageSettings None { get; } = new();

    public IReadOnlyList<SettingsAddress>? ReplyTo { get; init; }

    /// <summary>Extra header fields in the order given.</summary>
    public IReadOnlyList<KeyValuePair<string, string>>? Headers { get; init; }

    /// <summary>A JSON object, kept as it was given.</summary>
    public JsonElement? CustomArgs { get; init; }
    public IReadOnlyList<SettingsAttachment>? Attachments { get; init; }

    /// <summary>Literal replacements in the body; subject and reply-to are stored with theirs made.</summary>
    public IReadOnlyDictionary<string, string>? Substitutions { get; init; }
    public JsonElement? TemplateData { get; init; }
    public DateTimeOffset? SendAt { get; init; }
    public int? UnsubscribeGroup { get; init; }
    public IReadOnlyList<int>? GroupsToDisplay { get; init; }
    public string? IpPool { get; init; }
    public string? FooterText { get; init; }
    public string? FooterHtml { get; init; }
    public Bypass Bypass { get; init; }

    /// <summary>As sent, deep-merged over the tenant's defaults; a JSON object in the shape of contracts/scaisend.md §3.1.</summary>
    public JsonElement? Tracking { get; init; }

    public byte[] ToJson() =>
        ReferenceEquals(this, None) ? [] : JsonSerializer.SerializeToUtf8Bytes(this, SettingsJson.Default.MessageSettings);

    public static MessageSettings FromJson(ReadOnlySpan<byte> json) =>
        json.IsEmpty ? None : JsonSerializer.Deserialize(json, SettingsJson.Default.MessageSettings) ?? None;
}

public sealed record SettingsAddress(string Email, string? Name)
{
    public static SettingsAddress From(NamedMailbox address) => new(address.Mailbox.ToString(), address.DisplayName);
}

/// <param name="ContentId">Set for inline parts: html refers to it as <c>cid:</c>.</param>
public sealed record SettingsAttachment(string FileName, string ContentType, string? ContentId, bool Inline, string Hash, long Octets);

/// <summary>Suppression lists a message is to pass by: contracts/scaisend.md §3.1, mail_settings.</summary>
[Flags]
public enum Bypass
{
    None = 0,
    Bounces = 1,
    SpamReports = 2,
    GlobalUnsubscribes = 4,

    /// <summary>Every list, groups included.</summary>
    All = 8,
}

[JsonSourceGenerationOptions(
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(MessageSettings))]
sealed partial class SettingsJson : JsonSerializerContext;
