using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Testing;

namespace Postrider.Engine.Tests.Control;

public sealed class BatchControlTests : IBatchOrderStore, IBatchStore, IQueueWakeup, IDisposable
{
    static readonly BatchKey Batch = new(new TenantId(Guid.CreateVersion7()), new BatchId(Guid.CreateVersion7()));
    static readonly Backlog Released = new(new BacklogKey(Batch.Tenant, "peer.test"), DateTimeOffset.UnixEpoch);

    readonly ManualTime _time = new();
    readonly List<BatchOrder> _ordered = [];
    readonly List<BatchPage> _pages = [];
    readonly List<Backlog> _woken = [];
    readonly Queue<Task<BatchPageResult>> _answers = [];
    readonly Channel<BatchKey> _begun = Channel.CreateUnbounded<BatchKey>();
    readonly BatchControl _control;
    IReadOnlyList<BatchKey> _pending = [];
    bool _isThere = true;

    public BatchControlTests() =>
        _control = new BatchControl(
            this, this, this, new IdGenerator(_time), _time, new ControlOptions(), NullLogger<BatchControl>.Instance);

    [Fact]
    public async Task An_order_is_worked_on_page_by_page_and_what_it_releases_is_told()
    {
        _answers.Enqueue(Task.FromResult(new BatchPageResult(BatchWork.More, [])));
        _answers.Enqueue(Task.FromResult(new BatchPageResult(BatchWork.Done, [Released])));

        var view = await _control.OrderAsync(Batch, BatchAction.Resume, null, CancellationToken.None);

        Assert.Equal(Batch.Batch, view!.Id);
        Assert.Equal(new BatchOrder(Batch, BatchAction.Resume, _time.GetUtcNow()), Assert.Single(_ordered));
        Assert.Equal(2, _pages.Count);
        Assert.Single(_pages.Select(page => page.Owner).Distinct());
        Assert.All(_pages, page => Assert.True(page.LeaseUntil > page.Now));
        Assert.Equal([Released], _woken);
    }

    [Fact]
    public async Task An_order_for_no_batch_is_nothing()
    {
        _isThere = false;

        Assert.Null(await _control.OrderAsync(Batch, BatchAction.Cancel, null, CancellationToken.None));

        Assert.Empty(_pages);
    }

    [Fact]
    public async Task Who_waits_is_answered_in_time_and_the_work_goes_on()
    {
        var page = new TaskCompletionSource<BatchPageResult>();
        _answers.Enqueue(page.Task);
        _answers.Enqueue(Task.FromResult(new BatchPageResult(BatchWork.Done, [Released])));
        var asking = _control.OrderAsync(Batch, BatchAction.Cancel, null, CancellationToken.None);
        Assert.False(asking.IsCompleted);

        _time.Advance(new ControlOptions().BatchPatience);
        Assert.NotNull(await asking);
        Assert.Single(_pages);
        page.SetResult(new BatchPageResult(BatchWork.More, []));
        _pending = [Batch];
        await _control.RunOnceAsync(CancellationToken.None);

        Assert.True(_pages.Count >= 2);
        Assert.Equal([Released], _woken);
    }

    [Fact]
    public async Task A_second_order_waits_for_a_page_of_its_own()
    {
        var page = new TaskCompletionSource<BatchPageResult>();
        _answers.Enqueue(page.Task);
        _answers.Enqueue(Task.FromResult(new BatchPageResult(BatchWork.Done, [])));
        var first = _control.OrderAsync(Batch, BatchAction.Pause, null, CancellationToken.None);
        var second = _control.OrderAsync(Batch, BatchAction.Resume, null, CancellationToken.None);

        page.SetResult(new BatchPageResult(BatchWork.Done, []));
        await Task.WhenAll(first, second);

        Assert.Equal(2, _pages.Count);
    }

