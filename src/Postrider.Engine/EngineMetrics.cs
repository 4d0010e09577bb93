using System.Diagnostics.Metrics;
using Postrider.Engine.Bounces;
using Postrider.Engine.Delivery;
using Postrider.Engine.Messages;
using Postrider.Engine.Reports;

namespace Postrider.Engine;

/// <summary>The engine's instruments; names, units and meaning are in docs/operate/metrics.md.</summary>
public static class EngineMetrics
{
    public const string MeterName = "Postrider";

    static readonly Meter Meter = new(MeterName);

    static readonly Counter<long> Events = Meter.CreateCounter<long>(
        "postrider.recipient.events", "{event}", "What became of recipients, by type.");

    static readonly Counter<long> Refusals =
        Meter.CreateCounter<long>("postrider.recipient.refusals", "{refusal}", "Why recipients were refused or deferred, by category.");

    static readonly Counter<long> Reports = Meter.CreateCounter<long>(
        "postrider.inbound.reports", "{report}", "Mail to return paths and the feedback address, by what became of it.");

    static readonly KeyValuePair<string, object?>[] OutcomeTags =
        BounceWords.Of<ReportOutcome>().Select(word => KeyValuePair.Create("outcome", (object?)word)).ToArray();

    static readonly KeyValuePair<string, object?>[] CategoryTags =
        BounceCategories.Words.Select(word => KeyValuePair.Create("category", (object?)word)).ToArray();

    static readonly KeyValuePair<string, object?>[] TypeTags =
        Enumerable.Range(0, 256)
            .Select(type => KeyValuePair.Create("type", (object?)((EventType)type).ToString().ToLowerInvariant())).ToArray();

    internal static Counter<long> Accepted { get; } =
        Meter.CreateCounter<long>("postrider.messages.accepted", "{message}", "Messages stored.");

    internal static Histogram<double> TimeToSending { get; } =
        Meter.CreateHistogram<double>("postrider.message.wait", "s", "From a message's being due to its being marked sending.");

    internal static UpDownCounter<long> Leased { get; } =
        Meter.CreateUpDownCounter<long>("postrider.messages.leased", "{message}", "Messages this node holds.");

    internal static UpDownCounter<long> Connections { get; } =
        Meter.CreateUpDownCounter<long>("postrider.smtp.connections", "{connection}", "Open connections to MX hosts.");

    internal static void CountRefusal(Verdict verdict)
    {
        BounceCategory? category = verdict switch
        {
            Verdict.Bounced bounced => bounced.Category,
            Verdict.Blocked blocked => blocked.Category,
            Verdict.Deferred deferred => deferred.Category,
            _ => null,
        };
        if (category is { } known)
            Refusals.Add(1, CategoryTags[(int)known]);
    }

    internal static void Count(EventType type) => Events.Add(1, TypeTags[(int)type]);

    internal static void Count(ReportOutcome outcome) => Reports.Add(1, OutcomeTags[(int)outcome]);
}
