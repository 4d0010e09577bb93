using System.Buffers;
using System.Collections.Frozen;

namespace Postrider.Api.ScaiSend.Send;

/// <summary>Custom header fields: which names and values may be given, and how a personalization's go over the request's.</summary>
static class HeaderFields
{
    /// <summary>Both a guess: every message of a request keeps its own, and 10,000 octets are what custom_args may take.</summary>
    const int MostFields = 100;
    const int MaxOctets = 10_000;

    /// <summary>RFC 5322 §2.1.1: a line, and folding needs white space to break at.</summary>
    const int MaxLineOctets = 998;

    const string OurPrefix = "X-ScaiSend-";

    /// <summary>RFC 5322 §3.6.8: <c>ftext</c>, printable ASCII but the colon.</summary>
    static readonly SearchValues<char> Ftext = SearchValues.Create(
        [.. Enumerable.Range(33, 94).Select(code => (char)code).Where(c => c != ':')]);

    static readonly FrozenSet<string> Reserved = new[]
    {
        "Received", "DKIM-Signature", "Content-Type", "Content-Transfer-Encoding", "To", "From", "Subject", "Reply-To", "Cc", "Bcc",
        "Message-ID", "Date", "MIME-Version", "Return-Path",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <returns>The fields in the order given; null when there are none.</returns>
    public static IReadOnlyList<KeyValuePair<string, string>>? Read(Dictionary<string, string?>? body, FieldPath field, Faults faults)
    {
        if (body is not { Count: > 0 })
            return null;
        var fields = new List<KeyValuePair<string, string>>(Math.Min(body.Count, MostFields));
        foreach (var (name, value) in body)
        {
            if (faults.Full || fields.Count > MostFields)
                break;
            var at = field.Field(name);
            if (Find(name, value) is { } fault)
                faults.Add(at, fault);
            fields.Add(new(name, value ?? ""));
        }
        CheckSize(fields, field, faults);
        return fields;
    }

    /// <summary>The request's fields, those of the personalization in place of the ones with the same name, then the rest of the personalization's.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>>? Merge(
        IReadOnlyList<KeyValuePair<string, string>>? top, IReadOnlyList<KeyValuePair<string, string>>? own, FieldPath field, Faults faults)
    {
        if (top is null || own is null)
            return own ?? top;
        var merged = new List<KeyValuePair<string, string>>(top);
        foreach (var header in own)
        {
            var at = merged.FindIndex(other => other.Key.Equals(header.Key, StringComparison.OrdinalIgnoreCase));
            if (at >= 0)
                merged[at] = header;
            else
                merged.Add(header);
        }
        CheckSize(merged, field, faults);
        return merged;
    }

    static string? Find(string name, string? value)
    {
        if (name.Length == 0 || name.AsSpan().ContainsAnyExcept(Ftext))
            return "The header name must be printable ASCII without a colon or a space.";
        if (Reserved.Contains(name) || name.StartsWith(OurPrefix, StringComparison.OrdinalIgnoreCase))
            return "The header is reserved and cannot be set here.";
        if (value is null)
            return "The header value must be a string.";
        if (TextRules.HasControlsBesideTabs(value))
            return "The header value must not contain line breaks or other control characters.";
        if (name.Length + 2 + LongestRun(value) > MaxLineOctets)
            return $"The header does not fit lines of {MaxLineOctets} octets: it is too long without a space.";
        return null;
    }

    static int LongestRun(string value)
    {
        var longest = 0;
        foreach (var range in value.AsSpan().SplitAny(' ', '\t'))
            longest = Math.Max(longest, System.Text.Encoding.UTF8.GetByteCount(value.AsSpan()[range]));
        return longest;
    }

    static void CheckSize(List<KeyValuePair<string, string>> fields, FieldPath field, Faults faults)
    {
        if (fields.Count > MostFields)
        {
            faults.Add(field, $"At most {MostFields} headers are allowed.");
            return;
        }
        var octets = 0;
        foreach (var (name, value) in fields)
            octets += name.Length + TextRules.Octets(value);
        if (octets > MaxOctets)
            faults.Add(field, $"The headers must be at most {MaxOctets} octets in all.");
    }
}
