using Microsoft.Extensions.Logging;
using Postrider.Engine.Messages;

namespace Postrider.Store.Postgres;

/// <summary>Event ids 3100–3199: the PostgreSQL store. An id is never used again.</summary>
static partial class Log
{
    [LoggerMessage(3100, LogLevel.Warning, "A write failed, so the {Count} writes of its transaction are run again one by one")]
    public static partial void GroupSplit(this ILogger log, Exception exception, int count);

    [LoggerMessage(3107, LogLevel.Error, "The database is away or cannot write; more of this is not told for {Quiet}")]
    public static partial void DatabaseAway(this ILogger log, Exception exception, TimeSpan quiet);

    [LoggerMessage(3108, LogLevel.Error, "What nodes tell each other failed in our own code; the next try is in {Delay}")]
    public static partial void ChannelFaulted(this ILogger log, Exception exception, TimeSpan delay);

    [LoggerMessage(3102, LogLevel.Warning, "The connection broke during a commit; of {Count} writes {Found} were found stored")]
    public static partial void CommitRechecked(this ILogger log, int count, int found);

    [LoggerMessage(3103, LogLevel.Information, "PostgreSQL {Version}, database {Database}, schema {Schema}")]
    public static partial void Opened(this ILogger log, string version, string database, int schema);

    [LoggerMessage(3104, LogLevel.Warning, "What nodes tell each other is lost ({Detail}); the next try is in {Delay}")]
    public static partial void ChannelLost(this ILogger log, string detail, TimeSpan delay);

    [LoggerMessage(3105, LogLevel.Information, "Partitions of {Month} were made")]
    public static partial void PartitionsMade(this ILogger log, string month);

    [LoggerMessage(3106, LogLevel.Information, "Past its retention: table {Table}, month {Month}")]
    public static partial void PartitionDropped(this ILogger log, string table, string month);

    [LoggerMessage(
        3109, LogLevel.Information, "Table {Table} keeps {Month} past its retention: a message of it, or of a month before, is live")]
    public static partial void MonthKept(this ILogger log, string table, string month);

    [LoggerMessage(3110, LogLevel.Warning, "The queue or a new partition was not vacuumed or analyzed; claims become slower until it is")]
    public static partial void TablesNotLookedAfter(this ILogger log, Exception? exception);

    [LoggerMessage(3111, LogLevel.Error, "Totals of tenant {Tenant}, {Row}, were wrong and are counted anew; no mail was touched")]
    public static partial void TotalsRecounted(this ILogger log, Exception exception, TenantId tenant, string row);

    [LoggerMessage(
        3112, LogLevel.Error, "A write failed, and so did the repair of what it failed for; it fails again until that is repaired")]
    public static partial void RepairFailed(this ILogger log, Exception exception);

    [LoggerMessage(3113, LogLevel.Warning, "Other nodes were not told, or not answered, about a retry or a fail; whoever asked goes on without")]
    public static partial void CallNotAnswered(this ILogger log, Exception exception);
}
