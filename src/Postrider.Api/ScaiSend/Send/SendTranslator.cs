using Postrider.Engine.Composing;
using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Mail.Addresses;
using Postrider.Mail.Mime;

namespace Postrider.Api.ScaiSend.Send;

/// <summary><see cref="SendBody"/> to drafts. Everything at fault is noted, in the order of the contract's tables; with any fault there
/// are no drafts.</summary>
sealed class SendTranslator(ScaiSendOptions options, TimeProvider time)
{
    /// <summary>RFC 5322 §2.1.1 gives it for a line; a subject is folded, so it is a bound only.</summary>
    const int MaxSubject = 998;
    const int MostCategories = 10;
    const int MaxCategory = 255;
    const string TemplatePrefix = "d-";

    public IReadOnlyList<MessageDraft> Translate(SendBody body, bool testKey, Faults faults)
    {
        var from = Addressees.Read(body.From, "from", faults);
        if (body.Subject is not null)
            TextRules.Check(body.Subject, "subject", MaxSubject, faults);
        CheckTemplate(body.TemplateId, faults);
        var schedule = new Schedule(time.GetUtcNow(), options.ScheduleSlack, options.MaxSchedule);
        var shared = new SharedParts
        {
            From = from,
            Body = Contents.Read(body, faults),
            Attachments = Attachments.Read(body.Attachments, faults),
            Headers = HeaderFields.Read(body.Headers, "headers", faults),
            Categories = ReadCategories(body.Categories, faults),
            CustomArgs = Arguments.ReadCustomArgs(body.CustomArgs, "custom_args", faults),
            SendAt = schedule.Read(body.SendAt, "send_at", faults),
            Batch = ReadBatch(body.BatchId, faults),
            Settings = Settings.Read(body, faults),
            Sandbox = testKey || Settings.IsOn(body.MailSettings?.SandboxMode),
        };
        shared.CustomArgsJson = Arguments.Merge(shared.CustomArgs, null, "custom_args", faults);

        if (body.Personalizations is not { Count: > 0 } personalizations)
        {
            faults.Add("personalizations", "At least one personalization is required.");
            return [];
        }
        if (personalizations.Count > options.MaxPersonalizations)
        {
            faults.Add("personalizations", $"At most {options.MaxPersonalizations} personalizations are allowed.");
            return [];
        }

        var drafts = new List<MessageDraft>(personalizations.Count);
        var recipients = 0;
        var withoutSubject = false;
        for (var i = 0; i < personalizations.Count && !faults.Full; i++)
        {
            var field = new FieldPath().Field("personalizations").At(i);
            if (personalizations[i] is not { } personalization)
            {
                faults.Add(field, "The personalization must be an object.");
                continue;
            }
            recipients += (personalization.To?.Count ?? 0) + (personalization.Cc?.Count ?? 0) + (personalization.Bcc?.Count ?? 0);
            withoutSubject |= personalization.Subject is null;
            if (TranslateOne(body, personalization, shared, schedule, field, faults) is { } draft)
                drafts.Add(draft);
        }
        if (withoutSubject && body is { Subject: null, TemplateId: null })
            faults.Add("subject", "The subject is required unless every personalization has one.");
        if (recipients > options.MaxRecipients)
            faults.Add("personalizations", $"At most {options.MaxRecipients} recipients are allowed in one request.");
        return faults.Any ? [] : drafts;
    }

