using Postrider.Engine;
using Postrider.Engine.Messages;
using Postrider.Store.Postgres;

namespace Postrider.Hosting;

/// <summary>Tells the other nodes what waits, and this one's engine what they tell.</summary>
sealed class NodeWakeups(PostgresStore store, MailEngine engine, IdGenerator ids, ILogger<NodeWakeups> log) : IHostedService
{
    PostgresWakeups? _wakeups;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _wakeups = new PostgresWakeups(store, engine.Due, engine.LookAgain, TimeProvider.System, ids, log);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_wakeups is not null)
            await _wakeups.DisposeAsync();
    }
}
