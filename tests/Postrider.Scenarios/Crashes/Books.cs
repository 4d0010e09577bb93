using System.Globalization;
using System.Text.Json;
using Postrider.Scenarios.Peers;
using Postrider.Scenarios.Running;

namespace Postrider.Scenarios.Crashes;

/// <summary>What the server has stored, against what was posted and what arrived.</summary>
sealed class Books
{
    const int PageSize = 100;
    const int Readers = 4;
    const string Live = "queued,processing,rendered,sending,sent";

    Books(Dictionary<string, Message> stored, Dictionary<string, int> arrived) => (Stored, Arrived) = (stored, arrived);

    /// <summary>By recipient.</summary>
    public Dictionary<string, Message> Stored { get; }

    /// <summary>Copies that were answered with 250, by recipient.</summary>
    public Dictionary<string, int> Arrived { get; }

    public IEnumerable<string> ArrivedTwice => Arrived.Where(pair => pair.Value > 1).Select(pair => pair.Key);

    /// <summary>Opens them when nothing is under way any more.</summary>
    public static async Task<Books> CloseAsync(PostriderServer server, ScriptedMx mx)
    {
        await Eventually.SeesAsync(
            () => CountAsync(server, Live), live => live == 0, "nothing is under way", TimeSpan.FromSeconds(60));
        var ids = await AllIdsAsync(server);
        var stored = new Dictionary<string, Message>(StringComparer.Ordinal);
        foreach (var share in ids.Chunk(Readers * PageSize))
        {
            foreach (var message in await Task.WhenAll(share.Select(server.Api.MessageAsync)))
                Assert.True(stored.TryAdd(RecipientOf(message), message), $"{RecipientOf(message)} was posted once and is stored twice.");
        }
        return new Books(stored, mx.Taken.GroupBy(mail => mail.To.Single()).ToDictionary(copies => copies.Key, copies => copies.Count()));
    }

    static async Task<int> CountAsync(PostriderServer server, string status) =>
        (await server.Api.GetAsync($"/v3/messages?page_size=1&status={status}")).Body.GetProperty("total").GetInt32();

    static async Task<List<string>> AllIdsAsync(PostriderServer server)
    {
        var ids = new List<string>();
        string? cursor = null;
        do
        {
            var query = string.Create(CultureInfo.InvariantCulture, $"page_size={PageSize}{(cursor is null ? "" : $"&cursor={cursor}")}");
            var page = (await server.Api.GetAsync($"/v3/messages?{query}")).Body;
            ids.AddRange(page.GetProperty("messages").EnumerateArray().Select(message => message.GetProperty("id").GetString()!));
            cursor = page.GetProperty("next_cursor") is { ValueKind: JsonValueKind.String } next ? next.GetString() : null;
        }
        while (cursor is not null);
        return ids;
    }

    static string RecipientOf(Message message) => message.Json.GetProperty("to_emails")[0].GetString()!;
}
