using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Postrider.Api.Auth;
using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;

namespace Postrider.Api.ScaiSend.Batches;

/// <summary>SendGrid's <c>/v3/user/scheduled_sends</c>: batches that are paused or cancelled (contracts/scaisend.md §7).</summary>
sealed class ScheduledSendEndpoints(BatchControl control, IBatchStore batches, IBatchOrderStore orders)
{
    /// <summary>SendGrid keeps ten at a time. A guess at more than anybody reads.</summary>
    const int MostListed = 500;

    public async Task AddAsync(HttpContext context, Credential credential)
    {
        if (await JsonBody.ReadAsync(context, BatchBodies.Default.ScheduledSendBody) is not { } body)
            return;
        BatchView? batch = null;
        var faults = new List<QueryFault>();
        if (body.BatchId is null)
            faults.Add(QueryFault.InBody("batch_id", "The field is required", "missing"));
        else if (!ScaiSendIds.TryParse(body.BatchId, out BatchId id)
            || (batch = await batches.FindAsync(credential.Tenant.Id, id, context.RequestAborted)) is null)
            faults.Add(QueryFault.InBody("batch_id", "The batch is not known", "value_error"));
        if (ActionOf(body, faults) is not { } action || batch is null)
        {
            ScaiSendErrors.Write(context.Response, faults);
            return;
        }
        if (!MayOrder(context, credential, action))
            return;
        if (batch.State != BatchState.Open)
        {
            Refuse(context, StatusCodes.Status400BadRequest, "The batch has a status already; PATCH changes it");
            return;
        }
        await control.OrderAsync(new BatchKey(credential.Tenant.Id, batch.Id), action, null, context.RequestAborted);
        JsonAnswer.Write(context.Response, StatusCodes.Status201Created, (batch.Id, action), static (json, made) =>
            Write(json, made.Id, BatchWords.Of(made.action)));
    }

    public async Task ListAsync(HttpContext context, Credential credential) =>
        Answer(context, await orders.HeldBatchesAsync(credential.Tenant.Id, MostListed, context.RequestAborted));

    /// <summary>A list of one, as SendGrid answers it.</summary>
    public async Task GetAsync(HttpContext context, Credential credential)
    {
        if (await FindAsync(context, credential) is { } batch)
            Answer(context, [batch]);
    }

    public async Task ChangeAsync(HttpContext context, Credential credential)
    {
        if (await FindAsync(context, credential) is not { } batch
            || await JsonBody.ReadAsync(context, BatchBodies.Default.ScheduledSendBody) is not { } body)
            return;
        var faults = new List<QueryFault>();
        if (ActionOf(body, faults) is not { } action)
            ScaiSendErrors.Write(context.Response, faults);
        else if (MayOrder(context, credential, action))
            await OrderAsync(context, credential, batch, action);
    }

    /// <summary>Takes the pause or the cancel away. What was cancelled stays cancelled.</summary>
    public async Task DeleteAsync(HttpContext context, Credential credential)
    {
        if (await FindAsync(context, credential) is { } batch && MayOrder(context, credential, BatchAction.Resume))
            await OrderAsync(context, credential, batch, BatchAction.Resume);
    }

    async Task OrderAsync(HttpContext context, Credential credential, BatchView batch, BatchAction action)
    {
        await control.OrderAsync(new BatchKey(credential.Tenant.Id, batch.Id), action, null, context.RequestAborted);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    static BatchAction? ActionOf(ScheduledSendBody body, List<QueryFault> faults)
    {
        if (string.Equals(body.Status, "pause", StringComparison.OrdinalIgnoreCase))
            return BatchAction.Pause;
        if (string.Equals(body.Status, "cancel", StringComparison.OrdinalIgnoreCase))
            return BatchAction.Cancel;
        faults.Add(body.Status is null
            ? QueryFault.InBody("status", "The field is required", "missing")
            : QueryFault.InBody("status", "The value must be pause or cancel", "enum"));
        return null;
    }

    /// <summary>The route lets either scope in; which one is needed, the status tells.</summary>
    static bool MayOrder(HttpContext context, Credential credential, BatchAction action)
    {
        var scope = action == BatchAction.Cancel ? Scopes.MailCancel : Scopes.MailSchedule;
        if (!credential.Has(scope))
            Refuse(context, StatusCodes.Status403Forbidden, $"Missing required scope: {scope}");
        else if (credential.Key.Test)
            Refuse(context, StatusCodes.Status403Forbidden, "A test key may not change a live message");
        else
            return true;
        return false;
    }

    /// <returns>Null when there is none, or nothing was asked of it; it is answered then.</returns>
    async Task<BatchView?> FindAsync(HttpContext context, Credential credential)
    {
        var text = (string)context.GetRouteValue("id")!;
        if (ScaiSendIds.TryParse(text, out BatchId id)
            && await batches.FindAsync(credential.Tenant.Id, id, context.RequestAborted) is { State: not BatchState.Open } batch)
            return batch;
        Refuse(context, StatusCodes.Status404NotFound, $"Scheduled send not found: {text}");
        return null;
    }

    static void Answer(HttpContext context, IReadOnlyList<BatchView> held) =>
        JsonAnswer.Write(context.Response, StatusCodes.Status200OK, held, static (json, held) =>
        {
            json.WriteStartArray();
            foreach (var batch in held)
                Write(json, batch.Id, batch.State == BatchState.Cancelled ? "cancel" : "pause");
            json.WriteEndArray();
        });

    static void Write(Utf8JsonWriter json, BatchId id, string status)
    {
        json.WriteStartObject();
        json.WriteString("batch_id"u8, ScaiSendIds.Format(id));
        json.WriteString("status"u8, status);
        json.WriteEndObject();
    }

    static void Refuse(HttpContext context, int status, string message) =>
        ScaiSendErrors.Write(context.Response, ErrorShape.Detail, status, message);
}