    [Fact]
    public async Task What_is_left_of_other_nodes_orders_is_finished()
    {
        _pending = [Batch];
        _answers.Enqueue(Task.FromResult(new BatchPageResult(BatchWork.Done, [])));

        await _control.RunOnceAsync(CancellationToken.None);

        Assert.Equal(Batch, Assert.Single(_pages).Batch);
        Assert.Empty(_ordered);
    }

    [Fact]
    public async Task A_large_order_keeps_no_other_waiting_and_is_not_begun_twice()
    {
        var (large, other) = (new TaskCompletionSource<BatchPageResult>(), Batch with { Batch = new BatchId(Guid.CreateVersion7()) });
        _answers.Enqueue(large.Task);
        _answers.Enqueue(Task.FromResult(new BatchPageResult(BatchWork.Done, [])));
        _pending = [Batch];
        await _control.RunOnceAsync(CancellationToken.None);
        _pending = [Batch, other];

        await _control.RunOnceAsync(CancellationToken.None);

        Assert.Equal([Batch, other], _pages.Select(page => page.Batch));
        large.SetResult(new BatchPageResult(BatchWork.Done, []));
    }

    [Fact]
    public async Task Orders_take_turns_a_page_each()
    {
        BatchKey[] many = [.. Enumerable.Range(0, 20).Select(_ => Batch with { Batch = new BatchId(Guid.CreateVersion7()) })];
        var pages = many.Select(_ => new TaskCompletionSource<BatchPageResult>()).ToArray();
        Array.ForEach(pages, page => _answers.Enqueue(page.Task));
        _pending = many;
        await _control.RunOnceAsync(CancellationToken.None);
        var atOnce = _pages.Count;
        Assert.InRange(atOnce, 1, many.Length - 1);
        for (var i = 0; i < atOnce; i++)
            await NextBegunAsync();

        pages[0].SetResult(new BatchPageResult(BatchWork.More, []));

        Assert.Equal(many[atOnce], await NextBegunAsync());
    }

    Task<BatchKey> NextBegunAsync() => _begun.Reader.ReadAsync(CancellationToken.None).AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    [Fact]
    public async Task A_store_that_is_away_is_told_to_who_asked_and_tried_again()
    {
        _answers.Enqueue(Task.FromException<BatchPageResult>(new StoreUnavailableException("away")));
        await Assert.ThrowsAsync<StoreUnavailableException>(
            () => _control.OrderAsync(Batch, BatchAction.Cancel, null, CancellationToken.None));

        _pending = [Batch];
        _answers.Enqueue(Task.FromResult(new BatchPageResult(BatchWork.Done, [])));
        await _control.RunOnceAsync(CancellationToken.None);

        Assert.Equal(2, _pages.Count);
    }

    public Task<bool> OrderAsync(BatchOrder order, CancellationToken cancel)
    {
        if (_isThere)
            _ordered.Add(order);
        return Task.FromResult(_isThere);
    }

    public Task<IReadOnlyList<BatchKey>> PendingOrdersAsync(DateTimeOffset now, int limit, CancellationToken cancel) =>
        Task.FromResult(_pending);

    public Task<BatchPageResult> RunPageAsync(BatchPage page, CancellationToken cancel)
    {
        _pages.Add(page);
        _begun.Writer.TryWrite(page.Batch);
        return _answers.TryDequeue(out var answer) ? answer : Task.FromResult(new BatchPageResult(BatchWork.Done, []));
    }

    public Task<IReadOnlyList<BatchView>> HeldBatchesAsync(TenantId tenant, int limit, CancellationToken cancel) =>
        throw new NotSupportedException();

    Task IBatchStore.CreateAsync(TenantId tenant, BatchId batch, CancellationToken cancel) => throw new NotSupportedException();

    public Task<BatchView?> FindAsync(TenantId tenant, BatchId batch, CancellationToken cancel) =>
        Task.FromResult<BatchView?>(new BatchView(batch, new long[MessageStatuses.Count], null));

    void IQueueWakeup.Due(Backlog backlog) => _woken.Add(backlog);

    public void Dispose() => _control.Dispose();
}
