namespace Postrider.Bench;

/// <summary>The rows of the table, in its order.</summary>
enum Metric
{
    AcceptedPerSecond,
    EndToEndPerSecond,
    CpuMilliseconds,
    DatabaseCpuMilliseconds,
    StatementsAMessage,
    CommitsAMessage,
    LogOctetsAMessage,
    StoredOctetsAMessage,
    DatabaseConnections,
    AcceptanceP50,
    AcceptanceP99,
    IdleFirstByteP50,
    IdleFirstByteP99,
    IdleContentP50,
    PeakResident,
    DatabaseMemory,
    BacklogAcceptedPerSecond,
    BacklogPaceKept,
    BacklogResident,
    BacklogFirstDelivery,
    DueP50,
    DueLast,
    ListFirstPages,
    ListLastPages,
    ReleaseSeconds,
    ReleasePerSecond,
    BatchStatusP99,
    BatchCancelSeconds,
}

/// <param name="Digits">After the decimal point.</param>
sealed record MetricTitle(Metric Metric, string Name, string Title, string Unit, int Digits)
{
    public static readonly IReadOnlyList<MetricTitle> All =
    [
        new(Metric.AcceptedPerSecond, "accepted_per_second", "accepted, destination down", "msg/s", 0),
        new(Metric.EndToEndPerSecond, "end_to_end_per_second", "end to end, post to sink", "msg/s", 0),
        new(Metric.CpuMilliseconds, "cpu_ms_per_message", "CPU a message, end to end", "ms", 2),
        new(Metric.DatabaseCpuMilliseconds, "database_cpu_ms_per_message", "  of it the database's", "ms", 2),
        new(Metric.StatementsAMessage, "statements_per_message", "statements a message, accepted to settled", "", 2),
        new(Metric.CommitsAMessage, "commits_per_message", "commits a message", "", 3),
        new(Metric.LogOctetsAMessage, "wal_octets_per_message", "write-ahead log a message", "octets", 0),
        new(Metric.StoredOctetsAMessage, "stored_octets_per_message", "files of the database a message, indexes included", "octets", 0),
        new(Metric.DatabaseConnections, "database_connections", "connections to the database", "", 0),
        new(Metric.AcceptanceP50, "acceptance_p50_ms", "acceptance latency at full speed, p50", "ms", 2),
        new(Metric.AcceptanceP99, "acceptance_p99_ms", "acceptance latency at full speed, p99", "ms", 2),
        new(Metric.IdleFirstByteP50, "idle_first_byte_p50_ms", "idle: call to first byte at the sink, p50", "ms", 2),
        new(Metric.IdleFirstByteP99, "idle_first_byte_p99_ms", "idle: call to first byte at the sink, p99", "ms", 2),
        new(Metric.IdleContentP50, "idle_content_p50_ms", "idle: call to first byte of content, p50", "ms", 2),
        new(Metric.PeakResident, "peak_rss_mb", "peak RSS, all processes", "MB", 0),
        new(Metric.DatabaseMemory, "database_memory_mb", "memory of the database, shared memory once", "MB", 0),
        new(Metric.BacklogAcceptedPerSecond, "backlog_accepted_per_second", "backlog: accepted on top of it", "msg/s", 0),
        new(Metric.BacklogPaceKept, "backlog_pace_kept", "backlog: that, as a part of empty", "", 2),
        new(Metric.BacklogResident, "backlog_rss_mb", "backlog: RSS", "MB", 0),
        new(Metric.BacklogFirstDelivery, "backlog_first_delivery_s", "backlog: kill -9 and start to first delivery", "s", 2),
        new(Metric.DueP50, "due_p50_ms", "100 due beside a backlog of later ones: due to first byte, p50", "ms", 0),
        new(Metric.DueLast, "due_last_ms", "the last of them", "ms", 0),
        new(Metric.ListFirstPages, "list_first_pages_ms", "100 of that backlog listed, pages 1 to 20, p50", "ms", 1),
        new(Metric.ListLastPages, "list_last_pages_ms", "the same, pages 481 to 500", "ms", 1),
        new(Metric.ReleaseSeconds, "release_s", "scheduled for one second: from due to the last one delivered", "s", 1),
        new(Metric.ReleasePerSecond, "release_per_second", "scheduled for one second: delivered", "msg/s", 0),
        new(Metric.BatchStatusP99, "batch_status_p99_ms", "batch status read meanwhile, p99", "ms", 1),
        new(Metric.BatchCancelSeconds, "batch_cancel_s", "a batch as large cancelled, all of it", "s", 1),
    ];
}

/// <summary>What was measured of one product: one value a round for each metric.</summary>
sealed class Figures
{
    readonly Dictionary<Metric, List<double>> _values = [];

    public void Add(Metric metric, double value)
    {
        if (!_values.TryGetValue(metric, out var values)) _values[metric] = values = [];
        values.Add(value);
    }

    /// <returns>Null when it was not measured.</returns>
    public double? Median(Metric metric)
    {
        if (!_values.TryGetValue(metric, out var values)) return null;
        var sorted = values.Order().ToArray();
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
