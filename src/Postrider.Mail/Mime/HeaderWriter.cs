using System.Buffers;
using Postrider.Mail.Addresses;

namespace Postrider.Mail.Mime;

/// <summary>Writes header fields: folded at 78 where they can be, ending in CRLF, never holding a CR or LF from their value.</summary>
static class HeaderWriter
{
    /// <summary>RFC 5322 §2.1.1: the hard limit is 998; what passes this in one word is encoded instead of left standing.</summary>
    const int MaxWordOctets = HeaderField.MaxUnfoldableOctets;

    /// <summary>A phrase of plain words or a quoted-string is not folded, so a longer one goes as encoded-words, which are.</summary>
    const int MaxPlainPhraseOctets = 70;

    static readonly SearchValues<char> Printable = SearchValues.Create([.. Enumerable.Range(32, 95).Select(c => (char)c)]);

    static readonly SearchValues<char> AtextOrSpace = SearchValues.Create(LocalPart.Atext + " ");

    public static void WriteField(this OctetWriter writer, ReadOnlySpan<byte> name, ReadOnlySpan<char> value)
    {
        writer.Write(name);
        writer.Write(": "u8);
        writer.Write(value);
        writer.EndLine();
    }

    public static void WriteField(this OctetWriter writer, HeaderField field)
    {
        writer.Write(field.Name);
        writer.Write((byte)':');
        if (field.Syntax == HeaderFieldSyntax.Unstructured)
            WriteUnstructured(writer, Clean(field.Value));      // a tab becomes a space
        else
            WriteFolded(writer, field.Value, field.Syntax);
    }

    /// <summary>Any text at all. Controls, line ends among them, become spaces.</summary>
    public static void WriteUnstructured(this OctetWriter writer, ReadOnlySpan<byte> name, string value)
    {
        writer.Write(name);
        writer.Write((byte)':');
        WriteUnstructured(writer, Clean(value));
    }

    /// <summary>RFC 5322 §3.6.2 and §3.6.3: a list of named mailboxes, each begun in a new line when it does not fit the last.</summary>
    public static void WriteMailboxes(this OctetWriter writer, ReadOnlySpan<byte> name, IReadOnlyList<NamedMailbox> mailboxes)
    {
        writer.Write(name);
        writer.Write((byte)':');
        for (var i = 0; i < mailboxes.Count; i++)
        {
            if (i > 0)
                writer.Write((byte)',');
            WriteMailbox(writer, mailboxes[i]);
        }
        writer.EndLine();
    }

    public static void WriteMailbox(this OctetWriter writer, ReadOnlySpan<byte> name, NamedMailbox mailbox)
    {
        writer.Write(name);
        writer.Write((byte)':');
        WriteMailbox(writer, mailbox);
        writer.EndLine();
    }

    /// <returns>Where the first space is that a fold may come before; the length when there is none.</returns>
    public static int NextFold(ReadOnlySpan<char> value, HeaderFieldSyntax syntax)
    {
        for (var from = 1; from < value.Length; from++)
        {
            var space = value[from..].IndexOf(' ');
            if (space < 0)
                break;
            from += space;
            // A line of nothing but white space may not be (RFC 5322 §3.2.2), so a run of spaces stays with the word after it.
            if (value[from - 1] != ' ' && (syntax != HeaderFieldSyntax.CommaList || value[from - 1] == ','))
                return from;
        }
        return value.Length;
    }

    static void WriteMailbox(OctetWriter writer, NamedMailbox named)
    {
        var address = named.Mailbox.ToString();
        if (named.DisplayName is null)
        {
            writer.SpaceOrFold(address.Length + 1);
            writer.Write(address);
            return;
        }

        WritePhrase(writer, Clean(named.DisplayName), address.Length + 3);
        writer.SpaceOrFold(address.Length + 3);
        writer.Write((byte)'<');
        writer.Write(address);
        writer.Write((byte)'>');
    }

    /// <summary>RFC 5322 §3.2.5: atoms when it can be, else a quoted-string, else encoded-words.</summary>
    static void WritePhrase(OctetWriter writer, string name, int following)
    {
        if (name.Length > MaxPlainPhraseOctets || name.AsSpan().ContainsAnyExcept(Printable)
            || name.Contains("=?", StringComparison.Ordinal))
        {
            writer.SpaceOrFold(30);
            EncodedWord.Write(writer, name);
            return;
        }

        writer.SpaceOrFold(name.Length + 2 + following);
        var isPlain = !name.AsSpan().ContainsAnyExcept(AtextOrSpace) && !name.Contains("  ", StringComparison.Ordinal) && name.Length > 0;
        if (isPlain)
            writer.Write(name);
        else
            writer.WriteQuotedString(name);
    }

    /// <summary>RFC 5322 §3.2.4, of text that is printable ASCII.</summary>
    public static void WriteQuotedString(this OctetWriter writer, ReadOnlySpan<char> text)
    {
        writer.Write((byte)'"');
        foreach (var c in text)
        {
            if (c is '"' or '\\')
                writer.Write((byte)'\\');
            writer.Write((byte)c);
        }
        writer.Write((byte)'"');
    }

    static void WriteUnstructured(OctetWriter writer, string value)
    {
        if (!value.AsSpan().ContainsAnyExcept(Printable) && !value.Contains("=?", StringComparison.Ordinal)
            && LongestWord(value) <= MaxWordOctets)
        {
            WriteFolded(writer, value, HeaderFieldSyntax.Unstructured);
            return;
        }
        writer.SpaceOrFold(30);
        EncodedWord.Write(writer, value);
        writer.EndLine();
    }

    static void WriteFolded(OctetWriter writer, ReadOnlySpan<char> value, HeaderFieldSyntax syntax)
    {
        writer.Write((byte)' ');
        while (!value.IsEmpty)
        {
            var fold = NextFold(value, syntax);
            writer.Write(value[..fold]);
            value = value[fold..];
            if (value.IsEmpty)
                break;
            if (writer.Column + NextFold(value, syntax) > 78)
                writer.EndLine();       // the space that comes next makes it a fold
        }
        writer.EndLine();
    }

    static int LongestWord(ReadOnlySpan<char> value)
    {
        var longest = 0;
        while (!value.IsEmpty)
        {
            var fold = NextFold(value, HeaderFieldSyntax.Unstructured);
            longest = Math.Max(longest, fold);
            value = value[fold..];
        }
        return longest;
    }

    /// <summary>Nothing that could end a line, and no white space at the ends, which readers differ about.</summary>
    static string Clean(string text) => HeaderText.WithoutControls(text).Trim(' ');
}
