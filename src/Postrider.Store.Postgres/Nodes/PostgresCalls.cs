using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Postrider.Engine.Control;
using Postrider.Engine.Messages;

namespace Postrider.Store.Postgres.Nodes;

/// <summary>Lets a node ask the others for the retry of a message that one of them attempts, and tell them what was failed.</summary>
/// <remarks>
/// One line a call, answered by every node: <c>none</c>, or to a retry <c>mine</c> and then what it came to. An answer that is lost, or of
/// a node too new to be counted, leaves the asker with a refusal while the retry may have been done; it shows in the message's status. What
/// the asker then writes itself has the same id of its event, so that it is never done twice.
/// </remarks>
public sealed class PostgresCalls : IOtherNodes
{
    const string Topic = "postrider_control";

    /// <summary>
    /// For a node to say whether it attempts a message: a hundred times what a notification takes on an idle machine. A guess.
    /// </summary>
    static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(1);

    readonly NodeChannel _channel;
    readonly Func<int> _liveNodes;
    readonly IdGenerator _ids;
    readonly ILogger _log;
    readonly TimeSpan _patience;
    readonly ConcurrentDictionary<Guid, Question> _questions = new();
    MessageControl? _control;

    /// <param name="channel">Not started yet.</param>
    /// <param name="liveNodes">How many nodes there are, this one among them.</param>
    public PostgresCalls(NodeChannel channel, Func<int> liveNodes, ControlOptions options, IdGenerator ids, ILogger? log)
    {
        (_channel, _liveNodes, _patience) = (channel, liveNodes, options.AnswerPatience + AnswerTime);
        (_ids, _log) = (ids, log ?? NullLogger.Instance);
        channel.Hear(Topic, lines =>
        {
            foreach (var line in lines)
                Read(line.Split(' '));
        });
    }

    /// <summary>From now on this node's attempts can be asked for.</summary>
    public void Answer(MessageControl control) => _control = control;

    public Task<ControlOutcome?> RetryAsync(ControlWrite write, CancellationToken cancel)
    {
        var call = write.Event.Value;
        return AskAsync(call, Text($"retry {call:N} {write.Tenant.Value:N} {write.Message.Value:N} {write.At.UtcTicks}"), cancel);
    }

    public Task VoidAsync(TenantId tenant, MessageId message, int generation)
    {
        var call = _ids.Next();
        return AskAsync(call, Text($"void {call:N} {tenant.Value:N} {message.Value:N} {generation}"), CancellationToken.None);
    }

    /// <returns>What the node that attempts the message has come to; null when all have said that they do not, or nothing.</returns>
    async Task<ControlOutcome?> AskAsync(Guid call, string line, CancellationToken cancel)
    {
        var others = _liveNodes() - 1;
        if (others <= 0)
            return null;

        var question = _questions[call] = new Question(others);
        try
        {
            if (!await TrySayAsync(line, cancel)
                || !await CompletesAsync(question.Holder, AnswerTime, cancel) || !await question.Holder)
                return null;
            return await CompletesAsync(question.Outcome, _patience, cancel)
                ? await question.Outcome
                : new ControlOutcome.InProgress(MessageStatus.Sending);
        }
        finally
        {
            _questions.TryRemove(call, out _);
        }
    }

    /// <summary>What is not understood, as from a newer node, is passed over.</summary>
    void Read(string[] words)
    {
        switch (words)
        {
            case ["retry", var call, var tenant, var message, var at]
                when TryRead(call, out var id) && TryRead(tenant, out var owner) && TryRead(message, out var asked)
                && TryReadTime(at, out var time):
                _ = AnswerAsync(new ControlWrite(
                    new TenantId(owner), new MessageId(asked), ControlAction.Retry, time, new Engine.Messages.EventId(id)));
                break;
            case ["none", var call] when TryFind(call, out var question):
                question.NoteNone();
                break;
            case ["mine", var call] when TryFind(call, out var question):
                question.NoteHolder();
                break;
            case ["came", var call, var outcome, var status] when TryFind(call, out var question):
                question.NoteOutcome(OutcomeOf(outcome, status));
                break;
            case ["void", var call, var tenant, var message, var generation]
                when TryRead(call, out var id) && TryRead(tenant, out var owner) && TryRead(message, out var failed)
                && int.TryParse(generation, NumberStyles.None, CultureInfo.InvariantCulture, out var last):
                _control?.Void(new TenantId(owner), new MessageId(failed), last);
                _ = TrySayAsync(Text($"none {id:N}"), CancellationToken.None);
                break;
        }
    }

