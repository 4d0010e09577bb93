using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Postrider.Engine.Messages;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Nodes;

/// <summary>
/// What nodes say to each other, by PostgreSQL's <c>notify</c>: one connection hears the others, and what is said goes out beside the
/// writes. Nothing is kept: what is said while nobody listens, as while the database is away, is lost.
/// </summary>
/// <remarks>
/// A transaction that notifies holds a lock of the whole cluster until it has committed, which would bring the nodes' commits into one
/// line.
/// So nothing is said inside a write.
/// </remarks>
public sealed class NodeChannel : IAsyncDisposable
{
    /// <summary>In octets; PostgreSQL's own limit is 8,000, of which the sender takes some.</summary>
    public const int LongestText = 7_400;

    static readonly TimeSpan AfterFault = TimeSpan.FromSeconds(1);

    readonly Database _database;
    readonly TimeProvider _time;
    readonly ILogger _log;
    readonly string _sender;
    readonly Dictionary<string, Action<string[]>> _topics = [];
    readonly CancellationTokenSource _stop = new();
    readonly TaskCompletionSource _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    Task _work = Task.CompletedTask;

    public NodeChannel(PostgresStore store, TimeProvider time, IdGenerator ids, ILogger? log)
    {
        (_database, _time, _log) = (store.Database, time, log ?? NullLogger.Instance);
        _sender = ids.Next().ToString("N");
    }

    /// <summary>Completed once other nodes are heard.</summary>
    public Task Listening => _listening.Task;

    internal TimeProvider Time => _time;

    /// <summary>Before <see cref="Start"/>.</summary>
    /// <param name="topic">A name of PostgreSQL's, safe unquoted.</param>
    /// <param name="heard">Given the lines that another node said; must neither wait nor throw.</param>
    internal void Hear(string topic, Action<string[]> heard) => _topics.Add(topic, heard);

    /// <param name="listens">Called each time others are heard from now on: what they said before has been missed. Must not wait.</param>
    public void Start(Action listens) => _work = RepeatAsync(cancel => ListenAsync(listens, cancel), _stop.Token);

    /// <summary>Does it again and again, a second after each fault.</summary>
    internal async Task RepeatAsync(Func<CancellationToken, Task> work, CancellationToken cancel)
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
                    _log.ChannelLost(e.Message, AfterFault);
                else
                    _log.ChannelFaulted(e, AfterFault);
                await Task.Delay(AfterFault, _time, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    async Task ListenAsync(Action listens, CancellationToken cancel)
    {
        await using var connection = await _database.OpenListenerAsync(cancel);
        connection.Notification += (_, notification) => Read(notification.Channel, notification.Payload);
        await using (var batch = new NpgsqlBatch(connection))
        {
            foreach (var topic in _topics.Keys)
                batch.Add($"listen {topic}");
            await batch.ExecuteNonQueryAsync(cancel);
        }
        _listening.TrySetResult();
        listens();
        while (true)
            await connection.WaitAsync(cancel);
    }

    const string NotifySql = """
        select pg_notify(@topic, @payload)
        """;

    /// <param name="text">Lines, <see cref="LongestText"/> at most together.</param>
    /// <exception cref="StoreUnavailableException">Nobody heard it, as far as is known.</exception>
    internal async Task SayAsync(string topic, string text, CancellationToken cancel) =>
        await _database.ReadAsync(connection => NotifyAsync(connection, topic, $"{_sender}\n{text}"), cancel);

    static async Task<int> NotifyAsync(NpgsqlConnection connection, string topic, string payload)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.Add(NotifySql).With("topic", topic).With("payload", payload);
        return await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }

    void Read(string topic, string payload)
    {
        var lines = payload.Split('\n');
        if (lines[0] != _sender && _topics.TryGetValue(topic, out var heard))
            heard(lines[1..]);
    }

    /// <summary>Hears no more; what is said still goes out.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _work;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }
}
