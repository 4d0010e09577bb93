using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;

namespace Postrider.Api.ScaiSend.Batches;

/// <summary>
/// <c>POST /v3/mail/batch/{id}/cancel</c>, <c>/pause</c>, <c>/resume</c>, <c>/reschedule</c>: a whole batch in one call, an extension
/// (contracts/scaisend.md §7). 200 once all of it is done; 202 with the numbers so far when that takes longer, and it goes on by itself.
/// </summary>
sealed class BatchOrderEndpoints(BatchControl control, IBatchStore batches, TimeProvider time, ScaiSendOptions options)
{
    public Task CancelAsync(HttpContext context, Credential credential) => OrderAsync(context, credential, BatchAction.Cancel);

    public Task PauseAsync(HttpContext context, Credential credential) => OrderAsync(context, credential, BatchAction.Pause);

    public Task ResumeAsync(HttpContext context, Credential credential) => OrderAsync(context, credential, BatchAction.Resume);

    public async Task RescheduleAsync(HttpContext context, Credential credential)
    {
        if (await AdmitAsync(context, credential) is not { } batch)
            return;
        if (batch.State == BatchState.Cancelled)
        {
            Refuse(context, StatusCodes.Status409Conflict, "The batch is cancelled");
            return;
        }
        if (await JsonBody.ReadAsync(context, BatchBodies.Default.RescheduleBody, ErrorShape.Errors) is not { } body)
            return;
        var now = time.GetUtcNow();
        if (FaultOf(body.SendAt, now) is { } fault)
            ScaiSendErrors.Write(context.Response, ErrorShape.Errors, fault);
        else
        {
            // A past time means now, as on a send.
            var at = DateTimeOffset.FromUnixTimeSeconds(Math.Max(body.SendAt!.Value, 0));
            await OrderAsync(context, new BatchKey(credential.Tenant.Id, batch.Id), BatchAction.Reschedule, at > now ? at : now);
        }
    }

    QueryFault? FaultOf(long? sendAt, DateTimeOffset now)
    {
        if (sendAt is not { } seconds)
            return QueryFault.InBody("send_at", "The field is required", "missing");
        return seconds > (now + options.MaxSchedule).ToUnixTimeSeconds()
            ? QueryFault.InBody(
                "send_at", $"The time is more than {options.MaxSchedule.Days} days ahead; it is given in seconds, not milliseconds",
                "less_than_equal")
            : null;
    }

    async Task OrderAsync(HttpContext context, Credential credential, BatchAction action)
    {
        if (await AdmitAsync(context, credential) is { } batch)
            await OrderAsync(context, new BatchKey(credential.Tenant.Id, batch.Id), action, null);
    }

    async Task OrderAsync(HttpContext context, BatchKey key, BatchAction action, DateTimeOffset? dueAt)
    {
        if (await control.OrderAsync(key, action, dueAt, context.RequestAborted) is not { Order: { } order } batch)
        {
            RefuseUnknown(context);
            return;
        }
        var status = order.DoneAt is null ? StatusCodes.Status202Accepted : StatusCodes.Status200OK;
        JsonAnswer.Write(context.Response, status, (batch, order, action), static (json, answer) =>
        {
            json.WriteStartObject();
            json.WriteString("batch_id"u8, ScaiSendIds.Format(answer.batch.Id));
            json.WriteNumber(BatchWords.Done(answer.action), answer.order.Messages);
            if (answer.action == BatchAction.Cancel)
                json.WriteNumber("skipped"u8, Skipped(answer.batch));
            json.WriteEndObject();
        });
    }

    /// <summary>Messages that were past cancelling: being sent, sent, or settled otherwise.</summary>
    static long Skipped(BatchView batch)
    {
        var skipped = 0L;
        for (var status = MessageStatus.Sending; status <= MessageStatus.Sandbox; status++)
            skipped += status == MessageStatus.Cancelled ? 0 : batch.Counts[(int)status];
        return skipped;
    }

    /// <returns>Null when it was refused and answered.</returns>
    async ValueTask<BatchView?> AdmitAsync(HttpContext context, Credential credential)
    {
        if (!ScaiSendIds.TryParse((string)context.GetRouteValue("id")!, out BatchId id)
            || await batches.FindAsync(credential.Tenant.Id, id, context.RequestAborted) is not { } batch)
        {
            RefuseUnknown(context);
            return null;
        }
        if (!credential.Key.Test)
            return batch;
        Refuse(context, StatusCodes.Status403Forbidden, "A test key may not change a live message");
        return null;
    }

    static void RefuseUnknown(HttpContext context) =>
        Refuse(context, StatusCodes.Status404NotFound, $"Batch not found: {context.GetRouteValue("id")}");

    static void Refuse(HttpContext context, int status, string message) =>
        ScaiSendErrors.Write(context.Response, ErrorShape.Errors, status, message);
}
