using System.Diagnostics;
using Postrider.Mail.Reports;
using Postrider.Mail.Smtp;

namespace Postrider.Engine.Bounces;

public readonly record struct BounceClass(BounceCategory Category, BounceAction Action);

/// <summary>
/// What a refusal means: rules in their order, the first that matches decides. The built-in ones are bounce-rules.txt beside this file,
/// which ends with contracts/scaisend.md §8.4; the operator's go before them.
/// </summary>
/// <remarks>
/// Three things no rule can change: a transient reply is tried again; before RCPT nothing is about the mailbox; and what is about us, the
/// message or the way to them never stops mail to the recipient. Every rule is tried on every refusal: 200 of them cost some microseconds,
/// and only mail that was refused pays.
/// </remarks>
public sealed class BounceRules
{
    const string Resource = "Postrider.Engine.Bounces.bounce-rules.txt";

    readonly BounceRule[] _rules;

    BounceRules(IEnumerable<BounceRule> rules) => _rules = [.. rules];

    public static BounceRules BuiltIn { get; } = new(ReadBuiltIn());

    /// <summary>The operator's rules, and the built-in ones after them.</summary>
    /// <param name="faults">What is wrong with which line; empty when all is well.</param>
    /// <returns>The built-in rules alone when something is wrong.</returns>
    public static BounceRules Read(string text, out IReadOnlyList<string> faults)
    {
        var rules = BounceRuleReader.Read(text, out faults);
        return faults.Count == 0 ? new BounceRules([.. rules, .. BuiltIn._rules]) : BuiltIn;
    }

    /// <summary>What a reply means that was not the one hoped for.</summary>
    public BounceClass Classify(SmtpStage stage, SmtpReply reply)
    {
        var refusal = Refusal.Of(stage, reply);
        var rule = Find(refusal);
        var action = (refusal.IsTransient, rule.Action) switch
        {
            (true, not (BounceAction.Retry or BounceAction.RetryThrottled)) =>
                AsksForLess(reply) ? BounceAction.RetryThrottled : BounceAction.Retry,
            var (_, given) => given,
        };
        return new BounceClass(rule.Category, action);
    }

    /// <summary>What a report of failure means; there is nothing left to try again, so this is soft, block or hard.</summary>
    /// <param name="format">Where the report only says that it failed, or does not name a status itself, nobody is suppressed for
    /// it.</param>
    public BounceClass Classify(RecipientStatus recipient, ReportFormat format)
    {
        var refusal = Refusal.Of(recipient);
        var rule = Find(refusal);
        var isSure = !refusal.IsTransient && refusal.Status is not { Class: not 5 }
            && (format == ReportFormat.Standard || (format == ReportFormat.Qsbmf && refusal.Status is not null));
        var action = rule.Action switch
        {
            BounceAction.Retry => BounceAction.Soft,
            BounceAction.RetryThrottled => BounceAction.Block,
            BounceAction.Hard when !isSure => BounceAction.Soft,
            var given => given,
        };
        return new BounceClass(rule.Category, action);
    }

    /// <summary>contracts/scaisend.md §8.4: used up against one of these, a message has failed rather than bounced.</summary>
    static bool AsksForLess(SmtpReply reply) => reply.Code == 421 || reply.Enhanced is { Class: 4, Subject: 7 };

    BounceRule Find(Refusal refusal)
    {
        foreach (var rule in _rules)
        {
            if (rule.Matches(refusal))
                return rule;
        }
        throw new UnreachableException("The built-in rules end with one for everything.");
    }

    static IReadOnlyList<BounceRule> ReadBuiltIn()
    {
        using var stream = typeof(BounceRules).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"{Resource} is not in the assembly.");
        using var reader = new StreamReader(stream);
        var rules = BounceRuleReader.Read(reader.ReadToEnd(), out var faults);
        return faults.Count == 0 ? rules : throw new InvalidOperationException($"bounce-rules.txt: {faults[0]}");
    }
}
