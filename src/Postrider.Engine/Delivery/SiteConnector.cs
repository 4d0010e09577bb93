using Postrider.Engine.Bounces;
using Postrider.Mail.Dns;
using Postrider.Mail.Smtp.Client;

namespace Postrider.Engine.Delivery;

/// <summary>Opens a session with one of a site's hosts: by preference, each address once, a handful at most (RFC 5321 §5.1).</summary>
sealed class SiteConnector(SmtpConnector connector, MxLookup mx, DeliveryOptions options, TimeProvider time)
{
    static readonly TimeSpan Avoided = TimeSpan.FromMinutes(5);     // a guess: long enough to spare each connection a dead host's time-out
    const int MostAvoided = 10_000;

    readonly Dictionary<System.Net.IPEndPoint, DateTimeOffset> _avoid = [];
    readonly AddressPolicy _policy = new(options.AllowPrivateTargets);

    public async Task<SiteConnection> ConnectAsync(Site site, CancellationToken cancel)
    {
        if (site is Site.Unresolved unresolved)
            return new SiteConnection.Failed(new Verdict.Deferred(unresolved.Detail, "4.4.3"), null);

        var walk = Walk(site);
        var last = new SiteConnection.Failed(new Verdict.Deferred("no host could be tried", "4.4.1"), null);
        var tried = 0;
        List<Target> avoided = [];
        while (tried < options.AddressesTried && await walk.NextAsync(cancel) is { } target)
        {
            if (IsAvoided(target))
            {
                avoided.Add(target);
                continue;
            }
            tried++;
            switch (await TryAsync(target, cancel))
            {
                case SiteConnection.Connected connected: return connected;
                case SiteConnection.Failed failed: last = failed; break;
            }
        }
        // Hosts that failed lately are better than none.
        foreach (var target in avoided.Take(options.AddressesTried - tried))
        {
            tried++;
            switch (await TryAsync(target, cancel))
            {
                case SiteConnection.Connected connected: return connected;
                case SiteConnection.Failed failed: last = failed; break;
            }
        }
        return tried > 0 ? last : NothingToTry(walk);
    }

    TargetWalk Walk(Site site) => site switch
    {
        Site.Mx hosts => new MxTargets(mx.Walk(hosts.Hosts, _policy), options.Port),
        Site.Route route => new RouteTargets(route.Host),
        _ => throw new InvalidOperationException($"{site.Key} has no hosts."),
    };

    static SiteConnection.Failed NothingToTry(TargetWalk walk) => walk.Trouble switch
    {
        (var detail, true) => new SiteConnection.Failed(new Verdict.Deferred(detail, "4.4.3"), null),
        var (detail, _) => new SiteConnection.Failed(new Verdict.Blocked(detail, "5.4.4", BounceCategory.Network), null),
    };

    async Task<SiteConnection> TryAsync(Target target, CancellationToken cancel)
    {
        var outcome = await connector.ConnectWithFallbackAsync(new SmtpTarget(target.Name, target.EndPoint), cancel);
        if (outcome is SmtpConnectOutcome.Connected connected)
        {
            lock (_avoid) _avoid.Remove(target.EndPoint);
            return new SiteConnection.Connected(connected.Session);
        }

        var failed = (SmtpConnectOutcome.Failed)outcome;
        lock (_avoid)
        {
            if (_avoid.Count >= MostAvoided)
                _avoid.Clear();
            _avoid[target.EndPoint] = time.GetUtcNow() + Avoided;
        }
        var conversation = new Conversation(
            target.Name, target.EndPoint.ToString(), null, failed.Transcript.Select(entry => $"{entry.Stage}: {entry.Reply}").ToArray());
        var verdict = failed.Reply is { } reply
            ? options.Bounces.Judge(failed.Stage, reply)
            : new Verdict.Deferred($"{target.Name} [{target.EndPoint}]: {failed.Detail}", "4.4.1");
        return new SiteConnection.Failed(verdict, conversation);
    }

    bool IsAvoided(Target target)
    {
        lock (_avoid) return _avoid.TryGetValue(target.EndPoint, out var until) && until > time.GetUtcNow();
    }
}

abstract record SiteConnection
{
    SiteConnection() { }

    public sealed record Connected(SmtpClientSession Session) : SiteConnection;

    /// <param name="Verdict">What it means for the message that wanted the connection: of the last host tried.</param>
    public sealed record Failed(Verdict Verdict, Conversation? Conversation) : SiteConnection;
}
