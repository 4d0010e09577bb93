namespace Postrider.Engine.Delivery.Shaping;

/// <summary>What a destination is held to, by all nodes together. What is null is left to the next less specific rule.</summary>
public sealed record DestinationLimits
{
    /// <summary>Open connections. 1 to 1,000.</summary>
    public int? Connections { get; init; }

    /// <summary>Transactions before a connection is closed. 1 to 1,000,000.</summary>
    public int? MessagesPerConnection { get; init; }

    /// <summary>Transactions begun in a time, one for each recipient; all of them hold, and an empty list is unlimited.</summary>
    public IReadOnlyList<MessageRate>? Rates { get; init; }

    /// <summary>The first pause after a 421 or when it cannot be reached, see <see cref="BackOffOptions"/>.</summary>
    public TimeSpan? BackOff { get; init; }

    public DestinationLimits Over(DestinationLimits lessSpecific) => new()
    {
        Connections = Connections ?? lessSpecific.Connections,
        MessagesPerConnection = MessagesPerConnection ?? lessSpecific.MessagesPerConnection,
        Rates = Rates ?? lessSpecific.Rates,
        BackOff = BackOff ?? lessSpecific.BackOff,
    };
}

/// <summary>What a rule's name is compared with.</summary>
public enum RuleScope
{
    /// <summary>Every destination without a rule of its own.</summary>
    Everything,

    /// <summary>The end of an MX host's name, label by label.</summary>
    MxHost,

    /// <summary>A recipient domain, which then is a destination of its own.</summary>
    Domain,
}

/// <param name="Name">Lower case, A-labels; empty for <see cref="RuleScope.Everything"/>.</param>
public sealed record DestinationRule(RuleScope Scope, string Name, DestinationLimits Limits);
