using Postrider.Engine;
using Postrider.Engine.Control;
using Postrider.Store.Postgres;
using Postrider.Store.Postgres.Nodes;

namespace Postrider.Hosting;

/// <summary>What this node's engine and control tell the other nodes, and are told by them.</summary>
sealed class NodeTalk(PostgresStore store, NodeChannel channel, PostgresCalls calls, MailEngine engine, MessageControl control) : IHostedService
{
    PostgresWakeups? _wakeups;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _wakeups = new PostgresWakeups(channel, store, engine.Due);
        calls.Answer(control);
        channel.Start(engine.LookAgain);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_wakeups is not null)
            await _wakeups.DisposeAsync();
        await channel.StopAsync();
    }
}
