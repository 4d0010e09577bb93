using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Postrider.Engine.Messages;

namespace Postrider.Api.Public;

/// <summary><c>/health</c>: the process answers. <c>/ready</c>: it should be given work, with every check and what it says.</summary>
sealed class HealthEndpoints(IEnumerable<IReadinessCheck> checks, TimeProvider time, ILogger<HealthEndpoints> log)
{
    /// <summary>Below the probes' usual ten seconds; a guess.</summary>
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    readonly IReadinessCheck[] _checks = [.. checks];

    public void Map(IEndpointRouteBuilder endpoints)
    {
        endpoints.MapMethods("/health", ["GET", "HEAD"], Health);
        endpoints.MapMethods("/ready", ["GET", "HEAD"], ReadyAsync);
    }

    static Task Health(HttpContext context)
    {
        JsonAnswer.Write(context.Response, StatusCodes.Status200OK, "healthy", static (json, status) =>
        {
            json.WriteStartObject();
            json.WriteString("status"u8, status);
            json.WriteEndObject();
        });
        return Task.CompletedTask;
    }

    async Task ReadyAsync(HttpContext context)
    {
        var results = await Task.WhenAll(Array.ConvertAll(_checks, check => RunAsync(check, context.RequestAborted)));
        var ready = Array.TrueForAll(results, result => result.Ok);
        JsonAnswer.Write(
            context.Response, ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable, (ready, results), Write);
    }

    async Task<Readiness> RunAsync(IReadinessCheck check, CancellationToken cancel)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancel);
        try
        {
            return await check.CheckAsync(either.Token).AsTask().WaitAsync(either.Token);
        }
        catch (Exception e) when (!cancel.IsCancellationRequested)
        {
            log.ReadinessCheckFailed(e is StoreUnavailableException ? null : e, check.Name);      // why the store is away, it tells itself
            return new Readiness(false, patience.IsCancellationRequested ? "no answer" : "failed");
        }
    }

    void Write(Utf8JsonWriter json, (bool Ready, Readiness[] Results) answer)
    {
        json.WriteStartObject();
        json.WriteString("status"u8, answer.Ready ? "ready" : "unavailable");
        json.WriteStartArray("checks"u8);
        for (var i = 0; i < _checks.Length; i++)
        {
            json.WriteStartObject();
            json.WriteString("name"u8, _checks[i].Name);
            json.WriteBoolean("ok"u8, answer.Results[i].Ok);
            json.WriteString("detail"u8, answer.Results[i].Detail);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
