using Microsoft.Extensions.Logging;
using Postrider.Engine.Messages;

namespace Postrider.Store.Sqlite;

/// <summary>Event ids 3000–3099: the SQLite store. An id is never used again.</summary>
static partial class Log
{
    [LoggerMessage(3000, LogLevel.Warning, "A write failed, so the {Count} writes of its transaction are run again one by one")]
    public static partial void TransactionSplit(this ILogger log, Exception exception, int count);

    [LoggerMessage(3001, LogLevel.Error, "The database cannot be written to; {Count} writes were refused")]
    public static partial void WriteFailed(this ILogger log, Exception exception, int count);

    [LoggerMessage(3002, LogLevel.Warning, "The WAL was not copied back; the next try is when it has grown further")]
    public static partial void CheckpointFailed(this ILogger log, Exception exception);

    [LoggerMessage(3003, LogLevel.Information, "Database {Path}: SQLite {Version}, schema {Schema}")]
    public static partial void Opened(this ILogger log, string path, string version, int schema);

    [LoggerMessage(3004, LogLevel.Warning, "Subjects were not indexed, so searches are slower; the next try is in a second")]
    public static partial void SubjectsNotIndexed(this ILogger log, Exception exception);

    [LoggerMessage(3005, LogLevel.Error, "Totals of tenant {Tenant}, {Row}, were wrong and are counted anew; no mail was touched")]
    public static partial void TotalsRecounted(this ILogger log, Exception exception, TenantId tenant, string row);
}
