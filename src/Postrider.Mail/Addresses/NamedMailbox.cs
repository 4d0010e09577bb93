using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Postrider.Mail.Addresses;

/// <summary>A mailbox as a header field shows it: <c>Ada Lovelace &lt;ada@example.org&gt;</c> (RFC 5322 §3.4).</summary>
/// <remarks>The display name holds no control characters, so it cannot end a header field.</remarks>
public sealed record NamedMailbox
{
    /// <summary>Longer names come from mistakes; the number is a guess.</summary>
    public const int MaxDisplayNameLength = 1_000;

    NamedMailbox(string? displayName, Mailbox mailbox) => (DisplayName, Mailbox) = (displayName, mailbox);

    public NamedMailbox(Mailbox mailbox) : this(null, mailbox)
    {
    }

    /// <summary>Null when there is none; never empty.</summary>
    public string? DisplayName { get; }

    public Mailbox Mailbox { get; }

    /// <returns>False when the name is too long or holds a control character or line separator. A blank name becomes null.</returns>
    public static bool TryCreate(string? displayName, Mailbox mailbox, [NotNullWhen(true)] out NamedMailbox? named) =>
        TryCreate(displayName, mailbox, MaxDisplayNameLength, out named);

    /// <param name="maxLength">More than <see cref="MaxDisplayNameLength"/> for a name still made of encoded-words.</param>
    internal static bool TryCreate(string? displayName, Mailbox mailbox, int maxLength, [NotNullWhen(true)] out NamedMailbox? named)
    {
        named = null;
        var name = string.IsNullOrWhiteSpace(displayName) && !HasControls(displayName) ? null : displayName;
        if (name is not null && (name.Length > maxLength || HasControls(name)))
            return false;

        named = new NamedMailbox(name?.Trim(' '), mailbox);
        return true;
    }

    /// <summary>To show to people; the composer writes its own, encoded form.</summary>
    public override string ToString() => DisplayName is null ? Mailbox.ToString() : $"{DisplayName} <{Mailbox}>";

    static bool HasControls(string? text)
    {
        foreach (var c in text.AsSpan())
        {
            if (c < ' ' || (c >= 0x7F && char.GetUnicodeCategory(c) is
                UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator))
                return true;
        }
        return false;
    }
}