    static MessageDraft? TranslateOne(
        SendBody body, PersonalizationBody personalization, SharedParts shared, Schedule schedule, FieldPath field, Faults faults)
    {
        var recipients = Addressees.ReadRecipients(personalization, field, faults);
        var from = personalization.From is null ? shared.From : Addressees.Read(personalization.From, field.Field("from"), faults);
        if (personalization.Subject is not null)
            TextRules.Check(personalization.Subject, field.Field("subject"), MaxSubject, faults);
        var headersField = field.Field("headers");
        var headers = HeaderFields.Merge(
            shared.Headers, HeaderFields.Read(personalization.Headers, headersField, faults), headersField, faults);
        if (body.TemplateId is not null && personalization.Substitutions is not null)
            faults.Add(field.Field("substitutions"), "Substitutions cannot be used with a dynamic template.");
        var substitutions = Arguments.ReadSubstitutions(personalization.Substitutions, field.Field("substitutions"), faults);
        var templateData = Arguments.ReadTemplateData(personalization.DynamicTemplateData, field.Field("dynamic_template_data"), faults);
        var argsField = field.Field("custom_args");
        var ownArgs = Arguments.ReadCustomArgs(personalization.CustomArgs, argsField, faults);
        var customArgs = ownArgs is null ? shared.CustomArgsJson : Arguments.Merge(shared.CustomArgs, ownArgs, argsField, faults);
        var sendAt = personalization.SendAt is null ? shared.SendAt : schedule.Read(personalization.SendAt, field.Field("send_at"), faults);
        var subject = SubjectOf(personalization.Subject ?? body.Subject ?? "", substitutions, field, faults);
        var replyTo = substitutions is null
            ? shared.Settings.ReplyTo : Addressees.Substitute(shared.Settings.ReplyTo, substitutions, field.Field("substitutions"), faults);
        if (faults.Any || from is null)
            return null;

        return new MessageDraft
        {
            From = from,
            Recipients = recipients,
            Subject = subject,
            Body = shared.Body,
            Attachments = shared.Attachments,
            Settings = shared.Settings with
            {
                ReplyTo = replyTo,
                Headers = headers,
                CustomArgs = customArgs,
                Substitutions = substitutions,
                TemplateData = templateData,
                SendAt = sendAt,
            },
            Batch = shared.Batch,
            TemplateId = body.TemplateId,
            Categories = shared.Categories,
            // A sandboxed message keeps its time in the settings, where it has no effect.
            SendAt = shared.Sandbox ? null : sendAt,
            Sandbox = shared.Sandbox,
        };
    }

    /// <summary>As recipients will see it; what a substitution brings of line breaks is taken out.</summary>
    static string SubjectOf(string subject, IReadOnlyDictionary<string, string>? substitutions, FieldPath field, Faults faults)
    {
        if (substitutions is null)
            return subject;
        if (Substitutions.Apply(subject, substitutions, MaxSubject) is { } made)
            return HeaderText.WithoutControls(made);
        faults.Add(field.Field("substitutions"), $"The subject must be at most {MaxSubject} characters long with them.");
        return subject;
    }

    /// <summary>There are no templates yet, so none is known.</summary>
    static void CheckTemplate(string? id, Faults faults)
    {
        if (id is null)
            return;
        faults.Add("template_id", id.StartsWith(TemplatePrefix, StringComparison.Ordinal)
            ? "The template is not known, or has no active version." : $"The template_id must begin with {TemplatePrefix}");
    }

    static List<string> ReadCategories(List<string?>? given, Faults faults)
    {
        if (given is not { Count: > 0 })
            return [];
        if (given.Count > MostCategories)
        {
            faults.Add("categories", $"At most {MostCategories} categories are allowed.");
            return [];
        }
        var categories = new List<string>(given.Count);
        for (var i = 0; i < given.Count; i++)
        {
            var field = new FieldPath().Field("categories").At(i);
            if (!TextRules.Check(given[i], field, MaxCategory, faults))
                continue;
            if (categories.Contains(given[i]!))
                faults.Add(field, "The category is given twice.");
            categories.Add(given[i]!);
        }
        return categories;
    }

    static BatchId? ReadBatch(string? given, Faults faults)
    {
        if (given is null)
            return null;
        if (ScaiSendIds.TryParse(given, out BatchId batch))
            return batch;
        faults.Add("batch_id", SendEndpoint.UnknownBatch);
        return null;
    }

    /// <summary>What all messages of the request have in common.</summary>
    sealed class SharedParts
    {
        public required NamedMailbox? From { get; init; }
        public required MessageBody? Body { get; init; }
        public required IReadOnlyList<AttachmentDraft> Attachments { get; init; }
        public required IReadOnlyList<KeyValuePair<string, string>>? Headers { get; init; }
        public required IReadOnlyList<string> Categories { get; init; }
        public required Dictionary<string, System.Text.Json.JsonElement>? CustomArgs { get; init; }
        public System.Text.Json.JsonElement? CustomArgsJson { get; set; }
        public required DateTimeOffset? SendAt { get; init; }
        public required BatchId? Batch { get; init; }
        public required MessageSettings Settings { get; init; }
        public required bool Sandbox { get; init; }
    }
}
