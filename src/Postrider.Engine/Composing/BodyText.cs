using System.Text;
using Postrider.Engine.Messages;

namespace Postrider.Engine.Composing;

/// <summary>What is done to text and html before they become MIME parts. Untouched bodies stay the octets that were stored.</summary>
static class BodyText
{
    public static MessageBody Finish(MessageBody body, MessageSettings settings)
    {
        if (settings.Substitutions is null && settings.FooterText is null && settings.FooterHtml is null)
            return body;
        return new MessageBody(
            Finish(body.Text, settings, text => settings.FooterText is { } footer ? $"{text}\n{footer}" : text),
            Finish(body.Html, settings, html => settings.FooterHtml is { } footer ? BeforeBodyEnd(html, footer) : html));
    }

    static ReadOnlyMemory<byte>? Finish(ReadOnlyMemory<byte>? part, MessageSettings settings, Func<string, string> addFooter) =>
        part is { } octets
            ? Encoding.UTF8.GetBytes(addFooter(Substitutions.Apply(Encoding.UTF8.GetString(octets.Span), settings.Substitutions)))
            : (ReadOnlyMemory<byte>?)null;      // a bare null is taken for a null array, which becomes an empty part

    static string BeforeBodyEnd(string html, string footer)
    {
        var end = html.LastIndexOf("</body", StringComparison.OrdinalIgnoreCase);
        return end < 0 ? html + footer : html.Insert(end, footer);
    }
}

/// <summary>Literal replacement of the legacy kind: each tag wherever it stands (contracts/scaisend.md §3.1, substitutions).</summary>
static class Substitutions
{
    public static string Apply(string text, IReadOnlyDictionary<string, string>? substitutions)
    {
        foreach (var (tag, value) in substitutions ?? new Dictionary<string, string>())
        {
            if (tag.Length > 0)
                text = text.Replace(tag, value, StringComparison.Ordinal);
        }
        return text;
    }
}
