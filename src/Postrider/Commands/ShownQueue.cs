using System.Text.Json.Serialization;
using Postrider.Engine.Delivery.Shaping;
using Postrider.Engine.Queue;
using Postrider.Operations;

namespace Postrider.Commands;

/// <summary>
/// What <c>postrider queue</c> shows: the store's backlogs, joined with what the serving nodes say of their destinations.
/// </summary>
/// <param name="Servers">Nodes that have said something lately; with 0 nothing is known but what the store holds.</param>
sealed record ShownQueue(
    long Live, long Leased, long Overdue, int Servers, IReadOnlyList<ShownDestination> Destinations, IReadOnlyList<ShownBacklog> Waiting)
{
    public static ShownQueue Of(
        QueueSummary summary, IReadOnlyList<(BacklogView View, string Tenant)> backlogs, IReadOnlyList<NodeReport> reports,
        DateTimeOffset now)
    {
        var views = reports.SelectMany(report => report.Destinations).ToLookup(view => view.Key);
        var siteOf = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var view in views.SelectMany(site => site))
        {
            foreach (var domain in view.Domains)
                siteOf.TryAdd(domain, view.Key);
        }
        var rows = backlogs.Select(backlog => ShownBacklog.Of(
            backlog.View, backlog.Tenant, siteOf.GetValueOrDefault(backlog.View.Backlog.Key.Domain))).ToArray();
        var waiting = rows.ToLookup(row => row.Destination);
        var destinations = waiting.Select(site => site.Key).Union(views.Select(site => site.Key))
            .Select(site => ShownDestination.Of(site, [.. waiting[site]], [.. views[site]], reports.Count > 0, now))
            .OrderByDescending(site => site.Messages).ThenBy(site => site.Destination, StringComparer.Ordinal);
        return new ShownQueue(summary.Live, summary.Leased, summary.Overdue, reports.Count, [.. destinations], rows);
    }
}

/// <param name="Destination">MX hosts, where a serving node says that a limit binds them; else the recipient domain.</param>
/// <param name="Messages">That wait in the store.</param>
/// <param name="WaitingSince">When the oldest of them was accepted.</param>
/// <param name="NextAttempt">When one of them is tried at the earliest; null when that is as soon as the limit allows.</param>
/// <param name="Limit">A word of <see cref="LimitWords"/>, or <c>schedule</c>: nothing is due; or <c>no server</c>: nobody
/// delivers.</param>
/// <param name="Held">That the nodes hold, waiting for a connection or being sent.</param>
sealed record ShownDestination(
    string Destination, IReadOnlyList<string> Domains, long Messages, DateTimeOffset? WaitingSince, DateTimeOffset? NextAttempt,
    string? LastReply,
    string Limit, string? Reason, int Held, int Connections)
{
    /// <summary>Of several nodes, the one is shown that the strictest limit binds: the last of these.</summary>
    static readonly BindingLimit[] Strictness =
        [BindingLimit.None, BindingLimit.Room, BindingLimit.Concurrency, BindingLimit.Rate, BindingLimit.Dns, BindingLimit.BackOff];

    public static ShownDestination Of(
        string destination, ShownBacklog[] backlogs, DestinationView[] views, bool isServed, DateTimeOffset now)
    {
        var binding = views.MaxBy(view => (Array.IndexOf(Strictness, view.Binds), view.Until));
        var due = backlogs.Length > 0 ? backlogs.Min(row => row.NextDueAt) : (DateTimeOffset?)null;
        // A limit that holds back nothing that is due is not what it waits for.
        var limit = due > now && !(binding?.Until > due) ? "schedule"
            : binding is not null ? LimitWords.Of(binding.Binds)
            : isServed ? LimitWords.Of(BindingLimit.None)
            : "no server";
        var next = binding?.Until > due ? binding.Until : due;
        return new ShownDestination(
            destination,
            [.. backlogs.Select(row => row.Domain).Concat(views.SelectMany(view => view.Domains)).Distinct().Order(StringComparer.Ordinal)],
            backlogs.Sum(row => row.Messages),
            backlogs.Length > 0 ? backlogs.Min(row => row.WaitingSince) : null,
            next > now ? next : null,
            views.MaxBy(view => view.LastReplyAt)?.LastReply ?? Array.Find(backlogs, row => row.LastReply is not null)?.LastReply,
            limit,
            limit == "schedule" ? null : binding?.Reason,
            views.Sum(view => view.Held),
            views.Sum(view => view.Connections));
    }
}

/// <summary>What waits for one domain on behalf of one tenant.</summary>
sealed record ShownBacklog(
    string Tenant, string Domain, long Messages, DateTimeOffset WaitingSince, DateTimeOffset NextDueAt, string? LastReply,
    string Destination)
{
    const string SeveralDomains = "(several domains)";

    public static ShownBacklog Of(BacklogView view, string tenant, string? destination)
    {
        var domain = view.Backlog.Key.Domain is { Length: > 0 } name ? name : SeveralDomains;
        return new ShownBacklog(
            tenant, domain, view.Waiting, view.Waiting > 0 ? view.Oldest.CreatedAt : view.Backlog.NextDueAt, view.Backlog.NextDueAt,
            view.LastReply,
            destination ?? domain);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(ShownQueue))]
sealed partial class QueueJson : JsonSerializerContext;
