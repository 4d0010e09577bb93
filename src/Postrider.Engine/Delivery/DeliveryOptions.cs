using System.Net;
using Postrider.Engine.Bounces;
using Postrider.Engine.Delivery.Shaping;
using Postrider.Mail.Addresses;

namespace Postrider.Engine.Delivery;

public sealed record DeliveryOptions
{
    /// <summary>EHLO name, and the default host of return paths.</summary>
    public required string HostName { get; init; }

    /// <summary>Where MX hosts are contacted. Default 25.</summary>
    public int Port { get; init; } = 25;

    /// <summary>Recipient domain (A-label), or <c>*</c>, to the host that takes its mail; these skip DNS MX lookup.</summary>
    public IReadOnlyDictionary<string, DnsEndPoint> Routes { get; init; } = new Dictionary<string, DnsEndPoint>();

    /// <summary>May mail go to loopback or private addresses found through DNS? Routes may in any case.</summary>
    public bool AllowPrivateTargets { get; init; }

    /// <summary>Host part of VERP return paths.</summary>
    public required Domain ReturnPathDomain { get; init; }

    /// <summary>
    /// Connections to one destination at most, of all nodes together. Default 20, Postfix's default_destination_concurrency_limit.
    /// </summary>
    public int Concurrency { get; init; } = 20;

    /// <summary>
    /// Connections a destination starts with; each success allows one more. Default 5, Postfix's initial_destination_concurrency.
    /// </summary>
    public int InitialConcurrency { get; init; } = 5;

    /// <summary>Messages held for one destination at most, waiting and under way. Default 500.</summary>
    public int Room { get; init; } = 500;

    /// <summary>Transactions a connection is used for. Default 200 (a guess: most big providers close at 100 to 1,000).</summary>
    public int TransactionsPerSession { get; init; } = 200;

    /// <summary>How long a connection waits for the next message. Default 5 s; receivers count idle connections against us.</summary>
    public TimeSpan IdleSession { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Addresses tried for one message before it is deferred. Default 5, as Postfix's smtp_mx_address_limit.</summary>
    public int AddressesTried { get; init; } = 5;

    /// <summary>What refusals mean. Default: the built-in rules.</summary>
    public BounceRules Bounces { get; init; } = BounceRules.BuiltIn;

    /// <summary>The operator's limits for destinations; none twice for the same name.</summary>
    public IReadOnlyList<DestinationRule> Destinations { get; init; } = [];

    /// <summary>
    /// Whether the big providers have the limits of <see cref="BuiltInProfiles.All"/> where the operator says nothing else. Default true.
    /// </summary>
    public bool BuiltInProfiles { get; init; } = true;

    public BackOffOptions BackOff { get; init; } = new();

    public RetryOptions Retry { get; init; } = new();
}
