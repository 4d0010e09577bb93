using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Npgsql;
using Postrider.Store.Postgres.Connections;

namespace Postrider.Store.Postgres.Writing;

/// <summary>
/// One kind of write. All that wait for a lane become one transaction; while it commits the next ones gather, so the busier the store, the
/// more each round trip and each fsync carries. A lane keeps to one connection, so its writes of a kind are done in the order in which they
/// came.
/// </summary>
/// <remarks>
/// A write that the database refuses harms only its own caller: the group was rolled back, and each of its writes is run again alone. When
/// the server says that it cannot write, every caller gets <see cref="Engine.Messages.StoreUnavailableException"/>. When the connection
/// broke, whether the commit took place is not known: <see cref="RecheckAsync"/> looks on a new one, and answers what is found there; the
/// callers of the rest are told that the store is away, and no write is run a second time. The next group connects anew.
/// </remarks>
abstract class GroupWriter<T> : IAsyncDisposable where T : PendingWrite
{
    /// <summary>A deadlock's loser goes again; each time somebody else has got through.</summary>
    const int Attempts = 8;

    /// <summary>
    /// How long a plan is used. The queue is empty one moment and holds a million the next, and a plan made for the one is ruinous for the
    /// other; planning anew costs some milliseconds. A guess.
    /// </summary>
    static readonly TimeSpan PlanLifetime = TimeSpan.FromSeconds(2);

    readonly Database _database;
    readonly ILogger _log;
    readonly LaneQueue<T>[] _queues;
    readonly Task[] _workers;

    /// <param name="pace">How far apart a busy lane's groups begin; zero: each as soon as the one before it has ended.</param>
    protected GroupWriter(Database database, PostgresStoreOptions options, TimeSpan pace, ILogger log)
    {
        (_database, _log) = (database, log);
        // By the machine's own clock, like all that is about how fast it is: a test's clock may stand still, and its writes shall not.
        _queues = [.. Enumerable.Range(0, options.WriterShards).Select(
            _ => new LaneQueue<T>(options.WritesWaiting, options.GroupLimit, options.GroupOctets, pace, TimeProvider.System))];
        _workers = [.. _queues.Select(queue => Task.Run(() => WorkAsync(queue)))];
    }

    protected Database Database => _database;

    /// <summary>Does all of it in one transaction of one lane, and gives each write its answer.</summary>
    protected abstract Task CommitAsync(NpgsqlConnection connection, short lane, List<T> group);

    /// <summary>Answers those writes whose effect is found in the database.</summary>
    protected abstract Task RecheckAsync(NpgsqlConnection connection, short lane, List<T> group);

    /// <summary>A commit whose outcome stays unknown.</summary>
    protected virtual void OnLost(List<T> group)
    {
    }

    /// <summary>
    /// When this gives true, what made a group fail has been repaired and it is to be run again. Else a group of several is run one by one.
    /// </summary>
    protected virtual Task<bool> RepairAsync(Exception fault, List<T> group) => Task.FromResult(false);

    protected ValueTask EnqueueAsync(T write, CancellationToken cancel) => _queues[write.Lane % _queues.Length].AddAsync(write, cancel);

    async Task WorkAsync(LaneQueue<T> queue)
    {
        var worker = new Worker(this);
        var group = new List<T>();
        while (await queue.NextLaneAsync() is { } lane)
        {
            queue.Take(lane, group);
            if (group.Count > 0)
                await worker.RunAsync(lane, group);
            group.Clear();
        }
        await worker.CloseAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var queue in _queues)
            queue.Close();
        await Task.WhenAll(_workers);
        foreach (var queue in _queues)
            queue.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>One shard's connection and what is done over it.</summary>
    sealed class Worker(GroupWriter<T> writer)
    {
        NpgsqlConnection? _connection;
        long _planned;

        public async Task RunAsync(short lane, List<T> group)
        {
            var fault = await TryAsync(lane, group);
            if (fault is null)
                Complete(group);
            else if (PostgresFault.ReachOf(fault) != FaultReach.Statement)
                FailAll(fault, group);
            else if (group.Count == 1)
                group[0].Fail(fault);
            else
            {
                writer._log.GroupSplit(fault, group.Count);
                foreach (var write in group)
                    await RunAsync(lane, [write]);
            }
        }

        public async Task CloseAsync()
        {
            if (_connection is not null)
                await _connection.DisposeAsync();
        }

        static void Complete(List<T> group)
        {
            foreach (var write in group)
                write.Complete();
        }

        void FailAll(Exception fault, List<T> group)
        {
            var unavailable = writer._database.Unavailable(fault);
            foreach (var write in group)
                write.Fail(unavailable);
        }

        /// <returns>Null when the group is committed; else why it was rolled back, or why nobody knows. Never throws.</returns>
        async Task<Exception?> TryAsync(short lane, List<T> group)
        {
            for (var attempt = 1; ; attempt++)
            {
                var sent = false;
                try
                {
                    var connection = await ConnectAsync();
                    sent = true;
                    await writer.CommitAsync(connection, lane, group);
                    return null;
                }
                catch (Exception e)
                {
                    group.ForEach(static write => write.Reset());
                    if (sent && PostgresFault.ReachOf(e) == FaultReach.Connection)
                        return await RecheckAsync(e, lane, group);
                    await RollBackAsync();
                    if (attempt == Attempts || (PostgresFault.ReachOf(e) != FaultReach.Retry && !await TryRepairAsync(e, group)))
                        return e;
                }
            }
        }

        async Task<bool> TryRepairAsync(Exception fault, List<T> group)
        {
            try
            {
                return await writer.RepairAsync(fault, group);
            }
            catch (Engine.Messages.StoreUnavailableException)
            {
                return false;       // told already
            }
            catch (Exception e)
            {
                writer._log.RepairFailed(e);
                return false;
            }
        }

        /// <returns>Null when all of the group is stored. A group is one transaction, so it is all or none.</returns>
        async Task<Exception?> RecheckAsync(Exception fault, short lane, List<T> group)
        {
            await RollBackAsync();
            try
            {
                await writer.RecheckAsync(await ConnectAsync(), lane, group);
            }
            catch (Exception)
            {
                // What it did not find stays unknown, and its callers are told so.
                await RollBackAsync();
            }
            var found = group.Count(static write => write.IsAnswered);
            writer._log.CommitRechecked(group.Count, found);
            if (found == group.Count)
                return null;
            if (found > 0)
            {
                Complete(group.FindAll(static write => write.IsAnswered));
                group.RemoveAll(static write => write.IsAnswered);
            }
            writer.OnLost(group);
            return fault;
        }

        async Task<NpgsqlConnection> ConnectAsync()
        {
            if (_connection is not { FullState: System.Data.ConnectionState.Open })
            {
                await RollBackAsync();
                _connection = await writer._database.OpenWriterAsync(CancellationToken.None);
            }
            if (Stopwatch.GetElapsedTime(_planned) >= PlanLifetime)
            {
                await using var discard = new NpgsqlBatch(_connection);
                discard.Add("discard plans");
                await discard.ExecuteNonQueryAsync(CancellationToken.None);
                _planned = Stopwatch.GetTimestamp();
            }
            return _connection;
        }

        /// <summary>Lets go of the connection, which rolls back what it had begun; the pool gives the next one.</summary>
        async Task RollBackAsync()
        {
            if (_connection is not { } connection)
                return;
            _connection = null;
            try
            {
                await connection.DisposeAsync();
            }
            catch (Exception e) when (e is NpgsqlException or IOException)
            {
                // It was broken.
            }
        }
    }
}
