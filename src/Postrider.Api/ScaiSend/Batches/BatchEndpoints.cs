using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;

namespace Postrider.Api.ScaiSend.Batches;

/// <summary>Batches: contracts/scaisend.md §3.2.</summary>
sealed class BatchEndpoints(IBatchStore batches, IdGenerator ids)
{
    /// <summary><c>POST /v3/mail/batch</c>. Whatever body comes with it is not looked at.</summary>
    public async Task CreateAsync(HttpContext context, Credential credential)
    {
        var id = new BatchId(ids.Next());

        await batches.CreateAsync(credential.Tenant.Id, id, context.RequestAborted);

        JsonAnswer.Write(context.Response, StatusCodes.Status201Created, id, static (json, id) =>
        {
            json.WriteStartObject();
            json.WriteString("batch_id"u8, ScaiSendIds.Format(id));
            json.WriteEndObject();
        });
    }

    public async Task GetAsync(HttpContext context, Credential credential)
    {
        var text = (string)context.GetRouteValue("id")!;
        if (ScaiSendIds.TryParse(text, out BatchId id)
            && await batches.FindAsync(credential.Tenant.Id, id, context.RequestAborted) is { } batch)
            JsonAnswer.Write(context.Response, StatusCodes.Status200OK, batch, Write);
        else
            ScaiSendErrors.Write(context.Response, ErrorShape.Errors, StatusCodes.Status404NotFound, $"Batch not found: {text}");
    }

    static void Write(Utf8JsonWriter json, BatchView batch)
    {
        var total = 0L;
        var open = 0L;
        for (var status = 0; status < batch.Counts.Count; status++)
        {
            total += batch.Counts[status];
            open += ((MessageStatus)status).IsSettled() ? 0 : batch.Counts[status];
        }
        var complete = total > 0 && open == 0;

        json.WriteStartObject();
        json.WriteString("batch_id"u8, ScaiSendIds.Format(batch.Id));
        json.WriteNumber("total_messages"u8, total);
        json.WriteStartObject("status_counts"u8);
        Write(json, batch, MessageStatus.Queued);
        // Those without a counter of their own are in processing too, so that the sum holds.
        json.WriteNumber(ScaiSendWords.Of(MessageStatus.Processing),
            Count(batch, MessageStatus.Processing) + Count(batch, MessageStatus.Rendered) + Count(batch, MessageStatus.Sending));
        for (var status = MessageStatus.Sent; status <= MessageStatus.Sandbox; status++)
            Write(json, batch, status);
        json.WriteEndObject();
        json.WriteStartObject("status_detail"u8);
        for (var status = MessageStatus.Queued; status <= MessageStatus.Sandbox; status++)
            Write(json, batch, status);
        json.WriteEndObject();
        json.WriteTime("created_at"u8, batch.Id.CreatedAt);
        json.WriteTime("completed_at"u8, complete ? batch.CompletedAt : null);
        json.WriteBoolean("is_complete"u8, complete);
        json.WriteString("state"u8, BatchWords.Of(batch.State));
        WriteOrder(json, batch.Order);
        json.WriteEndObject();
    }

    /// <summary>What the whole batch was last told, and how far that is; null when it never was.</summary>
    static void WriteOrder(Utf8JsonWriter json, BatchProgress? order)
    {
        if (order is null)
        {
            json.WriteNull("operation"u8);
            return;
        }
        json.WriteStartObject("operation"u8);
        json.WriteString("action"u8, BatchWords.Of(order.Action));
        json.WriteNumber("messages"u8, order.Messages);
        json.WriteTime("started_at"u8, order.At);
        json.WriteTime("completed_at"u8, order.DoneAt);
        json.WriteEndObject();
    }

    static void Write(Utf8JsonWriter json, BatchView batch, MessageStatus status) =>
        json.WriteNumber(ScaiSendWords.Of(status), Count(batch, status));

    static long Count(BatchView batch, MessageStatus status) => batch.Counts[(int)status];
}
