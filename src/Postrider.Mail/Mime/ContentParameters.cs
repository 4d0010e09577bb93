using System.Globalization;
using System.Text;

namespace Postrider.Mail.Mime;

/// <summary>
/// The parameters of a Content-Type or Content-Disposition: RFC 2045 §5.1 with the charsets and continuations of RFC 2231.
/// </summary>
/// <remarks>
/// Reading is lenient: what cannot be read is left out, and of two with one name the first counts, an extended one before a plain one.
/// </remarks>
public sealed class ContentParameters
{
    const int MaxCount = 100;

    readonly IReadOnlyList<KeyValuePair<string, string>> _parameters;

    ContentParameters(IReadOnlyList<KeyValuePair<string, string>> parameters) => _parameters = parameters;

    public static ContentParameters Empty { get; } = new([]);

    public IReadOnlyList<KeyValuePair<string, string>> All => _parameters;

    /// <summary>Null when there is none. Names are compared without case.</summary>
    public string? this[string name]
    {
        get
        {
            foreach (var (key, value) in _parameters)
            {
                if (key.Equals(name, StringComparison.OrdinalIgnoreCase))
                    return value;
            }
            return null;
        }
    }

    /// <param name="text">What follows the value: <c>; name=value; name="value"</c>.</param>
    internal static ContentParameters Parse(ReadOnlySpan<char> text)
    {
        var sections = new List<Section>();
        while (sections.Count < MaxCount && TryTake(ref text, out var name, out var value))
        {
            if (name.Length > 0 && Section.From(name, value) is { } section)
                sections.Add(section);
        }
        return sections.Count == 0 ? Empty : new ContentParameters([.. sections.GroupBy(section => section.Name).Select(Join)]);
    }

    /// <summary>RFC 2231 §3: sections 0, 1, 2, ... in order; what comes after a gap is dropped.</summary>
    static KeyValuePair<string, string> Join(IGrouping<string, Section> sections)
    {
        var extended = sections.Where(section => section.IsExtended || section.IsContinued).ToDictionaryOfFirst(section => section.Number);
        if (extended.Count == 0 || !extended.TryGetValue(0, out var first))
            // Some senders use encoded-words here, against RFC 2047 §5.
            return new(sections.Key, EncodedWord.Decode(sections.First().Value));

        var octets = new List<byte>();
        var (charset, rest) = first.IsExtended ? SplitCharset(first.Value) : ("utf-8", first.Value);
        for (var i = 0; extended.TryGetValue(i, out var section); i++)
        {
            var value = i == 0 ? rest : section.Value;
            octets.AddRange(section.IsExtended ? PercentDecode(value) : Encoding.UTF8.GetBytes(value));
        }
        return new(sections.Key, HeaderText.WithoutControls(Charsets.Decode(charset, [.. octets])));
    }

    /// <summary>RFC 2231 §4: <c>charset'language'value</c>.</summary>
    static (string Charset, string Value) SplitCharset(string value)
    {
        var first = value.IndexOf('\'', StringComparison.Ordinal);
        var second = first < 0 ? -1 : value.IndexOf('\'', first + 1);
        return second < 0 ? ("utf-8", value) : (value[..first], value[(second + 1)..]);
    }

    static byte[] PercentDecode(string value)
    {
        var octets = new List<byte>(value.Length);
        for (var i = 0; i < value.Length; i++)
        {
            if (value[i] == '%' && i + 2 < value.Length + 0 && byte.TryParse(
                    value.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var octet))
            {
                octets.Add(octet);
                i += 2;
            }
            else
            {
                octets.AddRange(Encoding.UTF8.GetBytes(value, i, 1));
            }
        }
        return [.. octets];
    }

    /// <summary>Takes one <c>;name=value</c>, its name empty when it is malformed. False at the end.</summary>
    static bool TryTake(ref ReadOnlySpan<char> text, out string name, out string value)
    {
        (name, value) = ("", "");
        var start = text.IndexOf(';');
        if (start < 0)
            return false;
        text = text[(start + 1)..].TrimStart(" \t\r\n");

        var nameEnd = 0;
        while (nameEnd < text.Length && MediaType.IsTokenChar(text[nameEnd]))
            nameEnd++;
        var parameter = text[..nameEnd];
        text = text[nameEnd..].TrimStart(" \t\r\n");
        if (text.IsEmpty || text[0] != '=')
            return true;

        text = text[1..].TrimStart(" \t\r\n");
        value = text is ['"', ..] ? TakeQuoted(ref text) : TakeBare(ref text);
        name = parameter.ToString().ToLowerInvariant();
        return true;
    }

    static string TakeQuoted(ref ReadOnlySpan<char> text)
    {
        var value = new StringBuilder();
        var i = 1;
        for (; i < text.Length && text[i] != '"'; i++)
        {
            if (text[i] == '\\' && i + 1 < text.Length)
                i++;
            value.Append(text[i]);
        }
        text = text[Math.Min(i + 1, text.Length)..];
        return value.ToString();
    }

    static string TakeBare(ref ReadOnlySpan<char> text)
    {
        var end = text.IndexOf(';');
        var value = (end < 0 ? text : text[..end]).Trim(" \t\r\n").ToString();
        text = end < 0 ? [] : text[end..];
        return value;
    }

    /// <summary>One <c>name*number*=value</c>.</summary>
    sealed record Section(string Name, int Number, bool IsContinued, bool IsExtended, string Value)
    {
        public static Section? From(string name, string value)
        {
            var isExtended = name.EndsWith('*');
            var bare = isExtended ? name[..^1] : name;
            var star = bare.IndexOf('*', StringComparison.Ordinal);
            if (star < 0)
                return new(bare, 0, false, isExtended, value);
            return int.TryParse(bare.AsSpan(star + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                ? new(bare[..star], number, true, isExtended, value) : null;
        }
    }
}

file static class Dictionaries
{
    public static Dictionary<int, T> ToDictionaryOfFirst<T>(this IEnumerable<T> items, Func<T, int> key)
    {
        var dictionary = new Dictionary<int, T>();
        foreach (var item in items)
            dictionary.TryAdd(key(item), item);
        return dictionary;
    }
}
