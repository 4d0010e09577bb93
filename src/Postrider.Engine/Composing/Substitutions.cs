namespace Postrider.Engine.Composing;

/// <summary>Literal replacement of the legacy kind: each tag wherever it stands (contracts/scaisend.md §3.1, substitutions).</summary>
/// <remarks>
/// Subject and reply-to are short and are replaced at acceptance, so that lists and searches know what recipients see; the body, which a
/// thousand messages may share, when it is composed or shown.
/// </remarks>
public static class Substitutions
{
    /// <param name="substitutions">Text by tag, applied in their order; null for none.</param>
    /// <param name="most">Characters the text may come to.</param>
    /// <returns>Null when it would be longer: a text may hold the tags of others, and a few such multiply to gigabytes.</returns>
    public static string? Apply(string text, IReadOnlyDictionary<string, string>? substitutions, int most)
    {
        if (substitutions is null)
            return text;
        foreach (var (tag, replacement) in substitutions)
        {
            var count = tag.Length == 0 ? 0 : text.AsSpan().Count(tag);
            if (count == 0)
                continue;
            if (text.Length + (long)count * (replacement.Length - tag.Length) > most)
                return null;
            text = text.Replace(tag, replacement, StringComparison.Ordinal);
        }
        return text;
    }
}
