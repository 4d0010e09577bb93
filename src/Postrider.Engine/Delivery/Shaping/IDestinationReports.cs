using System.Text.Json;
using System.Text.Json.Serialization;
using Postrider.Engine.Messages;

namespace Postrider.Engine.Delivery.Shaping;

/// <summary>
/// What each node says of its destinations, for commands in other processes: one small row a node, written over every few seconds. Losing
/// it loses nothing but the view.
/// </summary>
public interface IDestinationReports
{
    /// <summary>
    /// Replaces the node's report, and drops reports of nodes that have said nothing since <paramref name="forgetBefore"/>.
    /// </summary>
    Task PublishAsync(NodeReport report, DateTimeOffset forgetBefore, CancellationToken cancel);

    /// <summary>The node stops.</summary>
    Task WithdrawAsync(NodeId node, CancellationToken cancel);

    /// <summary>Reports made since <paramref name="since"/>, by node: those of nodes that live.</summary>
    Task<IReadOnlyList<NodeReport>> ReportsAsync(DateTimeOffset since, CancellationToken cancel);
}

/// <param name="Destinations">Those that some limit binds; at most <see cref="MostDestinations"/>.</param>
public sealed record NodeReport(NodeId Node, DateTimeOffset At, IReadOnlyList<DestinationView> Destinations)
{
    public const int MostDestinations = 500;

    /// <summary>The destinations as the stores keep them.</summary>
    public string Encode() => JsonSerializer.Serialize(Destinations, NodeReportJson.Default.IReadOnlyListDestinationView);

    /// <returns>Without destinations when another version wrote them in a way that cannot be read.</returns>
    public static NodeReport Decode(NodeId node, DateTimeOffset at, string destinations)
    {
        try
        {
            return new NodeReport(
                node, at, JsonSerializer.Deserialize(destinations, NodeReportJson.Default.IReadOnlyListDestinationView) ?? []);
        }
        catch (JsonException)
        {
            return new NodeReport(node, at, []);
        }
    }
}

[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(IReadOnlyList<DestinationView>))]
sealed partial class NodeReportJson : JsonSerializerContext;
