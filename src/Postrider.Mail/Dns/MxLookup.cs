using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Postrider.Mail.Addresses;

namespace Postrider.Mail.Dns;

/// <summary>How much of what strangers publish is looked at.</summary>
public sealed record MxLookupOptions
{
    /// <summary>
    /// MX hosts of a domain that are looked at, those with the lowest preferences. Default 20: a guess well above what sites have.
    /// </summary>
    public int MaxHosts { get; init; } = 20;

    /// <summary>Addresses of a host that are looked at. Default 20: a guess.</summary>
    public int MaxAddresses { get; init; } = 20;

    /// <summary>Whether AAAA is asked for. Default: whether this machine speaks IPv6 at all.</summary>
    public bool UseIPv6 { get; init; } = Socket.OSSupportsIPv6;

    /// <summary>
    /// Our EHLO name. Where a domain lists it, we are no better than its other hosts, and only better ones are tried (RFC 5321 §5.1).
    /// </summary>
    public DnsName? OwnName { get; init; }
}

/// <summary>RFC 5321 §5.1: from a recipient's domain to the hosts that take its mail.</summary>
public sealed class MxLookup(IResolver resolver, Random random, MxLookupOptions options)
{
    // The answer for a domain is asked for at every message, so it is made once for each answer of the resolver's, and lives as long.
    readonly ConditionalWeakTable<DnsAnswer<MxData>.Found, MxAnswer> _made = [];
    readonly Lock _randomLock = new();    // Random is not for several threads

    public ValueTask<MxAnswer> FindAsync(Domain domain, CancellationToken cancel)
    {
        if (!DnsName.TryParse(domain.Ascii, out var name))
            return new(MxAnswer.NoSuchDomain.Instance);    // nothing can be registered under what DNS cannot say

        var query = resolver.QueryAsync<MxData>(name, cancel);
        return query.IsCompletedSuccessfully ? Conclude(name, query.Result, cancel) : AwaitAsync(name, query, cancel);
    }

    /// <summary>
    /// A and AAAA together. IPv6 and IPv4 take turns, IPv6 first: a host with one of them broken costs one try (RFC 8305 §4).
    /// </summary>
    public async ValueTask<HostAddresses> AddressesAsync(DnsName host, CancellationToken cancel)
    {
        // Both are on their way before either is waited for.
        var v4Query = resolver.QueryAsync<AData>(host, cancel);
        var v6 = options.UseIPv6 ? await resolver.QueryAsync<AaaaData>(host, cancel) : DnsAnswer<AaaaData>.NoData.Instance;
        var v4 = await v4Query;

        var v4Found = v4 as DnsAnswer<AData>.Found;
        var v6Found = v6 as DnsAnswer<AaaaData>.Found;
        var addresses = new List<IPAddress>();
        for (var i = 0; addresses.Count < options.MaxAddresses && (i < v4Found?.Records.Count || i < v6Found?.Records.Count); i++)
        {
            if (i < v6Found?.Records.Count)
                addresses.Add(v6Found.Records[i].Address);
            if (i < v4Found?.Records.Count && addresses.Count < options.MaxAddresses)
                addresses.Add(v4Found.Records[i].Address);
        }

        if (addresses.Count > 0)
            return new HostAddresses.Found(addresses);
        return (v4, v6) switch
        {
            (DnsAnswer<AData>.TemporaryFailure failure, _) => new HostAddresses.TemporaryFailure(failure.Detail),
            (_, DnsAnswer<AaaaData>.TemporaryFailure failure) => new HostAddresses.TemporaryFailure(failure.Detail),
            _ => HostAddresses.NoAddress.Instance,
        };
    }

    /// <summary>The targets of a site, one after the other, for one session.</summary>
    public MxWalk Walk(MxAnswer.Hosts site, AddressPolicy policy) => new(this, OrderToTry(site.Sorted), policy);

    /// <summary>By preference; hosts of equal preference in random order, to spread the load (RFC 5321 §5.1).</summary>
    internal MxHost[] OrderToTry(ImmutableArray<MxHost> sorted)
    {
        MxHost[] hosts = [.. sorted];
        lock (_randomLock)
        {
            for (var start = 0; start < hosts.Length;)
            {
                var end = start + 1;
                while (end < hosts.Length && hosts[end].Preference == hosts[start].Preference)
                    end++;
                random.Shuffle(hosts.AsSpan(start, end - start));
                start = end;
            }
        }
        return hosts;
    }

    async ValueTask<MxAnswer> AwaitAsync(DnsName name, ValueTask<DnsAnswer<MxData>> query, CancellationToken cancel) =>
        await Conclude(name, await query, cancel);

    ValueTask<MxAnswer> Conclude(DnsName name, DnsAnswer<MxData> answer, CancellationToken cancel) => answer switch
    {
        DnsAnswer<MxData>.Found found => new(_made.TryGetValue(found, out var made) ? made : _made.GetValue(found, Sort)),
        DnsAnswer<MxData>.NoData => FindImplicitAsync(name, cancel),
        DnsAnswer<MxData>.NoSuchDomain => new(MxAnswer.NoSuchDomain.Instance),
        DnsAnswer<MxData>.TemporaryFailure failure => new(new MxAnswer.TemporaryFailure(failure.Detail)),
        _ => throw new UnreachableException(),
    };

    /// <summary>RFC 5321 §5.1: without MX records, the domain is treated as its own MX with preference 0.</summary>
    async ValueTask<MxAnswer> FindImplicitAsync(DnsName name, CancellationToken cancel) => await AddressesAsync(name, cancel) switch
    {
        HostAddresses.Found => HostsOf([new MxHost(0, name)], isImplicit: true),
        HostAddresses.TemporaryFailure failure => new MxAnswer.TemporaryFailure(failure.Detail),
        _ => MxAnswer.NoMailHost.Instance,
    };

    MxAnswer Sort(DnsAnswer<MxData>.Found found)
    {
        // RFC 7505 §3: a null MX stands alone. Beside others it is a mistake, and passed over.
        if (found.Records.All(record => record.Exchange.IsRoot))
            return MxAnswer.NullMx.Instance;

        var hosts = found.Records
            .Where(record => CanBeHost(record.Exchange))
            .GroupBy(record => record.Exchange, record => record.Preference, (name, preferences) => new MxHost(preferences.Min(), name))
            .OrderBy(host => host.Preference).ThenBy(host => host.Name.ToString(), StringComparer.Ordinal)
            .ToList();
        if (hosts.Count == 0)
            return new MxAnswer.Unusable($"no MX record names a host: {found.Records[0].Exchange}", IsLoop: false);

        if (options.OwnName is { } own && hosts.Find(host => host.Name.Equals(own)) is { } self)
        {
            hosts.RemoveAll(host => host.Preference >= self.Preference);
            if (hosts.Count == 0)
                return new MxAnswer.Unusable($"the MX records lead back to {own}", IsLoop: true);
        }

        return HostsOf([.. hosts.Take(options.MaxHosts)], isImplicit: false);
    }

    static MxAnswer.Hosts HostsOf(ImmutableArray<MxHost> sorted, bool isImplicit) => new(DestinationKey.Of(sorted), sorted, isImplicit);

    /// <summary>
    /// RFC 5321 §5.1 wants a domain name. An address written there has a numeric top label, which no name has (RFC 3696 §2).
    /// </summary>
    static bool CanBeHost(DnsName name) => !name.IsRoot && name.TopLabel.ContainsAnyExceptInRange((byte)'0', (byte)'9');
}
