using Microsoft.AspNetCore.Http;
using Postrider.Engine.Messages;
using Postrider.Engine.Suppressions;
using Postrider.Engine.Tenants;

namespace Postrider.Api.ScaiSend.Suppressions;

/// <summary><c>/v3/suppression/spam_reports</c>: contracts/scaisend.md §3.4.</summary>
sealed class SpamReportEndpoints(ISuppressionStore store, SuppressionLists lists, IdGenerator ids, TimeProvider time)
{
    static readonly SuppressionScope All = new(SuppressionList.SpamReports);

    public Task ListAsync(HttpContext context, Credential credential) => lists.ListAsync(context, credential, All, "spam_reports");

    public Task GetAsync(HttpContext context, Credential credential) => lists.GetAsync(context, credential, All);

    public Task DeleteAsync(HttpContext context, Credential credential) => lists.DeleteAsync(context, credential, All);

    public Task DeleteManyAsync(HttpContext context, Credential credential) => lists.DeleteManyAsync(context, credential, All);

    public async Task AddAsync(HttpContext context, Credential credential)
    {
        if (await JsonBody.ReadAsync(context, SuppressionBodies.Default.EmailBody) is not { } body)
            return;
        var faults = new List<QueryFault>();
        if (AddressFields.Read(body.Email, "email", faults) is not { } address)
        {
            ScaiSendErrors.Write(context.Response, faults);
            return;
        }
        var row = new Suppression { Id = ids.Next(), List = SuppressionList.SpamReports, Address = address, CreatedAt = time.GetUtcNow() };
        await store.AddAsync(credential.Tenant.Id, [row], context.RequestAborted);
        JsonAnswer.Write(context.Response, StatusCodes.Status201Created, row, SuppressionJson.Write);
    }
}
