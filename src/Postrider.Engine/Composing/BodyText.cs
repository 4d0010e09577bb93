using System.Text;
using Postrider.Engine.Messages;

namespace Postrider.Engine.Composing;

/// <summary>
/// What is done to text and html before they become MIME parts, and when a message that was composed is shown. Untouched bodies stay the
/// octets that were stored.
/// </summary>
static class BodyText
{
    /// <summary>Of each part, in characters: those of the largest request (contracts/scaisend.md §9).</summary>
    const int MaxLength = 20 * 1024 * 1024;

    /// <returns>Null when substitutions make it longer than anybody could have sent it.</returns>
    public static MessageBody? Finish(MessageBody body, MessageSettings settings)
    {
        if (settings.Substitutions is null && settings.FooterText is null && settings.FooterHtml is null)
            return body;
        return TryFinish(body.Text, settings, text => settings.FooterText is { } footer ? $"{text}\n{footer}" : text, out var finishedText)
            && TryFinish(
                body.Html, settings, html => settings.FooterHtml is { } footer ? BeforeBodyEnd(html, footer) : html, out var finishedHtml)
            ? new MessageBody(finishedText, finishedHtml)
            : null;
    }

    static bool TryFinish(
        ReadOnlyMemory<byte>? part, MessageSettings settings, Func<string, string> addFooter, out ReadOnlyMemory<byte>? finished)
    {
        finished = null;
        if (part is not { } octets)
            return true;
        if (Substitutions.Apply(Encoding.UTF8.GetString(octets.Span), settings.Substitutions, MaxLength) is not { } text)
            return false;
        finished = Encoding.UTF8.GetBytes(addFooter(text));
        return true;
    }

    static string BeforeBodyEnd(string html, string footer)
    {
        var end = html.LastIndexOf("</body", StringComparison.OrdinalIgnoreCase);
        return end < 0 ? html + footer : html.Insert(end, footer);
    }
}
