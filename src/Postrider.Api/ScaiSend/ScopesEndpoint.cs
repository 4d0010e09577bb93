using Microsoft.AspNetCore.Http;
using Postrider.Engine.Tenants;

namespace Postrider.Api.ScaiSend;

/// <summary><c>GET /v3/scopes</c>: what the caller's own key may do.</summary>
static class ScopesEndpoint
{
    public static Task GetAsync(HttpContext context, Credential credential)
    {
        JsonAnswer.Write(context.Response, StatusCodes.Status200OK, credential.Key.Scopes, static (json, scopes) =>
        {
            json.WriteStartObject();
            json.WriteStartArray("scopes"u8);
            foreach (var scope in scopes)
                json.WriteStringValue(scope);
            json.WriteEndArray();
            json.WriteEndObject();
        });
        return Task.CompletedTask;
    }
}
