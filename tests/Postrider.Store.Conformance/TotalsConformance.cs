using Postrider.Engine.Control;
using Postrider.Engine.Messages;
using Postrider.Engine.Queue;
using Postrider.Engine.Reports;

namespace Postrider.Store.Conformance;

/// <summary>Totals are bookkeeping: where they are wrong nothing waits for them, and they are counted anew.</summary>
public abstract class TotalsConformance<TFixture> : StoreConformance<TFixture> where TFixture : StoreFixture, new()
{
    [Fact]
    public async Task A_settlement_is_written_though_its_totals_are_wrong()
    {
        var (batch, sending, _) = await FillAsync();
        await DamageAsync();

        Assert.True(await Sample.SettleAsync(Sample.Delivered(sending)));

        await AssertTotalsAsync(batch, queued: 1, delivered: 2);
        Assert.Null((await ViewAsync(batch)).CompletedAt);
    }

    [Fact]
    public async Task The_last_settlement_completes_a_batch_whose_totals_were_wrong()
    {
        var (batch, sending, _) = await FillAsync();
        await Sample.SettleAsync(Sample.Delivered(await Sample.ClaimOneAsync()));
        await DamageAsync();
        Store.Time.Advance(TimeSpan.FromMinutes(1));

        Assert.True(await Sample.SettleAsync(Sample.Delivered(sending)));

        await AssertTotalsAsync(batch, delivered: 3);
        Assert.Equal(Store.Now, (await ViewAsync(batch)).CompletedAt);
    }

    [Fact]
    public async Task Others_of_the_same_transaction_are_written_too()
    {
        var (batch, sending, _) = await FillAsync();
        var other = await Sample.AddTenantAsync("other");
        var leases = new List<LeaseKey> { sending };
        for (var i = 0; i < 10; i++)
        {
            leases.Add(await Sample.SendingAsync());
            await Sample.AcceptAsync(message => message with { Tenant = other });
        }
        var claim = new Claim(new BacklogKey(other, "example.net"), Store.Now, 100, Sample.Node, Sample.Later);
        leases.AddRange((await Store.Queue.ClaimAsync(claim, CancellationToken.None)).Messages.Select(leased => leased.Key));
        Assert.Equal(21, leases.Count);
        await DamageAsync();

        var written = await Task.WhenAll(leases.Select(lease => Sample.SettleAsync(Sample.Delivered(lease))));

        Assert.All(written, Assert.True);
        Assert.Equal((13L, 12L), ((await Sample.ListAsync()).Total, await TotalAsync(MessageStatus.Delivered)));
        Assert.Equal((10L, 10L), (await TotalAsync(other), await TotalAsync(other, MessageStatus.Delivered)));
        var counts = (await ViewAsync(batch)).Counts;
        Assert.Equal((0L, 3L), (counts[(int)MessageStatus.Queued], counts[(int)MessageStatus.Delivered]));
    }

    [Fact]
    public async Task A_cancel_is_taken_though_its_totals_are_wrong()
    {
        var (batch, sending, _) = await FillAsync();
        var waiting = (await Sample.ListAsync(new MessageFilter { Statuses = [MessageStatus.Queued] })).Items[0].Id;
        await Sample.SettleAsync(Sample.Delivered(sending));
        await DamageAsync();

        Assert.IsType<ControlResult.Changed>(await Sample.ChangeAsync(waiting, ControlAction.Cancel));

        await AssertTotalsAsync(batch, delivered: 2, cancelled: 1);
    }

    [Fact]
    public async Task An_order_to_a_batch_is_carried_out_though_its_totals_are_wrong()
    {
        var (batch, sending, _) = await FillAsync();
        await Sample.SettleAsync(Sample.Delivered(sending));
        await DamageAsync();
        var key = new BatchKey(Sample.Tenant, batch);
        await Store.Orders.OrderAsync(new BatchOrder(key, BatchAction.Cancel, Store.Now), CancellationToken.None);

        var page = new BatchPage(key, Sample.Node, Store.Now, Sample.Later, 10);
        Assert.Equal(BatchWork.Done, (await Store.Orders.RunPageAsync(page, CancellationToken.None)).Work);

        await AssertTotalsAsync(batch, delivered: 2, cancelled: 1);
    }

    [Fact]
    public async Task A_report_is_recorded_though_its_totals_are_wrong()
    {
        var (batch, sending, delivered) = await FillAsync();
        await Sample.SettleAsync(Sample.Delivered(sending));
        await DamageAsync();
        var report = new RecipientReport(
            delivered, 0, EventType.Bounce,
            new EventData { SmtpResponse = "550 5.1.1 no", BounceType = "hard", Status = "5.1.1", Source = "dsn" },
            ReportCause.Of(EventType.Bounce, 0));

        var result = await Store.RecipientReports.RecordAsync(Sample.Tenant, report, Store.Now, CancellationToken.None);

        Assert.Equal(ReportResult.Recorded, result);
        await AssertTotalsAsync(batch, queued: 1, delivered: 1, bounced: 1);
    }

    /// <summary>A batch of three: one waits, one is being sent, one was delivered.</summary>
    async Task<(BatchId Batch, LeaseKey Sending, MessageId Delivered)> FillAsync()
    {
        var batch = await Sample.AddBatchAsync();
        var delivered = await Sample.SendingAsync(message => message with { Batch = batch });
        Assert.True(await Sample.SettleAsync(Sample.Delivered(delivered)));
        var sending = await Sample.SendingAsync(message => message with { Batch = batch });
        await Sample.AcceptAsync(message => message with { Batch = batch });
        return (batch, sending, delivered.Message);
    }

    async Task DamageAsync()
    {
        foreach (var table in (string[])["batch", "counter"])
            await Store.ExecuteAsync($"update {table} set queued = 0, processing = 0, rendered = 0, sending = 0, delivered = 0");
    }

    async Task AssertTotalsAsync(BatchId batch, long queued = 0, long delivered = 0, long bounced = 0, long cancelled = 0)
    {
        var counts = (await ViewAsync(batch)).Counts;
        Assert.Equal(
            (queued, delivered, bounced, cancelled, queued + delivered + bounced + cancelled),
            (counts[(int)MessageStatus.Queued], counts[(int)MessageStatus.Delivered], counts[(int)MessageStatus.Bounced],
                counts[(int)MessageStatus.Cancelled], counts.Sum()));
        Assert.Equal(
            (queued, delivered, bounced, cancelled, queued + delivered + bounced + cancelled),
            (await TotalAsync(MessageStatus.Queued), await TotalAsync(MessageStatus.Delivered), await TotalAsync(MessageStatus.Bounced),
                await TotalAsync(MessageStatus.Cancelled), (await Sample.ListAsync()).Total));
    }

    Task<long> TotalAsync(MessageStatus status) => TotalAsync(Sample.Tenant, status);

    async Task<long> TotalAsync(TenantId tenant, params MessageStatus[] statuses) => (await Store.Messages.ListAsync(
        tenant, new MessageFilter { Statuses = statuses }, new PageRequest(null, 0, 100), CancellationToken.None)).Total;

    async Task<BatchView> ViewAsync(BatchId batch) => (await Store.Batches.FindAsync(Sample.Tenant, batch, CancellationToken.None))!;
}
