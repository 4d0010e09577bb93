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

    readonly ILookup<string, string> _messageIds;

    Books(Dictionary<string, Message> stored, ILookup<string, string> messageIds)
    {
        (Stored, _messageIds) = (stored, messageIds);
        Arrived = messageIds.ToDictionary(copies => copies.Key, copies => copies.Count(), StringComparer.Ordinal);
    }

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
        return new Books(stored, mx.Taken.ToLookup(mail => mail.To.Single(), mail => mail.MessageId, StringComparer.Ordinal));
    }

    /// <summary>
    /// Nothing acknowledged is lost, all is settled once, and only what is marked uncertain arrived twice: promises 1, 2 and 5 of the
    /// design.
    /// </summary>
    public void AssertKept(Load load)
    {
        Assert.All(load.Acknowledged, posted => Assert.Equal(posted.Value, Stored.GetValueOrDefault(posted.Key)?.Id));
        Assert.All(Stored, stored => Assert.Equal("delivered", stored.Value.Status));
        Assert.All(Stored, stored => Assert.Single(stored.Value.EventTypes, type => type == "delivered"));
        Assert.Equal(Stored.Keys.Order(StringComparer.Ordinal), Arrived.Keys.Order(StringComparer.Ordinal));
        Assert.Empty(Stored.Keys.Except(load.Acknowledged.Keys).Except(load.Unanswered).Except(load.Refused.Keys));
        Assert.All(ArrivedTwice.Select(recipient => Stored[recipient]), message => Assert.True(message.HasUncertainEvent, message.Timeline));
        Assert.All(_messageIds, copies => Assert.Single(copies.Distinct()));
    }

    public string Summary(Load load) =>
        $"{load.Acknowledged.Count} acknowledged, {load.Unanswered.Count} unanswered, {load.Refused.Count} refused, {Stored.Count} stored, "
        + $"{ArrivedTwice.Count()} arrived twice, {Stored.Values.Count(message => message.HasUncertainEvent)} uncertain";

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
