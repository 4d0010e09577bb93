using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Postrider.Api.Auth;
using Postrider.Api.RateLimits;
using Postrider.Api.ScaiSend.Batches;
using Postrider.Api.ScaiSend.Send;
using Postrider.Api.ScaiSend.Suppressions;

namespace Postrider.Api.ScaiSend;

/// <summary>Every path of the dialect, at the root and under <c>/scaisend</c>. Routing takes a trailing slash as it comes.</summary>
sealed class ScaiSendRoutes(
    ScaiSendGate gate, SendEndpoint send, BatchRoutes batches, MessageEndpoints messages, ControlEndpoints control,
    SuppressionRoutes suppressions, ApiOptions options)
{
    static readonly string[] Mounts = ["", "/scaisend"];

    ScaiSendRoute[] Table()
    {
        string[] readers = options.ScaiSend.OpenReads ? [] : [Scopes.StatsRead, Scopes.MailSend];
        return
        [
            new("POST", "/v3/mail/send", ErrorShape.Errors, RateClass.Send, [Scopes.MailSend], send.HandleAsync),
            .. batches.Table(),
            new("GET", "/v3/messages", ErrorShape.Detail, RateClass.MessageList, readers, messages.ListAsync),
            new("GET", "/v3/messages/{id}", ErrorShape.Detail, RateClass.Other, readers, messages.GetAsync),
            new("POST", "/v3/messages/{id}/cancel", ErrorShape.Detail, RateClass.Other, [Scopes.MailCancel], control.CancelAsync),
            new("POST", "/v3/messages/{id}/retry", ErrorShape.Detail, RateClass.Other, [Scopes.MailSend], control.RetryAsync),
            new("POST", "/v3/messages/{id}/fail", ErrorShape.Detail, RateClass.Other, [Scopes.MailSend], control.FailAsync),
            .. suppressions.Table(),
            new("GET", "/v3/scopes", ErrorShape.Detail, RateClass.Other, [], ScopesEndpoint.GetAsync),
        ];
    }

    public void Map(IEndpointRouteBuilder endpoints)
    {
        var table = Table();
        foreach (var mount in Mounts)
        {
            foreach (var route in table)
                endpoints.MapMethods(mount + route.Pattern, [route.Method], context => gate.RunAsync(context, route)).WithMetadata(route);

            foreach (var path in table.GroupBy(route => route.Pattern))
            {
                var allow = string.Join(", ", path.Select(route => route.Method));
                endpoints.Map(mount + path.Key, context => RefuseMethod(context, allow)).WithOrder(1);
            }
            endpoints.Map(mount + "/v3/{**path}", RefusePath).WithOrder(2);
        }
    }

    Task RefusePath(HttpContext context) => gate.RefuseAsync(context, StatusCodes.Status404NotFound, "Not Found");

    Task RefuseMethod(HttpContext context, string allow)
    {
        context.Response.Headers.Allow = allow;
        return gate.RefuseAsync(context, StatusCodes.Status405MethodNotAllowed, "Method Not Allowed");
    }
}
