using System.Net;

namespace Postrider.Mail.Dns;

/// <summary>Whom to ask, how patiently, and how long to remember.</summary>
public sealed record DnsResolverOptions
{
    /// <summary>Recursive servers, in the order to try them. At least one.</summary>
    public required IReadOnlyList<IPEndPoint> Servers { get; init; }

    /// <summary>How long one server has for one try, TCP included. Default 5 s, as resolv.conf(5).</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Rounds over all servers; at least 1. Default 2, as resolv.conf(5).</summary>
    public int Attempts { get; init; } = 2;

    /// <summary>The longest an answer is kept, whatever its TTL. Default 1 h: contract §8.3 asks for a ceiling.</summary>
    public TimeSpan MaxTtl { get; init; } = TimeSpan.FromHours(1);

    /// <summary>The shortest an answer is kept, so that a TTL of 0 does not make one query a message. Default 5 s (a guess).</summary>
    public TimeSpan MinTtl { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The longest an absence is kept. Default 15 min: RFC 2308 §5 has 1–3 h as sensible, but who mistyped an MX waits for us.
    /// </summary>
    public TimeSpan MaxNegativeTtl { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>How long a failure is kept. Default 5 s: RFC 9520 §3.2 has 1 s as the least, 5 min as the most.</summary>
    public TimeSpan FailureTtl { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Answers kept, at least 1; the oldest goes first. Default 20,000, some 10 MB (a guess).</summary>
    public int CacheEntries { get; init; } = 20_000;

    /// <summary>
    /// Queries on the network at once, each with its own socket; at least 1. Default 2,000: those about domains whose servers keep silent
    /// stay for the whole time-out, and with 128 of them a domain that answers waited 70 s behind 1,000 that do not.
    /// </summary>
    public int MaxConcurrentQueries { get; init; } = 2_000;
}
