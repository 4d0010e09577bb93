namespace Postrider.Mail.Dns;

/// <summary>
/// All that a question can come to. Only <see cref="NoData"/> and <see cref="NoSuchDomain"/> say that something is not there.
/// </summary>
public abstract record DnsAnswer<T>
{
    DnsAnswer()
    {
    }

    /// <param name="Records">At least one, in the server's order, at the end of any CNAME chain.</param>
    /// <param name="Ttl">The lowest TTL on the way, as the server gave it, counted from when the answer came.</param>
    public sealed record Found(IReadOnlyList<T> Records, TimeSpan Ttl) : DnsAnswer<T>;

    /// <summary>The name exists, without records of this type (RFC 2308 §2.2).</summary>
    public sealed record NoData : DnsAnswer<T>
    {
        public static NoData Instance { get; } = new();
    }

    /// <summary>NXDOMAIN: the name, or the last name of its CNAME chain, does not exist (RFC 2308 §2.1).</summary>
    public sealed record NoSuchDomain : DnsAnswer<T>
    {
        public static NoSuchDomain Instance { get; } = new();
    }

    /// <summary>SERVFAIL, REFUSED, silence, garbage, no network: nothing is known, and another time may be better.</summary>
    /// <param name="Detail">For the log and the message's timeline; printable ASCII.</param>
    public sealed record TemporaryFailure(string Detail) : DnsAnswer<T>;
}

public interface IResolver
{
    /// <summary>Asks for the records of <typeparamref name="T"/>'s type at <paramref name="name"/>, following CNAMEs.</summary>
    /// <remarks>
    /// Never throws for what the network does; only for <paramref name="cancel"/>, which ends the wait of this caller alone.
    /// </remarks>
    ValueTask<DnsAnswer<T>> QueryAsync<T>(DnsName name, CancellationToken cancel) where T : class, IDnsData<T>;
}
