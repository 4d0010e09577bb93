using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Postrider.Api.Auth;
using Postrider.Api.RateLimits;
using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;

namespace Postrider.Api.ScaiSend;

/// <summary>What every request passes before its handler and after it: credential, rate limit, scope; and a fault becomes an answer
/// here.</summary>
sealed class ScaiSendGate(BearerAuthenticator authenticator, RateLimiter limiter, OutageLog outages, ILogger<ScaiSendGate> log)
{
    /// <summary>Seconds after which a client may try a store again that was away; a guess.</summary>
    const string RetryAfterOutage = "1";

    public async Task RunAsync(HttpContext context, ScaiSendRoute route)
    {
        try
        {
            if (await AdmitAsync(context, route) is { } credential)
                await route.Handle(context, credential);
        }
        catch (Exception e) when (e is ConnectionResetException
            || (e is OperationCanceledException && context.RequestAborted.IsCancellationRequested))
        {
            // The client has gone; there is nobody to answer.
        }
        catch (BadHttpRequestException e)
        {
            Answer(context, route, e.StatusCode, e.StatusCode == StatusCodes.Status413PayloadTooLarge
                ? "The request body is too large" : "The request body could not be read");
        }
        catch (StoreUnavailableException)
        {
            outages.Note(route.Method, route.Pattern);      // why, the store has told
            context.Response.Headers.RetryAfter = RetryAfterOutage;
            Answer(context, route, StatusCodes.Status503ServiceUnavailable, "Service temporarily unavailable");
        }
        catch (Exception e)
        {
            log.RequestFailed(e, route.Method, route.Pattern);
            Answer(context, route, StatusCodes.Status500InternalServerError, "Internal server error");
        }
    }

    /// <summary>For a path or a method that is not there; it still counts.</summary>
    public Task RefuseAsync(HttpContext context, int status, string message)
    {
        var admitted = TryCountAnonymous(context);
        var isMail = context.Request.Path.Value!.Contains("/v3/mail", StringComparison.OrdinalIgnoreCase);
        ScaiSendErrors.Write(context.Response, isMail ? ErrorShape.Errors : ErrorShape.Detail,
            admitted ? status : StatusCodes.Status429TooManyRequests, admitted ? message : "Rate limit exceeded");
        return Task.CompletedTask;
    }

    /// <returns>Null when the request was refused and answered.</returns>
    async ValueTask<Credential?> AdmitAsync(HttpContext context, ScaiSendRoute route)
    {
        var (credential, fault) = await authenticator.AuthenticateAsync(context.Request, Dialect.ScaiSend, context.RequestAborted);
        if (credential is null)
        {
            if (!TryCountAnonymous(context))
                return Refuse(context, route, StatusCodes.Status429TooManyRequests, "Rate limit exceeded");
            context.Response.Headers.WWWAuthenticate = "Bearer";
            return Refuse(context, route, StatusCodes.Status401Unauthorized, fault!);
        }

        var caller = route.Rate == RateClass.Send ? credential.Tenant.Id.Value : credential.Key.Id.Value;
        if (!limiter.TryTake(route.Rate, RateLimiter.Caller(caller), context.Response))
            return Refuse(context, route, StatusCodes.Status429TooManyRequests, "Rate limit exceeded");
        if (credential.Tenant.Suspended)
            return Refuse(context, route, StatusCodes.Status403Forbidden, "Tenant suspended");
        if (!credential.HasAny(route.Scopes))
            return Refuse(context, route, StatusCodes.Status403Forbidden, $"Missing required scope: {route.Scopes[0]}");
        return credential;
    }

    bool TryCountAnonymous(HttpContext context) =>
        limiter.TryTake(RateClass.Anonymous, RateLimiter.Caller(context.Connection.RemoteIpAddress), context.Response);

    static Credential? Refuse(HttpContext context, ScaiSendRoute route, int status, string message)
    {
        ScaiSendErrors.Write(context.Response, route.Errors, status, message);
        return null;
    }

    static void Answer(HttpContext context, ScaiSendRoute route, int status, string message)
    {
        if (context.Response.HasStarted)
            context.Abort();
        else
            ScaiSendErrors.Write(context.Response, route.Errors, status, message);
    }
}
