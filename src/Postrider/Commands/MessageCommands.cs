using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Postrider.Engine.Messages;

namespace Postrider.Commands;

/// <summary><c>postrider message show ID</c>: what a message is, and its timeline with every attempt's replies.</summary>
static class MessageCommands
{
    static readonly Argument<string> Id = new("ID") { Description = "msg_…, as any dialect prints it, or a UUID" };
    static readonly Option<bool> Json = new("--json") { Description = "Print JSON" };

    public static Command Create()
    {
        var show = new Command("show", "Show a message and its timeline.") { Id, Json };
        show.DoesWithStore(ShowAsync);
        return new Command("message", "Messages.") { show };
    }

    static async Task<int> ShowAsync(ParseResult parsed, CommandContext context, CancellationToken cancel)
    {
        if (!IdText.TryParseMessage(parsed.GetRequiredValue(Id), out var id)
            || await context.Store.FindTenantOfAsync(id, cancel) is not { } tenant
            || await context.Store.FindAsync(tenant, id, cancel) is not { } view)
            return await CommandLine.RefuseAsync($"There is no message {parsed.GetValue(Id)}.");

        var shown = ShownMessage.Of(view);
        await Console.Out.WriteLineAsync(
            parsed.GetValue(Json) ? JsonSerializer.Serialize(shown, ShownJson.Default.ShownMessage) : AsText(shown));
        return ExitCode.Done;
    }

    static string AsText(ShownMessage shown)
    {
        var lines = new List<string>
        {
            $"{shown.Id}  {shown.Status}",
            $"  from     {shown.From}",
            $"  subject  {shown.Subject}",
            $"  queued   {shown.QueuedAt:o}, retries {shown.RetryCount}{(shown.NextRetryAt is { } next ? $", next attempt {next:o}" : "")}",
        };
        if (shown.Error is { } error)
            lines.Add($"  error    {error}");
        lines.AddRange(shown.Recipients.Select(recipient =>
            $"  {recipient.Kind,-8} {recipient.Address}: {recipient.State}{(recipient.LastReply is { } reply ? $": {reply}" : "")}"));
        foreach (var entry in shown.Timeline)
        {
            lines.Add($"  {entry.At:o}  {entry.Type,-10} {entry.Recipient}{(entry.MxHost is { } host ? $"  {host}" : "")}");
            lines.AddRange(entry.Replies.Select(reply => string.Create(CultureInfo.InvariantCulture, $"      {reply}")));
        }
        return string.Join(Environment.NewLine, lines);
    }
}

sealed record ShownMessage(
    string Id, string Status, string From, string Subject, DateTimeOffset QueuedAt, int RetryCount, DateTimeOffset? NextRetryAt,
    string? Error,
    IReadOnlyList<ShownRecipient> Recipients, IReadOnlyList<ShownEvent> Timeline)
{
    public static ShownMessage Of(MessageView view)
    {
        var recipients = view.Message.Recipients;
        return new ShownMessage(
            $"msg_{view.Message.Id}", Word(view.Status), view.Message.From.ToString(), view.Message.Subject, view.QueuedAt, view.RetryCount,
            view.NextRetryAt, view.ErrorMessage,
            [.. recipients.Select(recipient => new ShownRecipient(
                Word(recipient.Kind), recipient.Address.Mailbox.ToString(), Word(recipient.State), recipient.LastReply))],
            [.. view.Events.Select(entry => new ShownEvent(
                entry.At, Word(entry.Type), recipients[entry.Recipient].Address.Mailbox.ToString(), entry.Data?.MxHost,
                entry.Data?.AttemptRecord?.Replies ?? (entry.Data?.SmtpResponse is { } reply ? [reply] : []),
                entry.Data?.Uncertain ?? false))]);
    }

    static string Word<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();
}

sealed record ShownRecipient(string Kind, string Address, string State, string? LastReply);

/// <param name="Replies">Each of the attempt's replies with its stage; the last reply alone where no attempt was made.</param>
sealed record ShownEvent(
    DateTimeOffset At, string Type, string Recipient, string? MxHost, IReadOnlyList<string> Replies, bool Uncertain);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(ShownMessage))]
sealed partial class ShownJson : JsonSerializerContext;
