using System.Collections.Concurrent;
using Postrider.Engine.Bounces;
using Postrider.Engine.Delivery.Shaping;
using Postrider.Mail.Addresses;
using Postrider.Mail.Dns;

namespace Postrider.Engine.Delivery;

/// <summary>The destinations this node knows, by recipient domain: routes first, then DNS.</summary>
sealed class Destinations(MxLookup mx, DeliveryServices services)
{
    static readonly TimeSpan Remembered = TimeSpan.FromMinutes(10);

    readonly ConcurrentDictionary<string, Destination> _byKey = new(StringComparer.Ordinal);

    /// <summary>Completes at once when the answer is in the DNS cache.</summary>
    public ValueTask<DestinationAnswer> FindAsync(string domain, CancellationToken cancel)
    {
        if (RouteOf(domain) is { } route)
            return new(new DestinationAnswer.Known(Known(domain, route)));
        if (!Domain.TryParseHostName(domain, out var parsed))
            return new(new DestinationAnswer.Undeliverable("5.1.2", $"{domain} is not a domain"));

        var lookup = mx.FindAsync(parsed, cancel);
        return lookup.IsCompletedSuccessfully ? new(Read(domain, lookup.GetAwaiter().GetResult())) : ReadAsync(domain, lookup);
    }

    /// <summary>Does something that waits for DNS; a stop of the node waits for it.</summary>
    public void Run(Func<Task> work) => services.Run(work);

    /// <summary>Gives back what no connection has begun; a stop of the node waits for it.</summary>
    public void GiveBack()
    {
        foreach (var destination in _byKey.Values)
            services.Run(destination.GiveBackAsync);
    }

    public IReadOnlyList<DestinationView> View() => [.. _byKey.Values.Select(destination => destination.View())];

    /// <summary>Drops destinations nobody has used for a while, so that memory follows the traffic, not its history.</summary>
    public void Forget()
    {
        foreach (var (key, destination) in _byKey)
        {
            if (destination.IsForgettable(Remembered))
                _byKey.TryRemove(KeyValuePair.Create(key, destination));
        }
    }

    Site.Route? RouteOf(string domain) =>
        services.Options.Routes.TryGetValue(domain, out var host) || services.Options.Routes.TryGetValue("*", out host)
            ? new Site.Route(host)
            : null;

    async ValueTask<DestinationAnswer> ReadAsync(string domain, ValueTask<MxAnswer> lookup) => Read(domain, await lookup);

    DestinationAnswer Read(string domain, MxAnswer answer) => answer switch
    {
        MxAnswer.Hosts hosts => new DestinationAnswer.Known(Known(domain, new Site.Mx(hosts))),
        MxAnswer.NullMx => new DestinationAnswer.Undeliverable("5.1.10", $"{domain} takes no mail (null MX, RFC 7505)"),
        MxAnswer.NoSuchDomain => new DestinationAnswer.Undeliverable("5.1.2", $"{domain} does not exist (NXDOMAIN)"),
        MxAnswer.NoMailHost => new DestinationAnswer.Undeliverable("5.1.2", $"{domain} has neither MX nor address records"),
        MxAnswer.Unusable unusable => new DestinationAnswer.Undeliverable(unusable.IsLoop ? "5.4.6" : "5.4.4", unusable.Detail),
        MxAnswer.TemporaryFailure failure => new DestinationAnswer.Known(Known(domain, new Site.Unresolved(domain, failure.Detail))),
        _ => throw new InvalidOperationException($"{answer} is not an MX answer."),
    };

    Destination Known(string domain, Site site)
    {
        // A domain that the operator has limited is a destination of its own: its limits are not those of others at the same hosts.
        var key = services.Rules.Separates(domain) ? $"{domain}@{site.Key}" : site.Key;
        var destination = _byKey.GetOrAdd(
            key, static (key, arg) => new Destination(key, arg.site, arg.services.Rules.For(arg.domain, arg.site), arg.services),
            (domain, site, services));
        destination.Site = site;
        destination.NoteDomain(domain);
        return destination;
    }
}

abstract record DestinationAnswer
{
    DestinationAnswer() { }

    public sealed record Known(Destination Destination) : DestinationAnswer;

    /// <summary>DNS says for good that there is nobody to take the mail.</summary>
    public sealed record Undeliverable(string Status, string Detail) : DestinationAnswer
    {
        public Verdict Verdict => Status is "5.4.4" or "5.4.6"
            ? new Verdict.Blocked(Detail, Status, BounceCategory.Network)
            : new Verdict.Bounced(BounceKind.Hard, Detail, Status, BounceCategory.NoSuchDomain);
    }
}
