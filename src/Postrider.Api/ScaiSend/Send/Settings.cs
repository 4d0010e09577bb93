using System.Text.Json;
using Postrider.Engine.Messages;

namespace Postrider.Api.ScaiSend.Send;

/// <summary>Settings of a request that all its messages share: mail_settings, tracking_settings, asm, the pool.</summary>
static class Settings
{
    /// <summary>Of each text; every message keeps them. A guess.</summary>
    const int MaxTextLength = 10_000;
    const int MaxTag = 255;
    const int MostGroupsToDisplay = 25;
    const int MinPool = 2;
    const int MaxPool = 64;

    public static MessageSettings Read(SendBody body, Faults faults)
    {
        var bypass = ReadBypass(body.MailSettings, faults);
        var footer = body.MailSettings?.Footer;
        CheckText(footer?.Text, "mail_settings", "footer", "text", faults);
        CheckText(footer?.Html, "mail_settings", "footer", "html", faults);
        if (footer?.Enable != true)
            footer = null;
        CheckAsm(body.Asm, faults);
        if (body.IpPoolName is { } pool && (pool.Length is < MinPool or > MaxPool || TextRules.HasControls(pool)))
            faults.Add("ip_pool_name", $"The value must be {MinPool} to {MaxPool} characters.");

        return new MessageSettings
        {
            ReplyTo = Addressees.ReadReplyTo(body, faults),
            Bypass = bypass,
            FooterText = footer?.Text,
            FooterHtml = footer?.Html,
            UnsubscribeGroup = body.Asm?.GroupId,
            GroupsToDisplay = body.Asm?.GroupsToDisplay,
            IpPool = body.IpPoolName,
            Tracking = ReadTracking(body.TrackingSettings, faults),
        };
    }

    static Bypass ReadBypass(MailSettingsBody? settings, Faults faults)
    {
        if (settings is null)
            return Bypass.None;
        var some = (IsOn(settings.BypassBounceManagement) ? Bypass.Bounces : Bypass.None)
            | (IsOn(settings.BypassSpamManagement) ? Bypass.SpamReports : Bypass.None)
            | (IsOn(settings.BypassUnsubscribeManagement) ? Bypass.GlobalUnsubscribes : Bypass.None);
        if (!IsOn(settings.BypassListManagement))
            return some;
        if (some != Bypass.None)
            faults.Add(FieldPath.Root.Field("mail_settings").Field("bypass_list_management"),
                "It passes by all lists and cannot be combined with another bypass.");
        return Bypass.All;
    }

    public static bool IsOn(SwitchBody? body) => body?.Enable == true;

    static void CheckAsm(AsmBody? asm, Faults faults)
    {
        if (asm is null)
            return;
        if (asm.GroupId is null)
            faults.Add(FieldPath.Root.Field("asm").Field("group_id"), "The group_id is required.");
        else if (asm.GroupId < 1)
            faults.Add(FieldPath.Root.Field("asm").Field("group_id"), "The group_id must be a positive integer.");
        if (asm.GroupsToDisplay is { Count: > MostGroupsToDisplay })
            faults.Add(FieldPath.Root.Field("asm").Field("groups_to_display"), $"At most {MostGroupsToDisplay} groups are allowed.");
    }

    static JsonElement? ReadTracking(TrackingSettingsBody? tracking, Faults faults)
    {
        if (tracking is null)
            return null;
        const string Name = "tracking_settings";
        CheckTag(tracking.OpenTracking?.SubstitutionTag, Name, "open_tracking", "substitution_tag", faults);
        var subscription = tracking.SubscriptionTracking;
        CheckText(subscription?.Text, Name, "subscription_tracking", "text", faults);
        CheckText(subscription?.Html, Name, "subscription_tracking", "html", faults);
        CheckTag(subscription?.SubstitutionTag, Name, "subscription_tracking", "substitution_tag", faults);
        var analytics = tracking.Ganalytics;
        CheckTag(analytics?.UtmSource, Name, "ganalytics", "utm_source", faults);
        CheckTag(analytics?.UtmMedium, Name, "ganalytics", "utm_medium", faults);
        CheckTag(analytics?.UtmTerm, Name, "ganalytics", "utm_term", faults);
        CheckTag(analytics?.UtmContent, Name, "ganalytics", "utm_content", faults);
        CheckTag(analytics?.UtmCampaign, Name, "ganalytics", "utm_campaign", faults);
        return faults.Any ? null : JsonSerializer.SerializeToElement(tracking, SendJson.Default.TrackingSettingsBody);
    }

    static void CheckText(string? text, string first, string second, string third, Faults faults)
    {
        if (text?.Length > MaxTextLength)
            faults.Add(FieldPath.Root.Field(first).Field(second).Field(third),
                $"The value must be at most {MaxTextLength} characters long.");
    }

    static void CheckTag(string? tag, string first, string second, string third, Faults faults)
    {
        if (tag is not null && (tag.Length > MaxTag || TextRules.HasControls(tag)))
            faults.Add(FieldPath.Root.Field(first).Field(second).Field(third),
                $"The value must be at most {MaxTag} characters without controls.");
    }
}
