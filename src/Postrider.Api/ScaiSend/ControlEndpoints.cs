using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Engine.Suppressions;
using Postrider.Engine.Tenants;

namespace Postrider.Api.ScaiSend;

/// <summary><c>POST /v3/messages/{id}/cancel</c>, <c>/retry</c> and <c>/fail</c>: contracts/scaisend.md §3.3, §4.3, §4.4.</summary>
sealed class ControlEndpoints(MessageControl control, IMessageReader messages, ISuppressionStore suppressions, ScaiSendOptions options)
{
    /// <summary>Of a reason, in characters: contracts/scaisend.md §3.3.</summary>
    const int MaxReason = 1_000;

    public async Task CancelAsync(HttpContext context, Credential credential)
    {
        if (await AdmitAsync(context, credential, ControlAction.Cancel) is not { } id)
            return;
        switch (await control.CancelAsync(credential.Tenant.Id, id, context.RequestAborted))
        {
            case ControlOutcome.Done done:
                Answer(context, StatusCodes.Status200OK, id, done.Status, "Cancelled before delivery");
                break;
            case ControlOutcome.Refused refused:
                RefuseCancel(context, id, refused.Status);
                break;
            default:
                RefuseUnknown(context);
                break;
        }
    }

    public async Task RetryAsync(HttpContext context, Credential credential)
    {
        if (await AdmitAsync(context, credential, ControlAction.Retry) is not { } id)
            return;
        // Asked before, because afterwards the retry may have bounced already.
        var warning = await IsBouncingAsync(context, credential, id) ? "Recipient is on the bounce list" : null;
        switch (await control.RetryAsync(credential.Tenant.Id, id, context.RequestAborted))
        {
            case ControlOutcome.Done done:
                Answer(context, StatusCodes.Status200OK, id, done.Status, "Re-queued for delivery", warning);
                break;
            case ControlOutcome.InProgress underWay:
                Answer(context, StatusCodes.Status409Conflict, id, underWay.Status, await HasArrivedAsync(context, credential, id)
                    ? "Already delivered; retry ignored" : "Delivery attempt in progress; retry ignored");
                break;
            case ControlOutcome.Refused refused:
                RefuseState(context, ControlAction.Retry, refused.Status);
                break;
            default:
                RefuseUnknown(context);
                break;
        }
    }

    public async Task FailAsync(HttpContext context, Credential credential)
    {
        if (await AdmitAsync(context, credential, ControlAction.Fail) is not { } id)
            return;
        if (await JsonBody.ReadAsync(context, ControlBodies.Default.FailBody, ifEmpty: FailBody.Empty) is not { } body)
            return;
        if (body.Reason?.Length > MaxReason)
        {
            ScaiSendErrors.Write(context.Response, ErrorShape.Detail, QueryFault.InBody(
                "reason", $"The value must be at most {MaxReason} characters long", "string_too_long"));
            return;
        }
        var reason = string.IsNullOrWhiteSpace(body.Reason) ? null : body.Reason;
        switch (await control.FailAsync(credential.Tenant.Id, id, reason, context.RequestAborted))
        {
            case ControlOutcome.Done done:
                Answer(context, StatusCodes.Status200OK, id, done.Status, "Marked as failed");
                break;
            case ControlOutcome.Refused refused:
                RefuseState(context, ControlAction.Fail, refused.Status);
                break;
            default:
                RefuseUnknown(context);
                break;
        }
    }

    /// <summary>
    /// It is retried all the same, and bounces again unless its address is taken off the list (contracts/scaisend.md §12, L11).
    /// </summary>
    async Task<bool> IsBouncingAsync(HttpContext context, Credential credential, MessageId id)
    {
        if (await messages.FindAsync(credential.Tenant.Id, id, context.RequestAborted) is not { } message)
            return false;
        var retried = message.Message.Recipients.Where(recipient => recipient.State != RecipientState.Delivered);
        var blocking = await suppressions.FindBlockingAsync(
            credential.Tenant.Id, [.. retried.Select(recipient => recipient.Address.Mailbox.Key).Distinct()], context.RequestAborted);
        return blocking.Any(row => row.List == SuppressionList.Bounces);
    }

    /// <summary>Everybody has it: the answer was acceptance, waited for by the retry or come after a fail by hand.</summary>
    async Task<bool> HasArrivedAsync(HttpContext context, Credential credential, MessageId id) =>
        await messages.FindAsync(credential.Tenant.Id, id, context.RequestAborted) is { } message
        && message.Message.Recipients.All(recipient => recipient.State == RecipientState.Delivered);

    /// <summary>
    /// A test key changes nothing of a live message (§1.1); and what it may act on, sandbox, is in a status that refuses all three.
    /// </summary>
    /// <returns>Null when it was refused and answered.</returns>
    async ValueTask<MessageId?> AdmitAsync(HttpContext context, Credential credential, ControlAction action)
    {
        if (!ScaiSendIds.TryParse((string)context.GetRouteValue("id")!, out MessageId id))
        {
            RefuseUnknown(context);
            return null;
        }
        if (!credential.Key.Test)
            return id;

        if (await messages.FindAsync(credential.Tenant.Id, id, context.RequestAborted) is not { } message)
            RefuseUnknown(context);
        else if (!message.Message.Sandbox)
            Refuse(context, StatusCodes.Status403Forbidden, "A test key may not change a live message");
        else if (action == ControlAction.Cancel)
            RefuseCancel(context, id, message.Status);
        else
            RefuseState(context, action, message.Status);
        return null;
    }

    void RefuseCancel(HttpContext context, MessageId id, MessageStatus status) => Answer(
        context, options.CancelConflictStatus, id, status,
        status is MessageStatus.Sending or MessageStatus.Sent
            ? "Already in flight; cancellation ignored"
            : $"Already {ScaiSendWords.Of(status)}; cancellation ignored");

    static void RefuseState(HttpContext context, ControlAction action, MessageStatus status) => Refuse(
        context, StatusCodes.Status400BadRequest,
        $"Cannot {(action == ControlAction.Retry ? "retry" : "fail")} a message in status '{ScaiSendWords.Of(status)}'");

    static void RefuseUnknown(HttpContext context) =>
        Refuse(context, StatusCodes.Status404NotFound, $"Message not found: {context.GetRouteValue("id")}");

    static void Refuse(HttpContext context, int status, string message) =>
        ScaiSendErrors.Write(context.Response, ErrorShape.Detail, status, message);

    static void Answer(HttpContext context, int code, MessageId id, MessageStatus status, string message, string? warning = null) =>
        JsonAnswer.Write(context.Response, code, (id, status, message, warning), static (json, answer) =>
        {
            json.WriteStartObject();
            json.WriteString("message_id"u8, ScaiSendIds.Format(answer.id));
            json.WriteString("status"u8, ScaiSendWords.Of(answer.status));
            json.WriteString("message"u8, answer.message);
            if (answer.warning is not null)
                json.WriteString("warning"u8, answer.warning);
            json.WriteEndObject();
        });
}
