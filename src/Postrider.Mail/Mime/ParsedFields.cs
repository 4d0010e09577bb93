using Postrider.Mail.Addresses;

namespace Postrider.Mail.Mime;

/// <summary>A header section as it was read: its fields in order, whatever they hold.</summary>
public sealed class ParsedFields
{
    /// <summary>
    /// What the longest name can become when it is encoded: three octets a character, four base64 digits for three of them, and frames.
    /// </summary>
    const int MaxEncodedNameLength = NamedMailbox.MaxDisplayNameLength * 6;

    readonly IReadOnlyList<ParsedField> _fields;

    internal ParsedFields(IReadOnlyList<ParsedField> fields) => _fields = fields;

    public IReadOnlyList<ParsedField> All => _fields;

    /// <summary>The first field of that name, encoded-words decoded; null when there is none. Names are compared without case.</summary>
    public string? this[string name] => Find(name)?.Value;

    public ParsedField? Find(string name)
    {
        foreach (var field in _fields)
        {
            if (field.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
                return field;
        }
        return null;
    }

    /// <summary>The mailboxes of From, To, ... with their names decoded; empty when there is no such field or it is malformed.</summary>
    public IReadOnlyList<NamedMailbox> Mailboxes(string name)
    {
        if (Find(name) is not { } field || !AddressList.TryParse(
                field.RawValue, AddressList.DefaultMaxCount, MaxEncodedNameLength, out var mailboxes))
            return [];

        return [.. mailboxes.Select(Decoded)];
    }

    /// <summary>A name that is too long even when it is decoded is left out.</summary>
    static NamedMailbox Decoded(NamedMailbox named)
    {
        if (named.DisplayName is not { } name)
            return named;
        return NamedMailbox.TryCreate(EncodedWord.Decode(name), named.Mailbox, out var decoded) ? decoded : new NamedMailbox(named.Mailbox);
    }
}

/// <param name="RawValue">Unfolded, without white space at its ends. What is not UTF-8 is read as windows-1252.</param>
public sealed record ParsedField(string Name, string RawValue)
{
    /// <summary>With encoded-words decoded (RFC 2047) and without control characters: to show.</summary>
    public string Value => EncodedWord.Decode(RawValue);
}
