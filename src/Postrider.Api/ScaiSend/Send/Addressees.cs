using Postrider.Engine.Composing;
using Postrider.Engine.Intake;
using Postrider.Engine.Messages;
using Postrider.Mail.Addresses;

namespace Postrider.Api.ScaiSend.Send;

/// <summary>Addresses of a request: from, reply-to, recipients.</summary>
static class Addressees
{
    const int MaxInList = 1_000;

    /// <summary>Of a reply-to list in all, as every message of the request keeps it: room for a thousand ordinary addresses.</summary>
    const int MaxReplyToOctets = 100_000;

    /// <summary>Up to this many, comparing each with each is cheaper than a set.</summary>
    const int Few = 8;

    public static NamedMailbox? Read(AddressBody? body, FieldPath field, Faults faults)
    {
        if (body is null)
            faults.Add(field, "The address is required.");
        else if (string.IsNullOrEmpty(body.Email))
            faults.Add(field.Field("email"), "The e-mail address is required.");
        else if (!Mailbox.TryParse(body.Email, out var mailbox))
            faults.Add(field.Field("email"), "The e-mail address is not valid.");
        else if (!NamedMailbox.TryCreate(body.Name, mailbox, out var named))
            faults.Add(field.Field("name"), "The name must not contain line breaks or other control characters, nor be very long.");
        else
            return named;
        return null;
    }

    /// <summary>The <c>reply_to</c> or the <c>reply_to_list</c>; null when neither was given.</summary>
    public static IReadOnlyList<SettingsAddress>? ReadReplyTo(SendBody body, Faults faults)
    {
        if (body is { ReplyTo: not null, ReplyToList: not null })
        {
            faults.Add("reply_to", "Give either reply_to or reply_to_list, not both.");
            return null;
        }
        if (body.ReplyTo is not null)
            return Read(body.ReplyTo, "reply_to", faults) is { } single ? [SettingsAddress.From(single)] : null;
        if (body.ReplyToList is not { Count: > 0 } list)
            return null;

        if (list.Count > MaxInList)
        {
            faults.Add("reply_to_list", $"At most {MaxInList} addresses are allowed.");
            return null;
        }
        var seen = new HashSet<string>(list.Count, StringComparer.Ordinal);
        var addresses = new List<SettingsAddress>(list.Count);
        var octets = 0;
        for (var i = 0; i < list.Count && !faults.Full; i++)
        {
            var field = new FieldPath().Field("reply_to_list").At(i);
            if (Read(list[i], field, faults) is not { } address)
                continue;
            if (!seen.Add(address.Mailbox.Key))
                faults.Add(field.Field("email"), "The address is given twice.");
            octets += TextRules.Octets(list[i]!.Email) + TextRules.Octets(list[i]!.Name);
            addresses.Add(SettingsAddress.From(address));
        }
        if (octets > MaxReplyToOctets)
            faults.Add("reply_to_list", $"The addresses and names must be at most {MaxReplyToOctets} octets in all.");
        return addresses;
    }

    /// <summary>A reply-to with its tags replaced, for one personalization.</summary>
    public static IReadOnlyList<SettingsAddress>? Substitute(
        IReadOnlyList<SettingsAddress>? replyTo, IReadOnlyDictionary<string, string> substitutions, FieldPath field, Faults faults)
    {
        if (replyTo is null)
            return null;
        var made = new List<SettingsAddress>(replyTo.Count);
        foreach (var (email, name) in replyTo)
        {
            // What is longer is no address and no name.
            var madeName = Substitutions.Apply(name ?? "", substitutions, MaxReplyToOctets);
            var madeEmail = Substitutions.Apply(email, substitutions, Mailbox.MaxOctets);
            if (madeName is not null && madeEmail is not null && Mailbox.TryParse(madeEmail, out var mailbox)
                && NamedMailbox.TryCreate(madeName, mailbox, out var named))
                made.Add(SettingsAddress.From(named));
            else if (!faults.Full)
                faults.Add(field, "The reply_to is no address with them.");
        }
        return made;
    }

    /// <summary>To, cc and bcc of one personalization, in this order, which is the order of the message's recipients.</summary>
    public static IReadOnlyList<RecipientDraft> ReadRecipients(PersonalizationBody body, FieldPath field, Faults faults)
    {
        var recipients = new List<RecipientDraft>(Math.Min(body.To?.Count ?? 0, MaxInList));
        if (body.To is not { Count: > 0 })
            faults.Add(field.Field("to"), "At least one recipient is required.");
        HashSet<string>? seen = null;
        Add(body.To, RecipientKind.To, field.Field("to"), recipients, ref seen, faults);
        Add(body.Cc, RecipientKind.Cc, field.Field("cc"), recipients, ref seen, faults);
        Add(body.Bcc, RecipientKind.Bcc, field.Field("bcc"), recipients, ref seen, faults);
        return recipients;
    }

    static void Add(
        List<AddressBody?>? list,
        RecipientKind kind,
        FieldPath field,
        List<RecipientDraft> recipients,
        ref HashSet<string>? seen,
        Faults faults)
    {
        if (list is null)
            return;
        if (list.Count > MaxInList)
        {
            faults.Add(field, $"At most {MaxInList} addresses are allowed.");
            return;
        }
        for (var i = 0; i < list.Count && !faults.Full; i++)
        {
            if (Read(list[i], field.At(i), faults) is not { } address)
                continue;
            if (!IsNew(address.Mailbox, recipients, ref seen))
                faults.Add(field.At(i).Field("email"), "The address is given twice among to, cc and bcc.");
            recipients.Add(new RecipientDraft(kind, address));
        }
    }

    static bool IsNew(Mailbox mailbox, List<RecipientDraft> recipients, ref HashSet<string>? seen)
    {
        if (seen is null && recipients.Count < Few)
        {
            foreach (var recipient in recipients)
            {
                if (recipient.Address.Mailbox.Key == mailbox.Key)
                    return false;
            }
            return true;
        }
        if (seen is null)
        {
            seen = new HashSet<string>(StringComparer.Ordinal);
            foreach (var recipient in recipients)
                seen.Add(recipient.Address.Mailbox.Key);
        }
        return seen.Add(mailbox.Key);
    }
}
