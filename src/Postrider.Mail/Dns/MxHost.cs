using System.Collections.Immutable;

namespace Postrider.Mail.Dns;

/// <summary>A mail exchanger of a domain; the lower preference is tried first.</summary>
public sealed record MxHost(int Preference, DnsName Name)
{
    public override string ToString() => Name.ToString();
}

/// <summary>
/// What names an MX site: its host names, sorted and joined. Domains with the same hosts share connections, limits and back-off.
/// </summary>
/// <remarks>Preferences do not count: a provider that hands out different orders is still one provider.</remarks>
public readonly record struct DestinationKey(string Value)
{
    public static DestinationKey Of(IEnumerable<MxHost> hosts) =>
        new(string.Join(',', hosts.Select(host => host.Name.ToString()).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)));

    public override string ToString() => Value;
}

/// <summary>Where a domain's mail goes (RFC 5321 §5.1), or why nowhere. The codes are what a DSN says of it.</summary>
public abstract record MxAnswer
{
    MxAnswer()
    {
    }

    /// <param name="Sorted">At least one; by preference, then by name. <see cref="MxLookup.Walk"/> gives the order to try.</param>
    /// <param name="IsImplicit">There is no MX record, and the domain is its own host by its address.</param>
    public sealed record Hosts(DestinationKey Destination, ImmutableArray<MxHost> Sorted, bool IsImplicit) : MxAnswer;

    /// <summary>The domain takes no mail and says so: permanent, 5.1.10 (RFC 7505 §6).</summary>
    public sealed record NullMx : MxAnswer
    {
        public static NullMx Instance { get; } = new();
    }

    /// <summary>Permanent: 5.1.2.</summary>
    public sealed record NoSuchDomain : MxAnswer
    {
        public static NoSuchDomain Instance { get; } = new();
    }

    /// <summary>The domain exists, with neither MX nor address. Permanent: 5.1.2.</summary>
    public sealed record NoMailHost : MxAnswer
    {
        public static NoMailHost Instance { get; } = new();
    }

    /// <summary>
    /// There are MX records, and none can ever be tried: RFC 5321 §5.1 has this reported. Permanent: 5.4.4, or 5.4.6 for a loop.
    /// </summary>
    public sealed record Unusable(string Detail, bool IsLoop) : MxAnswer;

    /// <summary>To be tried again: 4.4.3.</summary>
    public sealed record TemporaryFailure(string Detail) : MxAnswer;
}
