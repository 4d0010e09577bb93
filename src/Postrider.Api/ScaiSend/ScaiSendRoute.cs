using Microsoft.AspNetCore.Http;
using Postrider.Api.RateLimits;
using Postrider.Engine.Tenants;

namespace Postrider.Api.ScaiSend;

/// <summary>One method of one path, with what a caller needs for it.</summary>
/// <param name="Pattern">Below the mount, as in <c>/v3/messages/{id}</c>.</param>
/// <param name="Scopes">Any one of these will do; empty for any credential. The first is the one a refusal names.</param>
sealed record ScaiSendRoute(
    string Method, string Pattern, ErrorShape Errors, RateClass Rate, string[] Scopes, Func<HttpContext, Credential, Task> Handle);
