using Postrider.Engine;
using Postrider.Engine.Messages;
using Postrider.Engine.Tenants;

namespace Postrider.Operations;

/// <summary>What has no hurry: idempotency keys that have expired, when API keys were last used.</summary>
sealed class Housekeeping(IStore store, ApiKeys keys, TimeProvider time, ILogger<Housekeeping> log) : BackgroundService
{
    static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancel))
            {
                try
                {
                    await RunOnceAsync(cancel);
                }
                catch (Exception e) when (!cancel.IsCancellationRequested)
                {
                    log.HousekeepingFailed(e is StoreUnavailableException ? null : e);
                }
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // Told to stop.
        }
    }

    internal async Task RunOnceAsync(CancellationToken cancel)
    {
        await keys.FlushUsesAsync(cancel);
        await store.PurgeAsync(time.GetUtcNow(), cancel);
    }
}
