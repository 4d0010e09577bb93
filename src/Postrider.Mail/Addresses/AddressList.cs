using System.Diagnostics.CodeAnalysis;

namespace Postrider.Mail.Addresses;

/// <summary>Reads RFC 5322 §3.4: <c>address-list = (address *("," address)) / obs-addr-list</c>.</summary>
/// <remarks>
/// Groups are flattened to their members; comments and source routes are dropped; empty list elements, dots in phrases and space around
/// the dots of an address are let through (RFC 5322 §4.4). Encoded-words in names are left as they are: who reads a header field decodes
/// them.
/// </remarks>
public static class AddressList
{
    /// <summary>A To field of a thousand recipients with names, and then some; the number is a guess.</summary>
    public const int MaxLength = 256 * 1024;

    public const int DefaultMaxCount = 1_000;

    /// <returns>False when any address is malformed, or the text or the list is too long. A group without members is an empty
    /// list.</returns>
    public static bool TryParse(string text, [NotNullWhen(true)] out IReadOnlyList<NamedMailbox>? mailboxes) =>
        TryParse(text, DefaultMaxCount, out mailboxes);

    /// <inheritdoc cref="TryParse(string, out IReadOnlyList{NamedMailbox}?)"/>
    public static bool TryParse(string text, int maxCount, [NotNullWhen(true)] out IReadOnlyList<NamedMailbox>? mailboxes) =>
        TryParse(text, maxCount, NamedMailbox.MaxDisplayNameLength, out mailboxes);

    internal static bool TryParse(
        string text, int maxCount, int maxNameLength, [NotNullWhen(true)] out IReadOnlyList<NamedMailbox>? mailboxes)
    {
        mailboxes = null;
        if (text.Length > MaxLength)
            return false;

        var cursor = new AddressCursor(text, maxNameLength);
        var found = new List<NamedMailbox>();
        var (inGroup, any) = (false, false);
        while (true)
        {
            if (!cursor.TrySkipCfws())
                return false;
            if (cursor.AtEnd)
                break;
            if (cursor.TryTake(','))
                continue;
            if (inGroup && cursor.TryTake(';'))
            {
                inGroup = false;
                continue;
            }
            if (!cursor.TryMailboxOrGroupName(out var mailbox) || found.Count == maxCount)
                return false;

            any = true;
            if (mailbox is not null)
                found.Add(mailbox);
            else if (inGroup)
                return false;       // groups do not nest
            else
                inGroup = true;

            if (mailbox is not null && !cursor.AtEnd && !cursor.IsAt(',') && !(inGroup && cursor.IsAt(';')))
                return false;
        }

        mailboxes = any && !inGroup ? found : null;
        return mailboxes is not null;
    }
}
