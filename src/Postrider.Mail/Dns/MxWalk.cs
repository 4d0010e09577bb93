using System.Net;

namespace Postrider.Mail.Dns;

/// <summary>One address of one MX host.</summary>
public sealed record MxTarget(MxHost Host, IPAddress Address);

/// <summary>What kept a walk from the targets it did not give.</summary>
public abstract record MxTrouble
{
    MxTrouble()
    {
    }

    /// <summary>Every host gave addresses, and every address was given.</summary>
    public sealed record None : MxTrouble
    {
        public static None Instance { get; } = new();
    }

    /// <summary>
    /// The hosts passed over have no address, or only such as mail must not go to. Permanent if nothing was given: 5.4.4.
    /// </summary>
    public sealed record Unreachable(string Detail) : MxTrouble;

    /// <summary>Of at least one host nothing is known. Temporary if nothing was given: 4.4.3.</summary>
    public sealed record TemporaryFailure(string Detail) : MxTrouble;
}

/// <summary>Goes through the targets of an MX site in the order to try them, looking up each host only when it is its turn.</summary>
/// <remarks>
/// For one session and one caller at a time. At most <see cref="MxLookupOptions.MaxHosts"/> hosts with
/// <see cref="MxLookupOptions.MaxAddresses"/> each.
/// </remarks>
public sealed class MxWalk
{
    readonly MxLookup _lookup;
    readonly IReadOnlyList<MxHost> _hosts;
    readonly AddressPolicy _policy;
    IReadOnlyList<IPAddress> _addresses = [];
    int _nextHost, _nextAddress;

    internal MxWalk(MxLookup lookup, IReadOnlyList<MxHost> hosts, AddressPolicy policy) =>
        (_lookup, _hosts, _policy) = (lookup, hosts, policy);

    /// <summary>So far. A temporary trouble outweighs a permanent one, of which the first is told.</summary>
    public MxTrouble Trouble { get; private set; } = MxTrouble.None.Instance;

    /// <returns>Null at the end; when it comes first, <see cref="Trouble"/> says why.</returns>
    public async ValueTask<MxTarget?> NextAsync(CancellationToken cancel)
    {
        while (true)
        {
            while (_nextAddress < _addresses.Count)
            {
                var address = _addresses[_nextAddress++];
                if (_policy.Refuses(address) is not { } range)
                    return new MxTarget(_hosts[_nextHost - 1], address);
                Note(new MxTrouble.Unreachable($"{_hosts[_nextHost - 1]} is {address}: {range.Name} ({range.Source})"));
            }

            if (_nextHost == _hosts.Count)
                return null;
            var host = _hosts[_nextHost];
            var answer = await _lookup.AddressesAsync(host.Name, cancel);
            _nextHost++;    // only now: a cancelled look-up is repeated, not skipped
            (_addresses, _nextAddress) = (answer is HostAddresses.Found found ? found.Addresses : [], 0);
            if (answer is HostAddresses.TemporaryFailure failure)
                Note(new MxTrouble.TemporaryFailure(failure.Detail));
            else if (answer is HostAddresses.NoAddress)
                Note(new MxTrouble.Unreachable($"{host} has no address"));
        }
    }

    void Note(MxTrouble trouble)
    {
        if (Trouble is MxTrouble.None || (Trouble is MxTrouble.Unreachable && trouble is MxTrouble.TemporaryFailure))
            Trouble = trouble;
    }
}
