using System.Buffers;
using Postrider.Mail.Mime;

namespace Postrider.Api.ScaiSend.Send;

/// <summary>Custom header fields: which names and values may be given, and how a personalization's go over the request's.</summary>
static class HeaderFields
{
    /// <summary>Both a guess: every message of a request keeps its own, and 10,000 octets are what custom_args may take.</summary>
    const int MostFields = 100;
    const int MaxOctets = 10_000;

    const string OurPrefix = "X-ScaiSend-";

    /// <summary>RFC 5322 §3.6.8: <c>ftext</c>, printable ASCII but the colon.</summary>
    static readonly SearchValues<char> Ftext = SearchValues.Create(
        [.. Enumerable.Range(33, 94).Select(code => (char)code).Where(c => c != ':')]);

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
            else if (fields.Exists(other => other.Key.Equals(name, StringComparison.OrdinalIgnoreCase)))
                faults.Add(at, "The header is given twice: names are compared without case.");
            fields.Add(new(name, value ?? ""));
        }
        CheckSize(fields, field, faults);
        return fields;
    }

    /// <summary>The request's fields, those of the personalization in place of the ones with the same name, then the rest of the
    /// personalization's.</summary>
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
        if (HeaderField.IsReserved(name) || name.StartsWith(OurPrefix, StringComparison.OrdinalIgnoreCase))
            return "The header is reserved and cannot be set here.";
        if (value is null)
            return "The header value must be a string.";
        if (TextRules.HasControlsBesideTabs(value))
            return "The header value must not contain line breaks or other control characters.";
        // The composer's own rule, so that what is accepted here is written there.
        return HeaderField.TryCreate(name, value, out _)
            ? null
            : "The header cannot be written: its name or a word of it is too long, or it must be ASCII.";
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
