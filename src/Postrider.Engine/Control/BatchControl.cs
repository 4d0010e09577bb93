using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;

namespace Postrider.Engine.Control;

/// <summary>Cancels, pauses, resumes and reschedules whole batches, and finishes the orders of nodes that are gone.</summary>
/// <remarks>
/// The order and the batch's state are one transaction, and hold from there on; the messages follow a page at a time. A process that dies
/// half-way loses nothing: another node, or its own next start, finds the order when its lease has ended and goes on behind its cursor. A
/// worker of this node that holds a message finds its lease void, exactly as after a single cancel.
/// </remarks>
public sealed class BatchControl(
    IBatchOrderStore store, IBatchStore batches, IQueueWakeup wakeup, IdGenerator ids, TimeProvider time, ControlOptions options,
    ILogger<BatchControl> log) : BackgroundService
{
    /// <summary>
    /// Messages a transaction looks at: some tens of milliseconds, so that no other write of the tenant waits long. A guess.
    /// </summary>
    const int Page = 500;
    const int MostPending = 100;

    /// <summary>Pages under way in this node: orders take turns for them, so that none waits behind a large one. A guess.</summary>
    const int PagesAtOnce = 8;

    /// <summary>Many times what a page takes; a dead node's order stands still for this long at most. A guess.</summary>
    static readonly TimeSpan Lease = TimeSpan.FromSeconds(10);
    static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    readonly NodeId _node = new(ids.Next());
    readonly ConcurrentDictionary<BatchKey, Task> _running = new();
    readonly CancellationTokenSource _stopping = new();
    readonly SemaphoreSlim _pages = new(PagesAtOnce);

    /// <summary>
    /// Writes the order and waits for its end, for <see cref="ControlOptions.BatchPatience"/>; it goes on by itself after that.
    /// </summary>
    /// <returns>The batch after it, its <see cref="BatchView.Order"/> done or under way; null when there is no such batch.</returns>
    public async Task<BatchView?> OrderAsync(BatchKey batch, BatchAction action, DateTimeOffset? dueAt, CancellationToken cancel)
    {
        if (!await store.OrderAsync(new BatchOrder(batch, action, time.GetUtcNow(), dueAt), cancel))
            return null;
        try
        {
            await WorkAsync(batch).WaitAsync(options.BatchPatience, time, cancel);
        }
        catch (TimeoutException)
        {
            // A large batch: the answer says how far it is.
        }
        return await batches.FindAsync(batch.Tenant, batch.Batch, cancel);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            do
            {
                try
                {
                    await RunOnceAsync(stoppingToken);
                }
                catch (Exception e) when (!stoppingToken.IsCancellationRequested)
                {
                    log.BatchOrdersFailed(e);       // the next tick tries again
                }
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Told to stop.
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await base.StopAsync(cancellationToken);
        try
        {
            await Task.WhenAll(_running.Values).WaitAsync(cancellationToken);
        }
        catch (Exception e) when (e is OperationCanceledException or StoreUnavailableException)
        {
            // Whoever starts next goes on.
        }
    }

    public override void Dispose()
    {
        _stopping.Dispose();
        _pages.Dispose();
        base.Dispose();
    }

    /// <summary>Begins what is pending, and does not wait for it: the next look comes in time, however large an order is.</summary>
    internal async Task RunOnceAsync(CancellationToken cancel)
    {
        foreach (var batch in await store.PendingOrdersAsync(time.GetUtcNow(), MostPending, cancel))
        {
            // One that is under way is pending again at a later look, if something is left then.
            if (!_running.ContainsKey(batch))
                _ = FinishAsync(batch);
        }
    }

    async Task FinishAsync(BatchKey batch)
    {
        try
        {
            await WorkAsync(batch);
        }
        catch (Exception e) when (!_stopping.IsCancellationRequested)
        {
            log.BatchOrdersFailed(e);       // it is still pending
        }
        catch (OperationCanceledException)
        {
            // Told to stop.
        }
    }

    /// <summary>Starts on the order, or joins who is at it: a new order is seen by the next page of the old one's work.</summary>
    Task WorkAsync(BatchKey batch)
    {
        while (true)
        {
            var work = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var running = _running.GetOrAdd(batch, work.Task);
            if (running == work.Task)
            {
                _ = RunAsync(batch, work);
                return work.Task;
            }
            // What it saw last may have been the end of the order before this one, so this one is looked at after it.
            if (!running.IsCompleted)
                return running.ContinueWith(
                    _ => WorkAsync(batch), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default).Unwrap();
        }
    }

    async Task RunAsync(BatchKey batch, TaskCompletionSource done)
    {
        try
        {
            await RunPagesAsync(batch);
            _running.TryRemove(batch, out _);
            done.SetResult();
        }
        catch (OperationCanceledException)
        {
            _running.TryRemove(batch, out _);
            done.SetCanceled();
        }
        catch (Exception e)
        {
            _running.TryRemove(batch, out _);
            done.SetException(e);
        }
    }

    async Task RunPagesAsync(BatchKey batch)
    {
        BatchWork work;
        do
        {
            await _pages.WaitAsync(_stopping.Token);
            try
            {
                work = await RunPageAsync(batch);
            }
            finally
            {
                _pages.Release();
            }
        }
        while (work == BatchWork.More);
    }

    async Task<BatchWork> RunPageAsync(BatchKey batch)
    {
        var now = time.GetUtcNow();
        // Not cancellable: a page that is given up may be committed, and what it released would wait for the dispatcher's sweep.
        var result = await store.RunPageAsync(new BatchPage(batch, _node, now, now + Lease, Page), CancellationToken.None);
        foreach (var backlog in result.Waiting)
            wakeup.Due(backlog);
        return result.Work;
    }
}
