using System.Globalization;
using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres;

/// <summary>
/// Tells other nodes what waits, and hears it from them, by PostgreSQL's <c>notify</c>. A node that is idle sends at once; a busy one sends
/// what gathered, each backlog once, with its earliest due time.
/// </summary>
/// <remarks>
/// Sent after the commit and on a connection of its own: a transaction that notifies holds a lock of the whole cluster until it has
/// committed, which would bring the nodes' commits into one line. What is lost on the way, as while the database is away, the dispatcher
/// finds by looking at the store itself: it is told to whenever listening begins anew.
/// </remarks>
public sealed class PostgresWakeups : IAsyncDisposable
{
    const string Channel = "postrider_queue";
    const int LongestPayload = 7_500;       // PostgreSQL's limit is 8,000 octets

    /// <summary>Between two sends, so that a busy node does not wake the others for every message. A guess.</summary>
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    static readonly TimeSpan AfterFault = TimeSpan.FromSeconds(1);

    /// <summary>What a stop gives the last wake-ups, which tell of what this node has just given back. A guess.</summary>
    static readonly TimeSpan Farewell = TimeSpan.FromSeconds(2);

    readonly PostgresStore _store;
    readonly TimeProvider _time;
    readonly ILogger _log;
    readonly string _sender;
    readonly Lock _lock = new();
    readonly Channel<bool> _signal = System.Threading.Channels.Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    readonly CancellationTokenSource _stop = new();
    readonly TaskCompletionSource _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly Action _listens;
    readonly Task _work;
    Dictionary<BacklogKey, DateTimeOffset> _gathered = [];

    /// <param name="noted">Called for each backlog another node tells of; must not wait. <see cref="IQueueWakeup.Due"/> is meant.</param>
    /// <param name="listens">Called each time others are heard from now on: what they told before has been missed. Must not wait.</param>
    public PostgresWakeups(
        PostgresStore store, Action<Backlog> noted, Action listens, TimeProvider time, IdGenerator ids, ILogger? log)
    {
        (_store, _listens, _time, _log) = (store, listens, time, log ?? NullLogger.Instance);
        _sender = ids.Next().ToString("N");
        store.Waiting += Gather;
        _work = Task.WhenAll(
            LoopAsync(cancel => ListenAsync(noted, cancel), _stop.Token),
            LoopAsync(SendAsync, _stop.Token));
    }

    /// <summary>Completed once other nodes are heard.</summary>
    public Task Listening => _listening.Task;

    /// <summary>Tells what has gathered first.</summary>
    public async ValueTask DisposeAsync()
    {
        _store.Waiting -= Gather;
        await _stop.CancelAsync();
        await _work;
        using (var farewell = new CancellationTokenSource(Farewell, _time))
        {
            try
            {
                await SendGatheredAsync(farewell.Token).WaitAsync(farewell.Token);
            }
            catch (Exception e) when (e is StoreUnavailableException or OperationCanceledException)
            {
                // The others find it in their own time.
            }
        }
        _stop.Dispose();
    }

    void Gather(Backlog backlog)
    {
        lock (_lock)
        {
            if (!_gathered.TryGetValue(backlog.Key, out var due) || backlog.NextDueAt < due)
                _gathered[backlog.Key] = backlog.NextDueAt;
        }
        _signal.Writer.TryWrite(true);
    }

    async Task LoopAsync(Func<CancellationToken, Task> work, CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                await work(cancel);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                if (e is StoreUnavailableException || PostgresFault.IsUnavailable(e))
                    _log.WakeupsLost(e.Message, AfterFault);
                else
                    _log.WakeupsFaulted(e, AfterFault);
                await Task.Delay(AfterFault, _time, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    async Task ListenAsync(Action<Backlog> noted, CancellationToken cancel)
    {
        await using var connection = await _store.Database.OpenListenerAsync(cancel);
        connection.Notification += (_, notification) => Read(notification.Payload, noted);
        await using (var batch = new NpgsqlBatch(connection))
        {
            batch.Add(ListenSql);
            await batch.ExecuteNonQueryAsync(cancel);
        }
        _listening.TrySetResult();
        _listens();
        while (true)
            await connection.WaitAsync(cancel);
    }

    const string ListenSql = $"listen {Channel}";

    const string NotifySql = """
        select pg_notify(@channel, @payload)
        """;

    async Task SendAsync(CancellationToken cancel)
    {
        await _signal.Reader.ReadAsync(cancel);
        await SendGatheredAsync(cancel);
        await Task.Delay(Pause, _time, cancel);
    }

    async Task SendGatheredAsync(CancellationToken cancel)
    {
        Dictionary<BacklogKey, DateTimeOffset> gathered;
        lock (_lock) (gathered, _gathered) = (_gathered, []);
        try
        {
            foreach (var payload in Write(gathered))
                await _store.Database.ReadAsync(connection => NotifyAsync(connection, payload), cancel);
        }
        catch
        {
            foreach (var (key, due) in gathered)
                Gather(new Backlog(key, due));      // the next send tells it; twice does no harm
            throw;
        }
    }

    static async Task<int> NotifyAsync(NpgsqlConnection connection, string payload)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(NotifySql).With("channel", Channel).With("payload", payload);
        return await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }

    /// <summary>The sender, then a line a backlog: lane, tenant, due time in Unix milliseconds, domain.</summary>
    IEnumerable<string> Write(Dictionary<BacklogKey, DateTimeOffset> backlogs)
    {
        var payload = new StringBuilder(_sender);
        foreach (var (key, due) in backlogs)
        {
            var line = string.Create(
                CultureInfo.InvariantCulture, $"\n{Lane.Of(key.Tenant)} {key.Tenant.Value:N} {due.ToUnixTimeMilliseconds()} {key.Domain}");
            if (payload.Length + line.Length > LongestPayload)
            {
                yield return payload.ToString();
                payload.Clear().Append(_sender);
            }
            payload.Append(line);
        }
        if (payload.Length > _sender.Length)
            yield return payload.ToString();
    }

    /// <summary>What is not understood, as from a newer node, is passed over: it would be found later anyway.</summary>
    void Read(string payload, Action<Backlog> noted)
    {
        var lines = payload.Split('\n');
        if (lines[0] == _sender)
            return;
        foreach (var line in lines.Skip(1))
        {
            if (line.Split(' ') is [_, var tenant, var due, var domain]
                && Guid.TryParseExact(tenant, "N", out var id)
                && long.TryParse(due, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var milliseconds)
                && milliseconds >= DateTimeOffset.MinValue.ToUnixTimeMilliseconds() && milliseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds())
                noted(new Backlog(new BacklogKey(new TenantId(id), domain), DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)));
        }
    }
}
