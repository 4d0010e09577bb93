using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Operations;

namespace Postrider.Commands;

/// <summary>
/// <c>postrider queue</c>: for each destination what waits, since when, what was last said, when it is tried next and which limit binds.
/// </summary>
static class QueueCommand
{
    const int Page = 1_000;

    static readonly Option<bool> Json = new("--json") { Description = "Print JSON" };

    public static Command Create()
    {
        var command = new Command("queue", "What waits, for which destination, and why.") { Json };
        command.DoesWithStore(ListAsync);
        return command;
    }

    static async Task<int> ListAsync(ParseResult parsed, CommandContext context, CancellationToken cancel)
    {
        var now = TimeProvider.System.GetUtcNow();
        var shown = ShownQueue.Of(
            await context.Store.SummaryAsync(now, cancel),
            await BacklogsAsync(context, cancel),
            await context.Store.ReportsAsync(now - DestinationWatch.Lifetime, cancel),
            now);
        await Console.Out.WriteLineAsync(
            parsed.GetValue(Json) ? JsonSerializer.Serialize(shown, QueueJson.Default.ShownQueue) : AsText(shown));
        return ExitCode.Done;
    }

    static async Task<List<(BacklogView View, string Tenant)>> BacklogsAsync(CommandContext context, CancellationToken cancel)
    {
        var backlogs = new List<(BacklogView, string)>();
        var names = new Dictionary<TenantId, string>();
        IReadOnlyList<BacklogView> page;
        BacklogKey? after = null;
        do
        {
            page = await context.Store.DescribeBacklogsAsync(after, Page, cancel);
            foreach (var view in page)
            {
                var tenant = view.Backlog.Key.Tenant;
                if (!names.TryGetValue(tenant, out var name))
                    names[tenant] = name = (await context.Store.FindTenantAsync(tenant, cancel))?.Name ?? tenant.ToString();
                backlogs.Add((view, name));
            }
            after = page.Count > 0 ? page[^1].Backlog.Key : null;
        }
        while (page.Count == Page);
        return backlogs;
    }

    static string AsText(ShownQueue queue)
    {
        var lines = new List<string>
        {
            string.Create(
                CultureInfo.InvariantCulture,
                $"{queue.Live} live messages, {queue.Leased} being worked on, {queue.Overdue} overdue; {queue.Servers} servers report"),
        };
        var backlogs = queue.Waiting.ToLookup(row => row.Destination);
        foreach (var destination in queue.Destinations)
        {
            lines.Add("");
            lines.Add(destination.Destination);
            lines.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"  {destination.Messages} waiting since {Instant(destination.WaitingSince)}, "
                    + $"next attempt {Instant(destination.NextAttempt)}"));
            lines.Add($"  limit: {destination.Limit}{(destination.Reason is { } reason ? $" ({reason})" : "")}");
            lines.Add($"  last reply: {destination.LastReply ?? "not tried yet"}");
            lines.AddRange(backlogs[destination.Destination].Select(row => string.Create(
                CultureInfo.InvariantCulture, $"  {row.Messages,9}  {row.Domain,-40} {row.Tenant}")));
        }
        return string.Join(Environment.NewLine, lines);
    }

    static string Instant(DateTimeOffset? at) => at?.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture) ?? "now";
}