    async Task AnswerAsync(ControlWrite write)
    {
        var call = write.Event.Value;
        if (_control?.RetryIfAttempted(write) is not { } retry)
        {
            await TrySayAsync(Text($"none {call:N}"), CancellationToken.None);
            return;
        }
        await TrySayAsync(Text($"mine {call:N}"), CancellationToken.None);
        try
        {
            var (outcome, status) = Words(await retry);
            await TrySayAsync(Text($"came {call:N} {outcome} {(int)status}"), CancellationToken.None);
        }
        catch (Exception e)
        {
            _log.CallNotAnswered(e);      // the asker's patience ends
        }
    }

    /// <returns>False when nobody hears it, as far as is known.</returns>
    async Task<bool> TrySayAsync(string text, CancellationToken cancel)
    {
        try
        {
            await _channel.SayAsync(Topic, text, cancel);
            return true;
        }
        catch (Exception e) when (!cancel.IsCancellationRequested)
        {
            _log.CallNotAnswered(e);
            return false;
        }
    }

    async Task<bool> CompletesAsync(Task task, TimeSpan patience, CancellationToken cancel)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        await Task.WhenAny(task, Task.Delay(patience, _channel.Time, enough.Token));
        await enough.CancelAsync();
        cancel.ThrowIfCancellationRequested();
        return task.IsCompleted;
    }

    bool TryFind(string call, out Question question)
    {
        question = null!;
        return TryRead(call, out var id) && _questions.TryGetValue(id, out question!);
    }

    static (string, MessageStatus) Words(ControlOutcome outcome) => outcome switch
    {
        ControlOutcome.Done done => ("done", done.Status),
        ControlOutcome.InProgress inProgress => ("in-progress", inProgress.Status),
        ControlOutcome.Refused refused => ("refused", refused.Status),
        _ => ("not-found", default),
    };

    static ControlOutcome OutcomeOf(string outcome, string status)
    {
        var read = int.TryParse(status, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number < MessageStatuses.Count
            ? (MessageStatus)number
            : MessageStatus.Sending;
        return outcome switch
        {
            "done" => new ControlOutcome.Done(read),
            "refused" => new ControlOutcome.Refused(read),
            "not-found" => ControlOutcome.NotFound.Instance,
            _ => new ControlOutcome.InProgress(read),
        };
    }

    static bool TryRead(string word, out Guid id) => Guid.TryParseExact(word, "N", out id);

    static bool TryReadTime(string word, out DateTimeOffset at)
    {
        var isTime = long.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var ticks)
            && ticks <= DateTimeOffset.MaxValue.Ticks;
        at = isTime ? new DateTimeOffset(ticks, TimeSpan.Zero) : default;
        return isTime;
    }

    static string Text(FormattableString line) => FormattableString.Invariant(line);

    /// <summary>One call that others are to answer.</summary>
    sealed class Question(int others)
    {
        readonly TaskCompletionSource<bool> _holder = new(TaskCreationOptions.RunContinuationsAsynchronously);
        readonly TaskCompletionSource<ControlOutcome> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int _silent = others;

        /// <summary>Whether any node attempts the message: known once one says so, or all have said that they do not.</summary>
        public Task<bool> Holder => _holder.Task;

        public Task<ControlOutcome> Outcome => _outcome.Task;

        public void NoteHolder() => _holder.TrySetResult(true);

        public void NoteNone()
        {
            if (Interlocked.Decrement(ref _silent) == 0)
                _holder.TrySetResult(false);
        }

        public void NoteOutcome(ControlOutcome outcome) => _outcome.TrySetResult(outcome);
    }
}
