using Microsoft.AspNetCore.Http;
using Postrider.Engine.Suppressions;
using Postrider.Engine.Tenants;

namespace Postrider.Api.ScaiSend.Suppressions;

/// <summary>What the endpoints of every list do alike: show it, show an address of it, remove some or all.</summary>
sealed class SuppressionLists(ISuppressionStore store)
{
    /// <summary><c>{"name":[…],"total":n}</c></summary>
    public async Task ListAsync(HttpContext context, Credential credential, SuppressionScope scope, string name)
    {
        if (await PageAsync(context, credential, scope) is { } page)
            JsonAnswer.Write(context.Response, StatusCodes.Status200OK, (name, page), SuppressionJson.WritePage);
    }

    /// <summary><c>[…]</c></summary>
    public async Task ListBareAsync(HttpContext context, Credential credential, SuppressionScope scope)
    {
        if (await PageAsync(context, credential, scope) is { } page)
            JsonAnswer.Write(context.Response, StatusCodes.Status200OK, page.Items, SuppressionJson.WriteArray);
    }

    /// <returns>Null when the query was refused and answered.</returns>
    async Task<SuppressionPage?> PageAsync(HttpContext context, Credential credential, SuppressionScope scope)
    {
        var faults = new List<QueryFault>();
        if (SuppressionQuery.TryRead(context.Request.Query, scope, faults) is { } query)
            return await store.ListAsync(credential.Tenant.Id, query.Filter, query.Offset, query.Limit, context.RequestAborted);
        ScaiSendErrors.Write(context.Response, faults);
        return null;
    }

    /// <returns>The rows of the path's address.</returns>
    public async Task<IReadOnlyList<Suppression>> FindAsync(HttpContext context, Credential credential, SuppressionScope scope)
    {
        if (AddressFields.KeyInPath(context) is not { } key)
            return [];
        var filter = new SuppressionFilter(scope) { AddressKey = key };
        return (await store.ListAsync(credential.Tenant.Id, filter, 0, AddressFields.MostAddresses, context.RequestAborted)).Items;
    }

    public async Task GetAsync(HttpContext context, Credential credential, SuppressionScope scope)
    {
        var rows = await FindAsync(context, credential, scope);
        if (rows.Count > 0)
            JsonAnswer.Write(context.Response, StatusCodes.Status200OK, rows, SuppressionJson.WriteArray);
        else
            RefuseUnlisted(context);
    }

    public async Task DeleteAsync(HttpContext context, Credential credential, SuppressionScope scope)
    {
        if (AddressFields.KeyInPath(context) is { } key
            && await store.RemoveAsync(credential.Tenant.Id, scope, [key], context.RequestAborted) > 0)
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        else
            RefuseUnlisted(context);
    }

    /// <summary><c>?delete_all=true</c>, or a body that says so or names addresses; without either nothing is removed.</summary>
    public async Task DeleteManyAsync(HttpContext context, Credential credential, SuppressionScope scope)
    {
        var all = context.Request.Query["delete_all"] is [.., { } word] && word.Equals("true", StringComparison.OrdinalIgnoreCase);
        var keys = new List<string>();
        if (!all && HasBody(context.Request))
        {
            if (await JsonBody.ReadAsync(context, SuppressionBodies.Default.RemovalBody) is not { } body)
                return;
            all = body.DeleteAll == true;
            if (!all && body.Emails is not null)
            {
                var faults = new List<QueryFault>();
                keys = AddressFields.ReadAll(body.Emails, "emails", faults).ConvertAll(address => address.Key);
                if (faults.Count > 0)
                {
                    ScaiSendErrors.Write(context.Response, faults);
                    return;
                }
            }
        }
        if (all)
            await store.ClearAsync(credential.Tenant.Id, scope, context.RequestAborted);
        else if (keys.Count > 0)
            await store.RemoveAsync(credential.Tenant.Id, scope, keys, context.RequestAborted);
        else
        {
            ScaiSendErrors.Write(context.Response, ErrorShape.Detail, StatusCodes.Status400BadRequest,
                "delete_all=true or a list of emails is required");
            return;
        }
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    static bool HasBody(HttpRequest request) => request.ContentLength > 0 || request.Headers.TransferEncoding.Count > 0;

    static void RefuseUnlisted(HttpContext context) =>
        ScaiSendErrors.Write(context.Response, ErrorShape.Detail, StatusCodes.Status404NotFound, "The address is not on this list");
}
