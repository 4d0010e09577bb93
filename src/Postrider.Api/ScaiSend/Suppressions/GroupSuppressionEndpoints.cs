using System.Globalization;
using Microsoft.AspNetCore.Http;
using Postrider.Engine.Messages;
using Postrider.Engine.Suppressions;
using Postrider.Engine.Tenants;

namespace Postrider.Api.ScaiSend.Suppressions;

/// <summary>Who is unsubscribed from which group: contracts/scaisend.md §3.5.</summary>
sealed class GroupSuppressionEndpoints(
    ISuppressionStore store, IUnsubscribeGroupStore groups, GroupEndpoints paths, SuppressionLists lists, IdGenerator ids,
    TimeProvider time)
{
    /// <summary>
    /// Rows of one answer, for the contract gives none: with an offset all can be had, and the total is told. A guess at 1 MB.
    /// </summary>
    const int MostRows = 10_000;

    const string TotalCount = "X-Total-Count";

    static readonly SuppressionScope All = new(SuppressionList.GroupUnsubscribes);

    public async Task AddAsync(HttpContext context, Credential credential)
    {
        if (await ReadAsync(context) is not { } addresses || await paths.FindAsync(context, credential) is not { } group)
            return;
        var now = time.GetUtcNow();
        var rows = addresses.ConvertAll(address => new Suppression
        {
            Id = ids.Next(),
            List = SuppressionList.GroupUnsubscribes,
            Group = group.Id,
            Address = address,
            CreatedAt = now,
        });
        await store.AddAsync(credential.Tenant.Id, rows, context.RequestAborted);
        JsonAnswer.Write(
            context.Response, StatusCodes.Status201Created, addresses.Select(address => address.ToString()), SuppressionJson.WriteAdded);
    }

    public async Task ListAsync(HttpContext context, Credential credential)
    {
        if (await paths.FindAsync(context, credential) is { } group
            && await PageAsync(context, credential, All with { Group = group.Id }) is { } page)
            JsonAnswer.Write(
                context.Response, StatusCodes.Status200OK, page.Items.Select(row => row.Address.ToString()), SuppressionJson.WriteEmails);
    }

    /// <summary>Which of the addresses are unsubscribed from the group, as they were asked for.</summary>
    public async Task SearchAsync(HttpContext context, Credential credential)
    {
        if (await ReadAsync(context) is not { } addresses || await paths.FindAsync(context, credential) is not { } group)
            return;
        var rows = await store.FindBlockingAsync(
            credential.Tenant.Id, [.. addresses.Select(address => address.Key).Distinct()], context.RequestAborted);
        var present = rows.Where(row => row.List == SuppressionList.GroupUnsubscribes && row.Group == group.Id)
            .Select(row => row.Address.Key).ToHashSet(StringComparer.Ordinal);
        JsonAnswer.Write(
            context.Response, StatusCodes.Status200OK,
            addresses.Where(address => present.Contains(address.Key)).Select(address => address.ToString()), SuppressionJson.WriteEmails);
    }

    public async Task DeleteAsync(HttpContext context, Credential credential)
    {
        if (await paths.FindAsync(context, credential) is { } group)
            await lists.DeleteAsync(context, credential, All with { Group = group.Id });
    }

    public async Task ListAllAsync(HttpContext context, Credential credential)
    {
        if (await PageAsync(context, credential, All) is not { } page)
            return;
        var names = (await groups.GroupsAsync(credential.Tenant.Id, context.RequestAborted))
            .ToDictionary(group => group.Id, group => group.Name);
        // Rows of a group that is just being removed are on their way out too.
        var rows = page.Items.Where(row => names.ContainsKey(row.Group));
        JsonAnswer.Write(context.Response, StatusCodes.Status200OK, (rows, names), static (json, list) =>
        {
            json.WriteStartArray();
            foreach (var row in list.rows)
            {
                json.WriteStartObject();
                json.WriteString("email"u8, row.Address.ToString());
                json.WriteNumber("group_id"u8, row.Group);
                json.WriteString("group_name"u8, list.names[row.Group]);
                json.WriteNumber("created_at"u8, row.CreatedAt.ToUnixTimeSeconds());
                json.WriteEndObject();
            }
            json.WriteEndArray();
        });
    }

    /// <summary>Every group of the tenant, and whether the address is unsubscribed from it.</summary>
    public async Task GetAsync(HttpContext context, Credential credential)
    {
        var suppressed = (await lists.FindAsync(context, credential, All)).Select(row => row.Group).ToHashSet();
        var all = await groups.GroupsAsync(credential.Tenant.Id, context.RequestAborted);
        JsonAnswer.Write(context.Response, StatusCodes.Status200OK, (all, suppressed), static (json, list) =>
        {
            json.WriteStartObject();
            json.WriteStartArray("suppressions"u8);
            foreach (var group in list.all)
            {
                json.WriteStartObject();
                SuppressionJson.WriteFields(json, group);
                json.WriteBoolean("suppressed"u8, list.suppressed.Contains(group.Id));
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    /// <returns>Null when the query was refused and answered.</returns>
    async Task<SuppressionPage?> PageAsync(HttpContext context, Credential credential, SuppressionScope scope)
    {
        var faults = new List<QueryFault>();
        var limit = SuppressionQuery.ReadNumber(context.Request.Query, "limit", 1, MostRows, faults) ?? MostRows;
        var offset = SuppressionQuery.ReadNumber(context.Request.Query, "offset", 0, int.MaxValue, faults) ?? 0;
        if (faults.Count > 0)
        {
            ScaiSendErrors.Write(context.Response, faults);
            return null;
        }
        var page = await store.ListAsync(
            credential.Tenant.Id, new SuppressionFilter(scope), (int)offset, (int)limit, context.RequestAborted);
        context.Response.Headers[TotalCount] = page.Total.ToString(CultureInfo.InvariantCulture);
        return page;
    }

    /// <returns>Null when the body was refused and answered.</returns>
    static async Task<List<Mail.Addresses.Mailbox>?> ReadAsync(HttpContext context)
    {
        if (await JsonBody.ReadAsync(context, SuppressionBodies.Default.EmailsBody) is not { } body)
            return null;
        var faults = new List<QueryFault>();
        var addresses = AddressFields.ReadAll(body.RecipientEmails, "recipient_emails", faults);
        if (faults.Count == 0)
            return addresses;
        ScaiSendErrors.Write(context.Response, faults);
        return null;
    }
}
