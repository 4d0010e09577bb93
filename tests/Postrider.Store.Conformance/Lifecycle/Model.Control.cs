using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Engine.Reports;

namespace Postrider.Store.Conformance.Lifecycle;

// What comes from outside: cancels, retries and fails, late answers, reports.
sealed partial class Model
{
    async Task ControlAsync(Step.Control step)
    {
        if (_messages.Count == 0)
            return;
        var message = _messages[step.Pick % _messages.Count];
        var givenUp = step.AsHolder ? message.Generation : (int?)null;
        var write = new ControlWrite(tenant, message.Id, step.Action, store.Now, new EventId(store.Ids.Next())) { GivenUp = givenUp };
        var rule = ControlRules.Of(step.Action, message.Shown, message.Retries > 0);
        var takes = rule == ControlRule.Taken || (rule == ControlRule.AsksHolder && step.AsHolder);
        // Whoever has it is not mailed again.
        takes &= step.Action != ControlAction.Retry || message.Recipients.Any(state => state != RecipientState.Delivered);
        var (before, tried, generation) = (message.Shown, message.Retries > 0, message.Generation);

        var result = await store.Control.ChangeAsync(write, Cancel);

        if (!takes)
        {
            Assert.Equal(new ControlResult.Kept(before, tried), result);
            return;
        }
        Apply(step.Action, message);
        var waiting = step.Action == ControlAction.Retry ? new Backlog(_backlog, store.Now) : (Backlog?)null;
        Assert.Equal(new ControlResult.Changed(message.Shown, generation, waiting), result);
    }

    void Apply(ControlAction action, ModelMessage message)
    {
        message.Events++;
        if (action != ControlAction.Retry)
        {
            var isCancel = action == ControlAction.Cancel;
            message.CloseOpen(isCancel ? RecipientState.Cancelled : RecipientState.Failed);
            message.Status = isCancel ? MessageStatus.Cancelled : MessageStatus.Failed;
            message.IsHeld = false;
            return;
        }
        for (var i = 0; i < message.Recipients.Length; i++)
            message.Recipients[i] = message.Recipients[i] == RecipientState.Delivered ? RecipientState.Delivered : RecipientState.Open;
        message.Partly = false;
        message.Generation++;
        message.Retries++;
        message.FirstDueAt = store.Now;
        WaitAgain(message, store.Now);
    }

    async Task NoteLateAsync(Step.LateAnswer late)
    {
        if (!TryPickLease(late.Pick, out var lease, out _))
            return;
        var message = MessageOf(lease);
        var recipient = late.Recipient % message.Recipients.Length;
        var takes = message.Status == MessageStatus.Failed && message.Generation == lease.Generation;

        var answer = sample.Event(late.Accepted ? EventType.Delivered : EventType.Bounce, recipient);
        Assert.Equal(takes, await store.Control.NoteLateAsync(lease, answer, Cancel));

        if (!takes)
            return;
        message.Events++;
        if (late.Accepted)
            message.Recipients[recipient] = RecipientState.Delivered;
    }

    async Task ReportAsync(Step.Report step)
    {
        if (_messages.Count == 0)
            return;
        var message = _messages[step.Pick % _messages.Count];
        var report = new RecipientReport(
            message.Id, step.Recipient, step.Type, new EventData { Source = "dsn" },
            ReportCause.Of(step.Type, step.Recipient, $"{step.Cause}"));

        var expected = Expected(message, step);
        Assert.Equal(expected, await store.RecipientReports.RecordAsync(tenant, report, store.Now, Cancel));

        if (expected != ReportResult.Recorded)
            return;
        message.Events++;
        message.Reports.Add((step.Type, step.Recipient, step.Cause));
        if (step.Type != EventType.Bounce || message.Recipients[step.Recipient] != RecipientState.Delivered)
            return;
        message.Recipients[step.Recipient] = RecipientState.Bounced;
        if (message.Status == MessageStatus.Delivered)
            message.Status = message.RolledUp;
    }

    static ReportResult Expected(ModelMessage message, Step.Report step)
    {
        if (message.Status == MessageStatus.Sandbox || step.Recipient >= message.Recipients.Length)
            return ReportResult.WithoutEffect;
        if (message.Reports.Contains((step.Type, step.Recipient, step.Cause)))
            return ReportResult.Repeated;
        var state = message.Recipients[step.Recipient];
        var isOpenOrDelivered = state is RecipientState.Open or RecipientState.Delivered;
        return step.Type switch
        {
            EventType.SpamReport => ReportResult.Recorded,
            EventType.Deferred => isOpenOrDelivered ? ReportResult.Recorded : ReportResult.WithoutEffect,
            _ when isOpenOrDelivered && message.IsLeased => ReportResult.Busy,
            _ => state == RecipientState.Bounced ? ReportResult.WithoutEffect : ReportResult.Recorded,
        };
    }
}
