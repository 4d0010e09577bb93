using Postrider.Engine.Messages;

namespace Postrider.Store.Conformance;

public abstract class BatchConformance<TFixture> : StoreConformance<TFixture> where TFixture : StoreFixture, new()
{
    [Fact]
    public async Task An_empty_batch_is_not_complete()
    {
        var batch = await Sample.AddBatchAsync();

        var view = await FindAsync(batch);

        Assert.Equal(new long[MessageStatuses.Count], view.Counts);
        Assert.Null(view.CompletedAt);
        Assert.Null(await Store.Batches.FindAsync(Sample.Tenant, new BatchId(Store.Ids.Next()), CancellationToken.None));
    }

    [Fact]
    public async Task A_batch_is_complete_when_its_last_message_settles_and_opens_again_with_a_new_one()
    {
        var batch = await Sample.AddBatchAsync();
        await Sample.AcceptAsync(message => message with { Batch = batch });
        await Sample.AcceptAsync(message => message with { Batch = batch });
        var leased = await Sample.ClaimAsync();
        await Sample.SettleAsync(Sample.Delivered(leased[0].Key));
        var half = await FindAsync(batch);
        Store.Time.Advance(TimeSpan.FromSeconds(5));
        await Sample.SettleAsync(Sample.Delivered(leased[1].Key));
        var whole = await FindAsync(batch);
        await Sample.AcceptAsync(message => message with { Batch = batch });
        var reopened = await FindAsync(batch);

        Assert.Equal(
            (1L, 1L, null), (half.Counts[(int)MessageStatus.Processing], half.Counts[(int)MessageStatus.Delivered], half.CompletedAt));
        Assert.Equal((2L, Store.Now), (whole.Counts[(int)MessageStatus.Delivered], whole.CompletedAt));
        Assert.Equal((1L, null), (reopened.Counts[(int)MessageStatus.Queued], reopened.CompletedAt));
    }

    async Task<BatchView> FindAsync(BatchId batch) =>
        await Store.Batches.FindAsync(Sample.Tenant, batch, CancellationToken.None)
            ?? throw new InvalidOperationException("There is no such batch.");
}
