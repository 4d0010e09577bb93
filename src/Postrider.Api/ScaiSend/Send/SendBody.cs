using System.Text.Json;
using System.Text.Json.Serialization;

namespace Postrider.Api.ScaiSend.Send;

/// <summary>The body of <c>POST /v3/mail/send</c> as it was given: contracts/scaisend.md §3.1. Nothing of it is checked yet but JSON
/// types.</summary>
sealed class SendBody
{
    public List<PersonalizationBody?>? Personalizations { get; set; }
    public AddressBody? From { get; set; }
    public AddressBody? ReplyTo { get; set; }
    public List<AddressBody?>? ReplyToList { get; set; }
    public string? Subject { get; set; }
    public List<ContentBody?>? Content { get; set; }
    public string? TemplateId { get; set; }
    public List<AttachmentBody?>? Attachments { get; set; }
    public Dictionary<string, string?>? Headers { get; set; }
    public List<string?>? Categories { get; set; }
    public JsonElement? CustomArgs { get; set; }
    public long? SendAt { get; set; }
    public string? BatchId { get; set; }
    public AsmBody? Asm { get; set; }
    public string? IpPoolName { get; set; }
    public MailSettingsBody? MailSettings { get; set; }
    public TrackingSettingsBody? TrackingSettings { get; set; }
}

sealed class PersonalizationBody
{
    public List<AddressBody?>? To { get; set; }
    public List<AddressBody?>? Cc { get; set; }
    public List<AddressBody?>? Bcc { get; set; }
    public AddressBody? From { get; set; }
    public string? Subject { get; set; }
    public Dictionary<string, string?>? Headers { get; set; }
    public Dictionary<string, string?>? Substitutions { get; set; }
    public JsonElement? DynamicTemplateData { get; set; }
    public JsonElement? CustomArgs { get; set; }
    public long? SendAt { get; set; }
}

sealed class AddressBody
{
    public string? Email { get; set; }
    public string? Name { get; set; }
}

sealed class ContentBody
{
    public string? Type { get; set; }

    [JsonConverter(typeof(Utf8TextConverter))]
    public ReadOnlyMemory<byte>? Value { get; set; }
}

sealed class AttachmentBody
{
    [JsonConverter(typeof(Base64OctetsConverter))]
    public Base64Octets? Content { get; set; }
    public string? Filename { get; set; }
    public string? Type { get; set; }
    public string? Disposition { get; set; }
    public string? ContentId { get; set; }
}

sealed class AsmBody
{
    public int? GroupId { get; set; }
    public List<int>? GroupsToDisplay { get; set; }
}

sealed class MailSettingsBody
{
    public SwitchBody? SandboxMode { get; set; }
    public FooterBody? Footer { get; set; }
    public SwitchBody? BypassListManagement { get; set; }
    public SwitchBody? BypassBounceManagement { get; set; }
    public SwitchBody? BypassSpamManagement { get; set; }
    public SwitchBody? BypassUnsubscribeManagement { get; set; }
}

sealed class SwitchBody
{
    public bool? Enable { get; set; }
}

sealed class FooterBody
{
    public bool? Enable { get; set; }
    public string? Text { get; set; }
    public string? Html { get; set; }
}

/// <summary>Stored again in the same shape, without what is not known.</summary>
sealed class TrackingSettingsBody
{
    public ClickTrackingBody? ClickTracking { get; set; }
    public OpenTrackingBody? OpenTracking { get; set; }
    public SubscriptionTrackingBody? SubscriptionTracking { get; set; }
    public GanalyticsBody? Ganalytics { get; set; }
}

sealed class ClickTrackingBody
{
    public bool? Enable { get; set; }
    public bool? EnableText { get; set; }
}

sealed class OpenTrackingBody
{
    public bool? Enable { get; set; }
    public string? SubstitutionTag { get; set; }
}

sealed class SubscriptionTrackingBody
{
    public bool? Enable { get; set; }
    public string? Text { get; set; }
    public string? Html { get; set; }
    public string? SubstitutionTag { get; set; }
}

sealed class GanalyticsBody
{
    public bool? Enable { get; set; }
    public string? UtmSource { get; set; }
    public string? UtmMedium { get; set; }
    public string? UtmTerm { get; set; }
    public string? UtmContent { get; set; }
    public string? UtmCampaign { get; set; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SendBody))]
sealed partial class SendJson : JsonSerializerContext;
