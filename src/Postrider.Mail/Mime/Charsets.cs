using System.Text;
using System.Text.Unicode;

namespace Postrider.Mail.Mime;

/// <summary>Octets of a named charset to text. Whatever they are, some text comes out.</summary>
static class Charsets
{
    const int Windows1252 = 1252;

    /// <param name="charset">As the message names it. An unknown one is taken for UTF-8 if it can be, else for windows-1252.</param>
    public static string Decode(string charset, ReadOnlySpan<byte> octets)
    {
        if (octets.IsEmpty)
            return "";
        var name = charset.Trim().ToLowerInvariant();
        return name switch
        {
            "utf-8" or "utf8" => Encoding.UTF8.GetString(octets),
            "us-ascii" or "ascii" or "" => Guess(octets),       // what calls itself ASCII and is not
            "iso-8859-1" or "latin1" or "windows-1252" => CodePage(Windows1252, octets),      // senders mean the latter by the former
            _ => Find(name) is { } encoding ? encoding.GetString(octets) : Guess(octets),
        };
    }

    static Encoding? Find(string name)
    {
        if (name.Length > 40 || name.StartsWith("utf-7", StringComparison.Ordinal))     // UTF-7 hides markup from those who look for it
            return null;
        try
        {
            return CodePagesEncodingProvider.Instance.GetEncoding(name) ?? Encoding.GetEncoding(name);
        }
        catch (ArgumentException)   // the framework's only way to say that it does not know it
        {
            return null;
        }
        catch (NotSupportedException)   // nor this one, which it knows and has taken away
        {
            return null;
        }
    }

    static string Guess(ReadOnlySpan<byte> octets) =>
        Utf8.IsValid(octets) ? Encoding.UTF8.GetString(octets) : CodePage(Windows1252, octets);

    static string CodePage(int codePage, ReadOnlySpan<byte> octets) =>
        CodePagesEncodingProvider.Instance.GetEncoding(codePage)!.GetString(octets);
}
