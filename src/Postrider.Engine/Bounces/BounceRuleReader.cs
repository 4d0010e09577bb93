using System.Globalization;

namespace Postrider.Engine.Bounces;

/// <summary>
/// Reads rules, one a line: <c>CATEGORY ACTION [stage=LIST] [code=LIST] [status=LIST] [text="…"]…</c>; the form is docs/operate/bounces.md.
/// Everything wrong is told at once, each fault with its line.
/// </summary>
static class BounceRuleReader
{
    const int MaxRules = 5_000;             // each costs time on every refusal
    const int MaxLineLength = 1_000;

    public static IReadOnlyList<BounceRule> Read(string text, out IReadOnlyList<string> faults)
    {
        var rules = new List<BounceRule>();
        var found = new List<string>();
        var number = 0;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            number++;
            var content = line.Trim();
            if (content.IsEmpty || content[0] == '#')
                continue;
            if (rules.Count == MaxRules)
            {
                found.Add($"line {number}: there are more than {MaxRules} rules");
                break;
            }
            if (ReadRule(content, out var fault) is { } rule)
                rules.Add(rule);
            else
                found.Add($"line {number}: {fault}");
        }
        faults = found;
        return rules;
    }

    static BounceRule? ReadRule(ReadOnlySpan<char> line, out string fault)
    {
        fault = $"it is longer than {MaxLineLength} characters";
        if (line.Length > MaxLineLength)
            return null;

        var (categoryWord, actionWord) = (TakeWord(ref line), TakeWord(ref line));
        fault = $"\"{categoryWord}\" is not a category";
        if (!BounceWords.TryRead(categoryWord, out BounceCategory category))
            return null;
        fault = $"\"{actionWord}\" is not an action: {string.Join(", ", BounceWords.Of<BounceAction>())}";
        if (!BounceWords.TryRead(actionWord, out BounceAction action))
            return null;
        fault = $"{categoryWord} cannot be hard: it says nothing of the mailbox, and hard stops all mail to it";
        if (action == BounceAction.Hard && !category.MayBeHard())
            return null;

        var rule = new BounceRule(category, action);
        while (line.Length > 0)
        {
            var condition = TakeCondition(ref line);
            fault = $"{condition} is not stage=, code=, status= or text=\"…\", or not one of their values";
            if (Add(rule, condition) is not { } more)
                return null;
            rule = more;
        }
        if (category.IsAboutTheMailbox())
            rule = rule with { Stages = rule.Stages & ~(RefusalStage.Connect | RefusalStage.Mail) };
        fault = $"nothing can be said of a mailbox at that stage: {categoryWord} is for rcpt, data and report";
        return rule.Stages == 0 ? null : rule;
    }

    static BounceRule? Add(BounceRule rule, string condition)
    {
        var equals = condition.IndexOf('=', StringComparison.Ordinal);
        var values = condition[(equals + 1)..];
        return (equals < 0 ? "" : condition[..equals]) switch
        {
            "stage" => ReadList(values, ReadStage) is { } stages ? rule with { Stages = stages.Aggregate((all, one) => all | one) } : null,
            "code" => ReadList(values, ReadCode) is { } codes ? rule with { Codes = codes } : null,
            "status" => ReadList(values, ReadStatus) is { } statuses ? rule with { Statuses = statuses } : null,
            "text" => ReadText(values) is { } text ? rule with { Texts = [.. rule.Texts, text] } : null,
            _ => null,
        };
    }

    static List<T>? ReadList<T>(string values, Func<string, T?> read) where T : struct
    {
        var list = new List<T>();
        foreach (var value in values.Split(','))
        {
            if (read(value) is not { } one)
                return null;
            list.Add(one);
        }
        return list;
    }

    static RefusalStage? ReadStage(string word) => word switch
    {
        "connect" => RefusalStage.Connect,
        "mail" => RefusalStage.Mail,
        "rcpt" => RefusalStage.Rcpt,
        "data" => RefusalStage.Data,
        "report" => RefusalStage.Report,
        _ => null,
    };

    static CodePattern? ReadCode(string word) => word switch
    {
        "4xx" => new CodePattern(0, 499),       // what is below 400 does not fit its stage, and is taken for one of these
        "5xx" => new CodePattern(500, 599),
        _ => word.Length == 3 && int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var code)
            && code is >= 400 and <= 599
            ? new CodePattern(code, code) : null,
    };

    static StatusPattern? ReadStatus(string word)
    {
        if (word == "none")
            return new StatusPattern(null, null, null, IsNone: true);
        var parts = word.Split('.');
        return parts.Length == 3 && TryNumber(parts[0], 9, out var @class) && TryNumber(parts[1], 999, out var subject)
            && TryNumber(parts[2], 999, out var detail)
            ? new StatusPattern(@class, subject, detail, IsNone: false)
            : null;
    }

    static bool TryNumber(string part, int most, out int? number)
    {
        var isNumber = int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value <= most;
        number = isNumber ? value : null;
        return isNumber || part == "*";
    }

    /// <summary>In quotation marks; compared without case.</summary>
    static TextPattern? ReadText(string quoted)
    {
        if (quoted is not ['"', .. var text, '"'])
            return null;
        var literals = text.ToLowerInvariant().Split('*', StringSplitOptions.RemoveEmptyEntries);
        return literals.Length > 0 && literals.Any(literal => !string.IsNullOrWhiteSpace(literal)) ? new TextPattern(literals) : null;
    }

    static string TakeWord(ref ReadOnlySpan<char> line)
    {
        var end = line.IndexOfAny(' ', '\t');
        var word = (end < 0 ? line : line[..end]).ToString();
        line = end < 0 ? [] : line[end..].TrimStart();
        return word;
    }

    /// <summary>A word, or one with a text in quotation marks that goes on over spaces.</summary>
    static string TakeCondition(ref ReadOnlySpan<char> line)
    {
        if (!line.StartsWith("text=\""))
            return TakeWord(ref line);
        var end = line[6..].IndexOf('"');
        var length = end < 0 ? line.Length : 6 + end + 1;
        var condition = line[..length].ToString();
        line = line[length..].TrimStart();
        return condition;
    }
}
