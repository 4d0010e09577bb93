using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;

namespace Postrider.Api.ScaiSend;

/// <summary><c>GET /v3/messages</c> and <c>GET /v3/messages/{id}</c>: contracts/scaisend.md §3.3.</summary>
sealed class MessageEndpoints(IMessageReader messages, IListWalks walks, ScaiSendOptions options, TimeProvider time)
{
    public async Task ListAsync(HttpContext context, Credential credential)
    {
        var faults = new List<QueryFault>();
        if (MessageQuery.TryRead(context.Request.Query, faults) is not { } query)
        {
            ScaiSendErrors.Write(context.Response, faults);
            return;
        }
        var page = query.MatchesNothing ? new MessagePage([], 0, null) : await FindAsync(query, credential, context.RequestAborted);
        JsonAnswer.Write(context.Response, StatusCodes.Status200OK, (query, page), Write);
    }

    public async Task GetAsync(HttpContext context, Credential credential)
    {
        var text = (string)context.GetRouteValue("id")!;
        if (ScaiSendIds.TryParse(text, out MessageId id)
            && await messages.FindAsync(credential.Tenant.Id, id, context.RequestAborted) is { } message)
            JsonAnswer.Write(context.Response, StatusCodes.Status200OK, message, MessageJson.Write);
        else
            ScaiSendErrors.Write(context.Response, ErrorShape.Detail, StatusCodes.Status404NotFound, $"Message not found: {text}");
    }

    async Task<MessagePage> FindAsync(MessageQuery query, Credential credential, CancellationToken cancel)
    {
        if (query.Cursor is { } cursor)
            return await messages.ListAsync(credential.Tenant.Id, query.Filter, new PageRequest(cursor, 0, query.PageSize), cancel);

        var filter = ContentHash.Of(Encoding.UTF8.GetBytes(query.FilterText));
        var walk = new ListWalk(credential.Tenant.Id, credential.Key.Id, filter, query.PageSize);
        var page = await messages.ListAsync(credential.Tenant.Id, query.Filter, await BeginOfAsync(walk, query.Page, cancel), cancel);
        if (page.Items is [.., var last])
            await walks.RememberAsync(walk, query.Page, last.Id, time.GetUtcNow(), cancel);
        return page;
    }

    /// <summary>After the end of the page before, where that is remembered, else at an offset.</summary>
    async ValueTask<PageRequest> BeginOfAsync(ListWalk walk, int page, CancellationToken cancel)
    {
        if (page == 1)
            return new PageRequest(null, 0, walk.PageSize);
        return await walks.EndOfAsync(walk, page - 1, time.GetUtcNow() - options.PageMemory, cancel) is { } end
            ? new PageRequest(end, 0, walk.PageSize)
            : new PageRequest(null, (int)Math.Min((page - 1L) * walk.PageSize, int.MaxValue), walk.PageSize);
    }

    static void Write(Utf8JsonWriter json, (MessageQuery Query, MessagePage Page) list)
    {
        var (query, page) = list;
        json.WriteStartObject();
        json.WriteStartArray("messages"u8);
        foreach (var message in page.Items)
            MessageJson.Write(json, message);
        json.WriteEndArray();
        json.WriteNumber("total"u8, page.Total);
        json.WriteNumber("page"u8, query.Page);
        json.WriteNumber("page_size"u8, query.PageSize);
        json.WriteNumber("total_pages"u8, (page.Total + query.PageSize - 1) / query.PageSize);
        json.WriteString("next_cursor"u8, page.Next is { } next ? Base32.Format(next.Value) : null);
        json.WriteEndObject();
    }
}
