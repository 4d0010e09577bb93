using Postrider.Mail.Smtp;

namespace Postrider.Engine.Bounces;

/// <summary>One line of a rules file: what it takes for a refusal to be of a category. A condition that is not given holds.</summary>
sealed record BounceRule(BounceCategory Category, BounceAction Action)
{
    public RefusalStage Stages { get; init; } = RefusalStage.Any;

    /// <summary>One of these.</summary>
    public IReadOnlyList<CodePattern> Codes { get; init; } = [];

    /// <summary>One of these.</summary>
    public IReadOnlyList<StatusPattern> Statuses { get; init; } = [];

    /// <summary>All of these.</summary>
    public IReadOnlyList<TextPattern> Texts { get; init; } = [];

    public bool Matches(Refusal refusal)
    {
        if ((Stages & refusal.Stage) == 0 || !HasCode(refusal.Code) || !HasStatus(refusal.Status))
            return false;
        foreach (var text in Texts)
        {
            if (!text.IsIn(refusal.Text))
                return false;
        }
        return true;
    }

    bool HasCode(int code)
    {
        foreach (var pattern in Codes)
        {
            if (code >= pattern.Least && code <= pattern.Most)
                return true;
        }
        return Codes.Count == 0;
    }

    bool HasStatus(EnhancedStatusCode? status)
    {
        foreach (var pattern in Statuses)
        {
            if (pattern.Matches(status))
                return true;
        }
        return Statuses.Count == 0;
    }
}

/// <summary><c>550</c> or <c>5xx</c>.</summary>
readonly record struct CodePattern(int Least, int Most);

/// <summary><c>5.1.1</c>, with <c>*</c> for any number; or none of them.</summary>
/// <param name="IsNone">Without a code, or with one whose subject is 0, "other or undefined": RFC 3463 §3.1.</param>
readonly record struct StatusPattern(int? Class, int? Subject, int? Detail, bool IsNone)
{
    public bool Matches(EnhancedStatusCode? status) => IsNone
        ? status is null or { Subject: 0 }
        : status is { } code && (Class ?? code.Class) == code.Class && (Subject ?? code.Subject) == code.Subject
            && (Detail ?? code.Detail) == code.Detail;
}

/// <summary>Literals in their order, anything between them. Each is looked for once, so a text costs its length and never more.</summary>
sealed record TextPattern(IReadOnlyList<string> Literals)
{
    public bool IsIn(string text)
    {
        var at = 0;
        foreach (var literal in Literals)
        {
            var found = text.IndexOf(literal, at, StringComparison.Ordinal);
            if (found < 0)
                return false;
            at = found + literal.Length;
        }
        return true;
    }
}
