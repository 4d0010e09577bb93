using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Postrider.Engine.Suppressions;
using Postrider.Engine.Tenants;

namespace Postrider.Api.ScaiSend.Suppressions;

/// <summary><c>/v3/asm/groups</c>: contracts/scaisend.md §3.5.</summary>
sealed class GroupEndpoints(IUnsubscribeGroupStore groups, TimeProvider time)
{
    const int MaxName = 30;
    const int MaxDescription = 100;

    const string NameTaken = "A group of this name exists";

    public async Task ListAsync(HttpContext context, Credential credential)
    {
        var wanted = new HashSet<int>();
        var faults = new List<QueryFault>();
        foreach (var value in context.Request.Query["id"])
        {
            if (int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
                wanted.Add(id);
            else if (faults.Count == 0)
                faults.Add(new("id", "The value must be an integer", "int_parsing"));
        }
        if (faults.Count > 0)
        {
            ScaiSendErrors.Write(context.Response, faults);
            return;
        }
        var all = await groups.GroupsAsync(credential.Tenant.Id, context.RequestAborted);
        var shown = wanted.Count == 0 ? all : all.Where(group => wanted.Contains(group.Id));
        JsonAnswer.Write(context.Response, StatusCodes.Status200OK, shown, static (json, shown) =>
        {
            json.WriteStartArray();
            foreach (var group in shown)
                SuppressionJson.Write(json, group);
            json.WriteEndArray();
        });
    }

    public async Task GetAsync(HttpContext context, Credential credential)
    {
        if (await FindAsync(context, credential) is { } group)
            JsonAnswer.Write(context.Response, StatusCodes.Status200OK, group, SuppressionJson.Write);
    }

    public async Task AddAsync(HttpContext context, Credential credential)
    {
        if (await JsonBody.ReadAsync(context, SuppressionBodies.Default.GroupBody) is not { } body)
            return;
        var faults = new List<QueryFault>();
        CheckText(body.Name, "name", MaxName, isRequired: true, faults);
        CheckText(body.Description, "description", MaxDescription, isRequired: true, faults);
        if (faults.Count > 0)
        {
            ScaiSendErrors.Write(context.Response, faults);
            return;
        }
        var asked = new UnsubscribeGroup(0, body.Name!, body.Description!, body.IsDefault ?? false);
        if (await groups.AddGroupAsync(credential.Tenant.Id, asked, time.GetUtcNow(), context.RequestAborted) is { } group)
            Answer(context, group);
        else
            Refuse(context, StatusCodes.Status400BadRequest, NameTaken);
    }

    /// <summary>201, as SendGrid answers it.</summary>
    public async Task ChangeAsync(HttpContext context, Credential credential)
    {
        if (await JsonBody.ReadAsync(context, SuppressionBodies.Default.GroupBody) is not { } body)
            return;
        var faults = new List<QueryFault>();
        CheckText(body.Name, "name", MaxName, isRequired: false, faults);
        CheckText(body.Description, "description", MaxDescription, isRequired: false, faults);
        if (faults.Count > 0)
        {
            ScaiSendErrors.Write(context.Response, faults);
            return;
        }
        if (await FindAsync(context, credential) is not { } group)
            return;
        var changed = group with
        {
            Name = body.Name ?? group.Name,
            Description = body.Description ?? group.Description,
            IsDefault = body.IsDefault ?? group.IsDefault,
        };
        if (await groups.ChangeGroupAsync(credential.Tenant.Id, changed, context.RequestAborted))
            Answer(context, changed);
        else
            Refuse(context, StatusCodes.Status400BadRequest, NameTaken);
    }

    public async Task DeleteAsync(HttpContext context, Credential credential)
    {
        if (TryId(context, out var id) && await groups.RemoveGroupAsync(credential.Tenant.Id, id, time.GetUtcNow(), context.RequestAborted))
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        else
            RefuseUnknown(context);
    }

    /// <returns>Null when there is none of the path's id, which is then answered.</returns>
    public async Task<UnsubscribeGroup?> FindAsync(HttpContext context, Credential credential)
    {
        if (TryId(context, out var id) && await groups.FindGroupAsync(credential.Tenant.Id, id, context.RequestAborted) is { } group)
            return group;
        RefuseUnknown(context);
        return null;
    }

    static bool TryId(HttpContext context, out int id) =>
        int.TryParse((string)context.GetRouteValue("group")!, NumberStyles.None, CultureInfo.InvariantCulture, out id);

    static void CheckText(string? text, string field, int most, bool isRequired, List<QueryFault> faults)
    {
        if (text is null)
        {
            if (isRequired)
                faults.Add(QueryFault.InBody(field, "The field is required", "missing"));
        }
        else if (text.Length == 0 || text.Length > most)
            faults.Add(QueryFault.InBody(field, $"The value must be 1 to {most} characters long", "string_length"));
        else if (Send.TextRules.HasControls(text))
            faults.Add(QueryFault.InBody(field, "The value must not hold control characters", "value_error"));
    }

    static void Answer(HttpContext context, UnsubscribeGroup group) =>
        JsonAnswer.Write(context.Response, StatusCodes.Status201Created, group, static (json, group) =>
        {
            json.WriteStartObject();
            SuppressionJson.WriteFields(json, group);
            json.WriteEndObject();
        });

    static void RefuseUnknown(HttpContext context) => Refuse(context, StatusCodes.Status404NotFound, "Group not found");

    static void Refuse(HttpContext context, int status, string message) =>
        ScaiSendErrors.Write(context.Response, ErrorShape.Detail, status, message);
}
