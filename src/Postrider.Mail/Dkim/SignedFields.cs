using System.Text;

namespace Postrider.Mail.Dkim;

/// <summary>Which header fields a signature covers (RFC 6376 §5.4.1), and which it also covers the absence of (§8.15).</summary>
static class SignedFields
{
    /// <summary>
    /// Over-signed fields are listed once more than they are there, so that nobody can add one that would be shown instead of ours.
    /// </summary>
    static readonly (byte[] Name, bool OverSigned)[] Table =
    [
        ("From"u8.ToArray(), true),
        ("Sender"u8.ToArray(), false),
        ("To"u8.ToArray(), true),
        ("Cc"u8.ToArray(), true),
        ("Subject"u8.ToArray(), true),
        ("Date"u8.ToArray(), true),
        ("Message-ID"u8.ToArray(), true),
        ("Reply-To"u8.ToArray(), true),
        ("In-Reply-To"u8.ToArray(), false),
        ("References"u8.ToArray(), false),
        ("MIME-Version"u8.ToArray(), true),
        ("Content-Type"u8.ToArray(), true),
        ("Content-Transfer-Encoding"u8.ToArray(), false),
        ("List-Unsubscribe"u8.ToArray(), false),        // both must be covered: RFC 8058 §4
        ("List-Unsubscribe-Post"u8.ToArray(), false),
        ("List-Id"u8.ToArray(), false),
        ("Feedback-ID"u8.ToArray(), false),             // Google counts only a signed one
    ];

    public static int Count => Table.Length;

    public static ReadOnlySpan<byte> Name(int index) => Table[index].Name;

    public static bool IsOverSigned(int index) => Table[index].OverSigned;

    /// <returns>-1 for a field that is not signed. Names are compared without case.</returns>
    public static int IndexOf(ReadOnlySpan<byte> name)
    {
        for (var i = 0; i < Table.Length; i++)
        {
            if (Table[i].Name.Length == name.Length && Ascii.EqualsIgnoreCase(Table[i].Name, name))
                return i;
        }
        return -1;
    }
}
