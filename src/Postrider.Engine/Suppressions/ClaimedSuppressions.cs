using Postrider.Engine.Delivery;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;

namespace Postrider.Engine.Suppressions;

/// <summary>
/// The suppressions of one claim's messages, looked up together when the first of them is composed: one statement a claim, and nothing is
/// remembered beyond it, so that a row committed before a release holds for it on every node.
/// </summary>
sealed class ClaimedSuppressions
{
    readonly Lazy<Task<Dictionary<string, List<Suppression>>?>> _rows;

    /// <param name="messages">Of one tenant, as a claim's are.</param>
    public ClaimedSuppressions(ISuppressionStore store, IReadOnlyList<LeasedMessage> messages) =>
        _rows = new(() => FindAsync(store, messages));

    /// <summary>The open recipients that are not to be mailed, with what that means for them.</summary>
    /// <exception cref="StoreUnavailableException">The store is away; nothing was decided.</exception>
    public async ValueTask<IReadOnlyList<(int Ordinal, Verdict Verdict)>> JudgeAsync(StoredMessage message)
    {
        if (message.Settings.Bypass.HasFlag(Bypass.All) || await _rows.Value is not { } rows)
            return [];
        var judged = new List<(int, Verdict)>();
        for (var ordinal = 0; ordinal < message.Recipients.Count; ordinal++)
        {
            var recipient = message.Recipients[ordinal];
            if (recipient.State == RecipientState.Open && rows.TryGetValue(recipient.Address.Mailbox.Key, out var found)
                && SuppressionRules.Judge(message, recipient, found) is { } verdict)
                judged.Add((ordinal, verdict));
        }
        return judged;
    }

    /// <returns>Null when there are none, as nearly always.</returns>
    static async Task<Dictionary<string, List<Suppression>>?> FindAsync(ISuppressionStore store, IReadOnlyList<LeasedMessage> messages)
    {
        var keys = new HashSet<string>(messages.Count, StringComparer.Ordinal);
        foreach (var leased in messages)
        {
            if (leased.Message.Settings.Bypass.HasFlag(Bypass.All))
                continue;
            foreach (var recipient in leased.Message.Recipients)
            {
                if (recipient.State == RecipientState.Open)
                    keys.Add(recipient.Address.Mailbox.Key);
            }
        }
        if (keys.Count == 0)
            return null;
        var found = await store.FindBlockingAsync(messages[0].Message.Tenant, keys, CancellationToken.None);
        if (found.Count == 0)
            return null;
        var rows = new Dictionary<string, List<Suppression>>(StringComparer.Ordinal);
        foreach (var row in found)
        {
            if (!rows.TryGetValue(row.Address.Key, out var ofAddress))
                rows.Add(row.Address.Key, ofAddress = []);
            ofAddress.Add(row);
        }
        return rows;
    }
}
