using System.Text;
using Postrider.Mail.Addresses;

namespace Postrider.Mail.Dkim;

/// <summary>The TXT record that lets others verify (RFC 6376 §3.6.1).</summary>
public static class DkimDnsRecord
{
    /// <summary>RFC 6376 §3.6.2.1: <c>selector._domainkey.example.org</c>.</summary>
    public static string Name(string selector, Domain domain) => $"{selector}._domainkey.{domain.Ascii}";

    /// <summary>In one piece, as most DNS panels want it.</summary>
    public static string Text(DkimKey key) => $"v=DKIM1; k=rsa; p={Convert.ToBase64String(key.PublicKey.Span)}";

    /// <summary>A TXT record's text in quoted strings of at most 255 octets (RFC 1035 §3.3), as a zone file wants it.</summary>
    public static string ZoneFileText(string text) => string.Join(' ', text.Chunk(255).Select(chunk => $"\"{new string(chunk)}\""));

    /// <summary>Whether a published record holds this key; white space and other tags do not matter.</summary>
    public static bool Publishes(string text, DkimKey key)
    {
        foreach (var tag in text.Split(';'))
        {
            var equals = tag.IndexOf('=', StringComparison.Ordinal);
            if (equals >= 0 && tag.AsSpan(0, equals).Trim() is "p")
                return WithoutWhiteSpace(tag.AsSpan(equals + 1)) == Convert.ToBase64String(key.PublicKey.Span);
        }
        return false;
    }

    static string WithoutWhiteSpace(ReadOnlySpan<char> text)
    {
        var bare = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            if (!char.IsWhiteSpace(c))
                bare.Append(c);
        }
        return bare.ToString();
    }
}
