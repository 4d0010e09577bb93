using Postrider.Engine.Messages;

namespace Postrider.Engine.Reports;

/// <summary>Records what reports say, by the rules of <see cref="ReportRules"/>.</summary>
public interface IReportStore
{
    /// <summary>
    /// One transaction: looks whether the report's cause is recorded, asks the rules, and writes event, recipient, status, counters, batch
    /// and suppression. The queue row is never changed. It may be asked again when nobody could tell whether it was committed.
    /// </summary>
    Task<ReportResult> RecordAsync(TenantId tenant, RecipientReport report, DateTimeOffset at, CancellationToken cancel);
}

public enum ReportResult
{
    Recorded,

    /// <summary>It had been recorded before.</summary>
    Repeated,

    /// <summary>By the rules it changes nothing.</summary>
    WithoutEffect,

    /// <summary>The message is gone, or was never this tenant's.</summary>
    NotFound,

    /// <summary>
    /// The message is being attempted: that attempt goes by the states it read, and may have an acceptance to write. To be asked again when
    /// its lease is over.
    /// </summary>
    Busy,
}
