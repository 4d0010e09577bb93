using System.Text.Json;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Shaping;

/// <summary>What <c>postrider queue --json</c> says beside a server that runs.</summary>
static class Queues
{
    /// <summary>Asks until one destination is as awaited: the server tells of its destinations every few seconds.</summary>
    public static async Task<JsonElement> SeesAsync(PostriderServer server, Func<JsonElement, bool> isIt) =>
        (await Eventually.SeesAsync(() => DestinationsAsync(server), all => all.Any(isIt), "the queue shows it")).Single(isIt);

    static async Task<JsonElement[]> DestinationsAsync(PostriderServer server)
    {
        var queue = (await server.Installation.CommandAsync("queue", "--json")).Succeeded();
        return [.. JsonDocument.Parse(queue.Output).RootElement.GetProperty("destinations").EnumerateArray()];
    }
}
