using Microsoft.AspNetCore.Http;
using Postrider.Engine.Messages;
using Postrider.Engine.Suppressions;
using Postrider.Engine.Tenants;

namespace Postrider.Api.ScaiSend.Suppressions;

/// <summary>
/// Global unsubscribes, <c>/v3/asm/suppressions/global</c> and <c>/v3/suppression/unsubscribes</c>: contracts/scaisend.md §3.4.
/// </summary>
sealed class UnsubscribeEndpoints(ISuppressionStore store, SuppressionLists lists, IdGenerator ids, TimeProvider time)
{
    static readonly SuppressionScope All = new(SuppressionList.GlobalUnsubscribes);

    public Task ListAsync(HttpContext context, Credential credential) => lists.ListAsync(context, credential, All, "unsubscribes");

    public Task ListBareAsync(HttpContext context, Credential credential) => lists.ListBareAsync(context, credential, All);

    public Task DeleteAsync(HttpContext context, Credential credential) => lists.DeleteAsync(context, credential, All);

    /// <summary>200 either way: what is not listed is shown as an empty object.</summary>
    public async Task GetAsync(HttpContext context, Credential credential)
    {
        var rows = await lists.FindAsync(context, credential, All);
        JsonAnswer.Write(context.Response, StatusCodes.Status200OK, rows, static (json, rows) =>
        {
            json.WriteStartObject();
            if (rows is [var row, ..])
                json.WriteString("recipient_email"u8, row.Address.ToString());
            json.WriteEndObject();
        });
    }

    public async Task AddAsync(HttpContext context, Credential credential)
    {
        if (await JsonBody.ReadAsync(context, SuppressionBodies.Default.EmailsBody) is not { } body)
            return;
        var faults = new List<QueryFault>();
        var addresses = AddressFields.ReadAll(body.RecipientEmails, "recipient_emails", faults);
        if (faults.Count > 0)
        {
            ScaiSendErrors.Write(context.Response, faults);
            return;
        }
        var now = time.GetUtcNow();
        var rows = addresses.ConvertAll(address => new Suppression
        {
            Id = ids.Next(),
            List = SuppressionList.GlobalUnsubscribes,
            Address = address,
            CreatedAt = now,
        });
        await store.AddAsync(credential.Tenant.Id, rows, context.RequestAborted);
        JsonAnswer.Write(
            context.Response, StatusCodes.Status201Created, addresses.Select(address => address.ToString()), SuppressionJson.WriteAdded);
    }
}
