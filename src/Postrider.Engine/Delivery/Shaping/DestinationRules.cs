using System.Collections.Frozen;

namespace Postrider.Engine.Delivery.Shaping;

/// <summary>
/// Which limits a destination has, field by field from the most specific rule that names it: the operator's for the recipient domain or the
/// MX host, then the built-in profile, then the operator's <c>*</c>, then the settings for all.
/// </summary>
sealed class DestinationRules
{
    readonly FrozenDictionary<string, DestinationLimits> _byDomain;
    readonly FrozenDictionary<string, DestinationLimits> _byMxHost;
    readonly FrozenDictionary<string, DestinationLimits> _builtIn;
    readonly DestinationLimits _default;

    public DestinationRules(DeliveryOptions options)
    {
        _byDomain = ByName(options.Destinations, RuleScope.Domain);
        _byMxHost = ByName(options.Destinations, RuleScope.MxHost);
        var everything = ByName(options.Destinations, RuleScope.Everything).GetValueOrDefault("") ?? new();
        _default = everything.Over(new DestinationLimits
        {
            Connections = options.Concurrency,
            MessagesPerConnection = options.TransactionsPerSession,
            Rates = [],
        });
        // A profile may tighten what is set for all destinations, and not loosen it: that takes a rule of the operator's.
        _builtIn = ByName(options.BuiltInProfiles ? BuiltInProfiles.All : [], RuleScope.MxHost).ToFrozenDictionary(
            entry => entry.Key,
            entry => entry.Value with
            {
                Connections = Less(entry.Value.Connections, _default.Connections),
                MessagesPerConnection = Less(entry.Value.MessagesPerConnection, _default.MessagesPerConnection),
            });
    }

    /// <summary>Whether mail for this domain is a destination of its own, whoever its MX hosts are.</summary>
    public bool Separates(string domain) => _byDomain.ContainsKey(domain);

    /// <returns>With every field but <see cref="DestinationLimits.BackOff"/> set.</returns>
    public DestinationLimits For(string domain, Site site)
    {
        var limits = _byDomain.GetValueOrDefault(domain) ?? new();
        if (site is Site.Mx { Hosts: var hosts })
        {
            var names = hosts.Sorted.Select(host => host.Name.ToString().TrimEnd('.')).ToArray();
            limits = limits.Over(Match(_byMxHost, names)).Over(Match(_builtIn, names));
        }
        return limits.Over(_default);
    }

    /// <summary>The longest name that some host ends with; of several hosts the most preferred one's.</summary>
    static DestinationLimits Match(FrozenDictionary<string, DestinationLimits> rules, string[] hosts)
    {
        if (rules.Count > 0)
        {
            foreach (var host in hosts)
            {
                for (var name = host; ; name = name[(name.IndexOf('.', StringComparison.Ordinal) + 1)..])
                {
                    if (rules.TryGetValue(name, out var limits))
                        return limits;
                    if (!name.Contains('.', StringComparison.Ordinal))
                        break;
                }
            }
        }
        return new();
    }

    static FrozenDictionary<string, DestinationLimits> ByName(IEnumerable<DestinationRule> rules, RuleScope scope) =>
        rules.Where(rule => rule.Scope == scope).ToFrozenDictionary(rule => rule.Name, rule => rule.Limits, StringComparer.Ordinal);

    static int? Less(int? one, int? other) => one is { } a && other is { } b ? Math.Min(a, b) : one ?? other;
}
