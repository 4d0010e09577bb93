using System.Globalization;
using Postrider.Engine.Delivery.Shaping;
using Postrider.Mail.Addresses;

namespace Postrider.Configuration;

/// <summary>
/// The operator's limits for destinations, one rule after the other, separated by semicolons:
/// <c>mx:google.com connections=5 rate=20/s,600/min; domain:acme.example rate=100/h back-off=5m; * messages-per-connection=50</c>.
/// </summary>
static class DestinationRuleText
{
    const string Setting = "Delivery:Destinations";

    public static IReadOnlyList<DestinationRule> Read(SettingsReader reader)
    {
        var rules = new List<DestinationRule>();
        foreach (var text in reader.Text(Setting, "").Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var words = text.Split(' ', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            if (Named(words[0]) is not { } rule)
                reader.Fault(Setting, $"\"{words[0]}\" in \"{text}\" is not mx:HOST, domain:DOMAIN or *", 0);
            else if (words.Length == 1)
                reader.Fault(Setting, $"\"{text}\" sets no limit", 0);
            else if (rules.Exists(other => (other.Scope, other.Name) == (rule.Scope, rule.Name)))
                reader.Fault(Setting, $"there are two rules for {words[0]}", 0);
            else
                rules.Add(rule with { Limits = ReadLimits(reader, text, words[1..]) });
        }
        return rules;
    }

    static DestinationRule? Named(string text)
    {
        if (text == "*")
            return new DestinationRule(RuleScope.Everything, "", new());
        var (scope, name) = text.Split(':', 2) switch
        {
            ["mx", var host] => (RuleScope.MxHost, host),
            ["domain", var domain] => (RuleScope.Domain, domain),
            _ => (RuleScope.Everything, ""),
        };
        return Domain.TryParseHostName(name, out var parsed) ? new DestinationRule(scope, parsed.Ascii, new()) : null;
    }

    static DestinationLimits ReadLimits(SettingsReader reader, string rule, string[] words)
    {
        var limits = new DestinationLimits();
        foreach (var word in words)
        {
            var (name, value) = word.Split('=', 2) is [var left, var right] ? (left, right) : (word, "");
            var read = name switch
            {
                "connections" => Number(value, 1_000) is { } number ? limits with { Connections = number } : null,
                "messages-per-connection" => Number(value, 1_000_000) is { } number ? limits with { MessagesPerConnection = number } : null,
                "rate" => MessageRate.TryParseAll(value, out var rates) ? limits with { Rates = rates } : null,
                "back-off" =>
                    SettingsReader.TryDuration(value, out var pause) && pause > TimeSpan.Zero ? limits with { BackOff = pause } : null,
                _ => null,
            };
            if (read is null)
            {
                reader.Fault(
                    Setting,
                    $"\"{word}\" in \"{rule}\" is not connections=1 to 1000, messages-per-connection=1 to 1000000, "
                    + "rate=unlimited or N/s, N/min, N/h, N/d (N to 1000000), or back-off=DURATION",
                    0);
            }
            limits = read ?? limits;
        }
        return limits;
    }

    static int? Number(string text, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= most
            ? number : null;
}
