using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Postrider.Mail.Mime;

/// <summary>RFC 2045 §5.1: <c>type "/" subtype *(";" parameter)</c>, type and subtype in lower case.</summary>
public sealed record MediaType
{
    public const int MaxLength = 1_000;

    static readonly SearchValues<char> Token =
        SearchValues.Create(
            [.. Enumerable.Range(33, 94).Select(c => (char)c).Where(c => !"()<>@,;:\\\"/[]?=".Contains(c, StringComparison.Ordinal))]);

    MediaType(string type, string subtype, ContentParameters parameters) => (Type, Subtype, Parameters) = (type, subtype, parameters);

    public static MediaType OctetStream { get; } = new("application", "octet-stream", ContentParameters.Empty);

    public static MediaType TextPlain { get; } = new("text", "plain", ContentParameters.Empty);

    public string Type { get; }

    public string Subtype { get; }

    public ContentParameters Parameters { get; }

    public bool IsMultipart => Type == "multipart";

    /// <summary>Without parameters: <c>text/html</c>.</summary>
    public string Essence => $"{Type}/{Subtype}";

    /// <returns>False without a type and subtype of RFC 2045 tokens. Malformed parameters are left out.</returns>
    public static bool TryParse(string text, [NotNullWhen(true)] out MediaType? mediaType)
    {
        mediaType = null;
        if (text.Length > MaxLength)
            return false;
        var end = text.IndexOf(';', StringComparison.Ordinal);
        var essence = (end < 0 ? text : text[..end]).Trim(' ', '\t').ToLowerInvariant();
        var slash = essence.IndexOf('/', StringComparison.Ordinal);
        if (slash <= 0 || !IsToken(essence.AsSpan(0, slash)) || !IsToken(essence.AsSpan(slash + 1)))
            return false;

        var parameters = end < 0 ? ContentParameters.Empty : ContentParameters.Parse(text.AsSpan(end));
        mediaType = new MediaType(essence[..slash], essence[(slash + 1)..], parameters);
        return true;
    }

    public bool Is(string type, string subtype) => Type == type && Subtype == subtype;

    public override string ToString() => Essence;

    internal static bool IsToken(ReadOnlySpan<char> text) => !text.IsEmpty && text.Length <= 127 && !text.ContainsAnyExcept(Token);

    internal static bool IsTokenChar(char c) => Token.Contains(c);
}
