using System.Buffers;
using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Postrider.Mail.Mime;

/// <summary>
/// A header field that a sender adds to the composer's own: <c>X-Campaign</c>, <c>List-Unsubscribe</c>, <c>References</c>.
/// </summary>
/// <remarks>Neither name nor value can end the field or begin another: RFC 5322 §2.2 by construction.</remarks>
public sealed record HeaderField
{
    /// <summary>RFC 5322 sets none; so that a name always fits its first line of 78.</summary>
    public const int MaxNameOctets = 76;

    /// <summary>A References field of some hundred ids; the number is a guess.</summary>
    public const int MaxValueLength = 16_384;

    /// <summary>What must stay on one line, so that no line passes 998 octets (RFC 5322 §2.1.1) beside a name.</summary>
    internal const int MaxUnfoldableOctets = 900;

    static readonly SearchValues<char> Ftext = SearchValues.Create([.. Enumerable.Range(33, 94).Select(c => (char)c).Where(c => c != ':')]);

    static readonly SearchValues<char> Controls =
        SearchValues.Create([.. Enumerable.Range(0, 32).Append(0x7F).Select(c => (char)c).Where(c => c != '\t')]);

    static readonly FrozenDictionary<string, HeaderFieldSyntax> Syntaxes = new Dictionary<string, HeaderFieldSyntax>
    {
        ["List-Unsubscribe"] = HeaderFieldSyntax.CommaList,
        ["List-Unsubscribe-Post"] = HeaderFieldSyntax.CommaList,
        ["List-Subscribe"] = HeaderFieldSyntax.CommaList,
        ["List-Help"] = HeaderFieldSyntax.CommaList,
        ["List-Post"] = HeaderFieldSyntax.CommaList,
        ["List-Owner"] = HeaderFieldSyntax.CommaList,
        ["List-Archive"] = HeaderFieldSyntax.CommaList,
        ["List-Id"] = HeaderFieldSyntax.Words,
        ["References"] = HeaderFieldSyntax.Words,
        ["In-Reply-To"] = HeaderFieldSyntax.Words,
        ["Resent-Message-ID"] = HeaderFieldSyntax.Words,
        ["Feedback-ID"] = HeaderFieldSyntax.Words,
        ["Auto-Submitted"] = HeaderFieldSyntax.Words,
        ["Precedence"] = HeaderFieldSyntax.Words,
        ["Disposition-Notification-To"] = HeaderFieldSyntax.Words,
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>Those the composer writes, those that relays write, and Bcc, which would tell everybody.</summary>
    static readonly FrozenSet<string> Reserved = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Subject", "Date", "Message-ID", "MIME-Version", "DKIM-Signature", "Return-Path",
        "Received");

    HeaderField(string name, string value) => (Name, Value) = (name, value);

    public string Name { get; }

    /// <summary>Without leading or trailing white space; unfolded and not encoded.</summary>
    public string Value { get; }

    internal HeaderFieldSyntax Syntax => SyntaxOf(Name);

    /// <returns>False for a reserved name, for one that is not <c>1*ftext</c>, for a value with controls, and for a structured field
    /// (List-Unsubscribe, References, ...) whose value is not ASCII or could not be folded: those are never encoded.</returns>
    public static bool TryCreate(string name, string value, [NotNullWhen(true)] out HeaderField? field)
    {
        field = null;
        if (name.Length is 0 or > MaxNameOctets || name.AsSpan().ContainsAnyExcept(Ftext) || IsReserved(name))
            return false;
        if (value.Length > MaxValueLength || value.AsSpan().ContainsAny(Controls)
            || value.AsSpan().ContainsAny('\u0085', '\u2028', '\u2029'))
            return false;

        var trimmed = value.Trim(' ', '\t');
        if (SyntaxOf(name) != HeaderFieldSyntax.Unstructured && (!Ascii.IsValid(trimmed) || !CanFold(trimmed, SyntaxOf(name))))
            return false;

        field = new HeaderField(name, trimmed);
        return true;
    }

    /// <summary>Whether a name is the composer's or a relay's to write, and so cannot be added.</summary>
    public static bool IsReserved(string name) =>
        Reserved.Contains(name) || name.StartsWith("Content-", StringComparison.OrdinalIgnoreCase);

    static HeaderFieldSyntax SyntaxOf(string name) => Syntaxes.GetValueOrDefault(name);

    static bool CanFold(ReadOnlySpan<char> value, HeaderFieldSyntax syntax)
    {
        while (value.Length > MaxUnfoldableOctets)
        {
            var fold = HeaderWriter.NextFold(value, syntax);
            if (fold > MaxUnfoldableOctets || fold == value.Length)
                return false;
            value = value[(fold + 1)..];
        }
        return true;
    }
}

/// <summary>How a field's value may be folded, and whether it may be encoded.</summary>
enum HeaderFieldSyntax
{
    /// <summary>RFC 5322 §2.2.1: folded at spaces, made of encoded-words when it must be.</summary>
    Unstructured,

    /// <summary>Folded at spaces, never encoded.</summary>
    Words,

    /// <summary>Folded after commas only (RFC 2369 §2, RFC 8058 §3.1): some receivers do not unfold a URI; never encoded.</summary>
    CommaList,
}
