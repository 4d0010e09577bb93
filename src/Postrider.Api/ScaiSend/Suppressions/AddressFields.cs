using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Postrider.Mail.Addresses;

namespace Postrider.Api.ScaiSend.Suppressions;

/// <summary>Addresses in paths and bodies.</summary>
static class AddressFields
{
    /// <summary>Of one request. A guess; SendGrid's clients send their lists in pieces too.</summary>
    public const int MostAddresses = 1_000;

    /// <returns>The path's address in the form lists compare; null when it is none, so that no list can hold it.</returns>
    public static string? KeyInPath(HttpContext context)
    {
        // Routing leaves an escaped slash as it came, for it might have parted the path.
        var text = ((string)context.GetRouteValue("email")!).Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        return Mailbox.TryParse(text, out var mailbox) ? mailbox.Key : null;
    }

    public static Mailbox? Read(string? text, string field, List<QueryFault> faults)
    {
        if (text is null)
            faults.Add(QueryFault.InBody(field, "The field is required", "missing"));
        else if (Mailbox.TryParse(text, out var mailbox))
            return mailbox;
        else
            faults.Add(QueryFault.InBody(field, "The value must be an e-mail address", "value_error"));
        return null;
    }

    public static List<Mailbox> ReadAll(List<string?>? texts, string field, List<QueryFault> faults)
    {
        var addresses = new List<Mailbox>(texts?.Count ?? 0);
        if (texts is not { Count: > 0 })
            faults.Add(QueryFault.InBody(field, "At least one e-mail address is required", "missing"));
        else if (texts.Count > MostAddresses)
            faults.Add(QueryFault.InBody(field, $"At most {MostAddresses} e-mail addresses are allowed", "too_long"));
        else
        {
            for (var i = 0; i < texts.Count && faults.Count < Faults.Most; i++)
            {
                if (Read(texts[i], $"{field}.{i}", faults) is { } mailbox)
                    addresses.Add(mailbox);
            }
        }
        return addresses;
    }
}
