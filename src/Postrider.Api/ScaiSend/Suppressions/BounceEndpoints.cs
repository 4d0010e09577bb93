using Microsoft.AspNetCore.Http;
using Postrider.Engine.Messages;
using Postrider.Engine.Suppressions;
using Postrider.Engine.Tenants;

namespace Postrider.Api.ScaiSend.Suppressions;

/// <summary><c>/v3/suppression/bounces</c> and, of its rows, <c>/v3/suppression/blocks</c>: contracts/scaisend.md §3.4.</summary>
sealed class BounceEndpoints(ISuppressionStore store, SuppressionLists lists, IdGenerator ids, TimeProvider time)
{
    /// <summary>Of a reason that is given. A guess: an SMTP reply of two full lines.</summary>
    public const int MaxReason = 1_000;

    static readonly SuppressionScope All = new(SuppressionList.Bounces);
    static readonly SuppressionScope Blocks = new(SuppressionList.Bounces, BounceType: BounceType.Block);

    public Task ListAsync(HttpContext context, Credential credential) => lists.ListAsync(context, credential, All, "bounces");

    public Task GetAsync(HttpContext context, Credential credential) => lists.GetAsync(context, credential, All);

    public Task DeleteAsync(HttpContext context, Credential credential) => lists.DeleteAsync(context, credential, All);

    public Task DeleteManyAsync(HttpContext context, Credential credential) => lists.DeleteManyAsync(context, credential, All);

    public Task ListBlocksAsync(HttpContext context, Credential credential) => lists.ListBareAsync(context, credential, Blocks);

    public Task GetBlockAsync(HttpContext context, Credential credential) => lists.GetAsync(context, credential, Blocks);

    public Task DeleteBlockAsync(HttpContext context, Credential credential) => lists.DeleteAsync(context, credential, Blocks);

    public Task DeleteBlocksAsync(HttpContext context, Credential credential) => lists.DeleteManyAsync(context, credential, Blocks);

    public async Task AddAsync(HttpContext context, Credential credential)
    {
        if (await JsonBody.ReadAsync(context, SuppressionBodies.Default.BounceBody) is not { } body)
            return;
        var faults = new List<QueryFault>();
        var address = AddressFields.Read(body.Email, "email", faults);
        var type = BounceType.Hard;
        if (body.BounceType is { } word && !SuppressionJson.TryParse(word, out type))
            faults.Add(QueryFault.InBody("bounce_type", "The value must be hard, soft or block", "enum"));
        if (body.Reason?.Length > MaxReason)
            faults.Add(QueryFault.InBody("reason", $"The value must be at most {MaxReason} characters long", "string_too_long"));
        if (address is null || faults.Count > 0)
        {
            ScaiSendErrors.Write(context.Response, faults);
            return;
        }
        var row = new Suppression
        {
            Id = ids.Next(),
            List = SuppressionList.Bounces,
            Address = address,
            CreatedAt = time.GetUtcNow(),
            Reason = body.Reason,
            BounceType = type,
        };
        await store.AddAsync(credential.Tenant.Id, [row], context.RequestAborted);
        JsonAnswer.Write(context.Response, StatusCodes.Status201Created, row, SuppressionJson.Write);
    }
}
