using Postrider.Engine.Messages;
using Postrider.Engine.Reports;
using Postrider.Engine.Tests.Rig;

namespace Postrider.Engine.Tests.Reports;

/// <summary>Notes what it is asked, and answers as it is told.</summary>
sealed class ReportRecorder : IReportStore, IMessageReader
{
    public List<RecipientReport> Reports { get; } = [];

    /// <summary>Null: the store is away.</summary>
    public ReportResult? Result { get; set; } = ReportResult.Recorded;

    /// <summary>For this one, counted from 0, the store is away.</summary>
    public int? Refused { get; set; }

    /// <summary>How often it is busy first.</summary>
    public int BusyTimes { get; set; }

    public TenantId? Tenant { get; set; } = Sender.Tenant;

    public Task<ReportResult> RecordAsync(TenantId tenant, RecipientReport report, DateTimeOffset at, CancellationToken cancel)
    {
        Assert.Equal(Sender.Tenant, tenant);
        Reports.Add(report);
        if (BusyTimes-- > 0)
            return Task.FromResult(ReportResult.Busy);
        return Result is { } result && Reports.Count - 1 != Refused
            ? Task.FromResult(result) : throw new StoreUnavailableException("It is away.", new IOException());
    }

    public Task<TenantId?> FindTenantOfAsync(MessageId id, CancellationToken cancel) => Task.FromResult(Tenant);

    public Task<MessageView?> FindAsync(TenantId tenant, MessageId id, CancellationToken cancel) => throw new NotSupportedException();

    public Task<MessagePage> ListAsync(TenantId tenant, MessageFilter filter, PageRequest page, CancellationToken cancel) =>
        throw new NotSupportedException();
}
