using Postrider.Api.Public;
using Postrider.Configuration;

namespace Postrider.Hosting;

/// <summary>
/// Tells load balancers that this node stops before it does: from SIGTERM on <c>/ready</c> says 503 and connections are closed after their
/// answer, yet for <see cref="Settings.StopDelay"/> every request is still taken and served. Only then does the listener close.
/// </summary>
sealed class StopNotice(IHostApplicationLifetime lifetime, Settings settings, TimeProvider time) : IHostedLifecycleService, IReadinessCheck
{
    public string Name => "stopping";

    public ValueTask<Readiness> CheckAsync(CancellationToken cancel) =>
        new(IsStopping ? new Readiness(false, "told to stop: no new requests, please") : new Readiness(true, "no"));

    /// <summary>Ahead of what answers requests: a client that keeps its connection goes elsewhere with its next request.</summary>
    public Task CloseConnectionsAsync(HttpContext context, RequestDelegate next)
    {
        if (IsStopping)
            context.Response.Headers.Connection = "close";
        return next(context);
    }

    /// <summary>Comes before any service is stopped, the listener among them.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken) =>
        await Task.Delay(settings.StopDelay, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    bool IsStopping => lifetime.ApplicationStopping.IsCancellationRequested;
}
