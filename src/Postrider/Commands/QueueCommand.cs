using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Postrider.Engine.Queue;

namespace Postrider.Commands;

/// <summary><c>postrider queue</c>: what waits, for which domain, since when, and what was last said about it.</summary>
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
        var rows = new List<QueueRow>();
        IReadOnlyList<BacklogView> page;
        BacklogKey? after = null;
        do
        {
            page = await context.Store.DescribeBacklogsAsync(after, Page, cancel);
            foreach (var view in page)
            {
                var tenant = await context.Store.FindTenantAsync(view.Backlog.Key.Tenant, cancel);
                rows.Add(new QueueRow(
                    tenant?.Name ?? view.Backlog.Key.Tenant.ToString(),
                    view.Backlog.Key.Domain.Length > 0 ? view.Backlog.Key.Domain : "(several domains)",
                    view.Waiting, view.Backlog.NextDueAt, view.LastReply));
            }
            after = page.Count > 0 ? page[^1].Backlog.Key : null;
        }
        while (page.Count == Page);

        var summary = await context.Store.SummaryAsync(TimeProvider.System.GetUtcNow(), cancel);
        var shown = new ShownQueue(summary.Live, summary.Leased, summary.Overdue, rows);
        await Console.Out.WriteLineAsync(parsed.GetValue(Json) ? JsonSerializer.Serialize(shown, QueueJson.Default.ShownQueue) : AsText(shown));
        return ExitCode.Done;
    }

    static string AsText(ShownQueue queue)
    {
        var lines = new List<string>
        {
            string.Create(CultureInfo.InvariantCulture, $"{queue.Live} live messages, {queue.Leased} being worked on, {queue.Overdue} overdue"),
        };
        lines.AddRange(queue.Waiting.Select(row => string.Create(
            CultureInfo.InvariantCulture,
            $"{row.Messages,9}  {row.Domain,-40} {row.Tenant,-20} next due {row.NextDueAt:yyyy-MM-ddTHH:mm:ssZ}  {row.LastReply ?? "not tried yet"}")));
        return string.Join(Environment.NewLine, lines);
    }
}

sealed record ShownQueue(long Live, long Leased, long Overdue, IReadOnlyList<QueueRow> Waiting);

sealed record QueueRow(string Tenant, string Domain, long Messages, DateTimeOffset NextDueAt, string? LastReply);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(ShownQueue))]
sealed partial class QueueJson : JsonSerializerContext;
