using System.Net;
using System.Net.Sockets;
using Postrider.Mail.Dns;

namespace Postrider.Engine.Delivery;

/// <summary>Where a destination's hosts are found: through DNS, or by a configured route.</summary>
abstract record Site
{
    Site() { }

    /// <summary>What domains of one destination have in common: limits, connections and back-off go by it.</summary>
    public abstract string Key { get; }

    public sealed record Mx(MxAnswer.Hosts Hosts) : Site
    {
        public override string Key => Hosts.Destination.Value;
    }

    public sealed record Route(DnsEndPoint Host) : Site
    {
        public override string Key => $"route:{Host.Host}:{Host.Port}";
    }

    /// <summary>DNS has no answer at present: the domain is a destination of its own, and cannot be reached.</summary>
    public sealed record Unresolved(string Domain, string Detail) : Site
    {
        public override string Key => $"unresolved:{Domain}";
    }
}

/// <summary>The targets of one connection attempt, in the order to try them.</summary>
/// <param name="Name">Host name, for TLS and the timeline.</param>
sealed record Target(string Name, IPEndPoint EndPoint);

/// <summary>Walks a site's targets.</summary>
abstract class TargetWalk
{
    /// <returns>Null at the end.</returns>
    public abstract ValueTask<Target?> NextAsync(CancellationToken cancel);

    /// <summary>After an end without any target: why, and whether that may pass.</summary>
    public abstract (string Detail, bool Temporary) Trouble { get; }
}

sealed class MxTargets(MxWalk walk, int port) : TargetWalk
{
    public override (string, bool) Trouble => walk.Trouble switch
    {
        MxTrouble.Unreachable unreachable => (unreachable.Detail, false),
        MxTrouble.TemporaryFailure failure => (failure.Detail, true),
        _ => ("no MX host to try", true),
    };

    public override async ValueTask<Target?> NextAsync(CancellationToken cancel) =>
        await walk.NextAsync(cancel) is { } target ? new Target(target.Host.ToString(), new IPEndPoint(target.Address, port)) : null;
}

/// <summary>
/// A route's host is named by the operator, so the system's own resolver is asked (/etc/hosts counts), and private addresses are meant.
/// </summary>
sealed class RouteTargets(DnsEndPoint route) : TargetWalk
{
    Queue<IPAddress>? _addresses;
    string _detail = "";

    public override (string, bool) Trouble => ($"{route.Host}: {_detail}", true);

    public override async ValueTask<Target?> NextAsync(CancellationToken cancel)
    {
        _addresses ??= await ResolveAsync(cancel);
        return _addresses.TryDequeue(out var address) ? new Target(route.Host, new IPEndPoint(address, route.Port)) : null;
    }

    async Task<Queue<IPAddress>> ResolveAsync(CancellationToken cancel)
    {
        if (IPAddress.TryParse(route.Host, out var literal))
            return new Queue<IPAddress>([literal]);
        try
        {
            return new Queue<IPAddress>(await System.Net.Dns.GetHostAddressesAsync(route.Host, cancel));
        }
        catch (SocketException e)
        {
            _detail = e.Message;
            return new Queue<IPAddress>();
        }
    }
}
