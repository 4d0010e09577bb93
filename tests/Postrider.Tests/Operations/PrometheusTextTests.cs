using System.Diagnostics.Metrics;
using Postrider.Operations;

namespace Postrider.Tests.Operations;

public sealed class PrometheusTextTests : IDisposable
{
    // A name of its own: meters are the process's, and tests run side by side.
    readonly Meter _meter = new("test-" + Guid.CreateVersion7());

    [Fact]
    public void Writes_counters_gauges_and_histograms_as_the_format_asks()
    {
        using var text = new PrometheusText(_meter.Name);
        var counter = _meter.CreateCounter<long>("a.count", description: "Things.");
        var level = _meter.CreateUpDownCounter<long>("a.level");
        var wait = _meter.CreateHistogram<double>("a.wait", "s");
        _meter.CreateObservableGauge("a.seen", () => 4L);

        counter.Add(2, KeyValuePair.Create("type", (object?)"x\"y\\z\n"));
        counter.Add(3, KeyValuePair.Create("type", (object?)"x\"y\\z\n"));
        level.Add(5);
        level.Add(-2);
        wait.Record(0.003);
        wait.Record(7_200);
        var written = text.Write();

        Assert.Contains(
            "# HELP a_count_total Things.\n# TYPE a_count_total counter\na_count_total{type=\"x\\\"y\\\\z\\n\"} 5\n", written,
            StringComparison.Ordinal);
        Assert.Contains("# TYPE a_level gauge\na_level 3\n", written, StringComparison.Ordinal);
        Assert.Contains("# TYPE a_seen gauge\na_seen 4\n", written, StringComparison.Ordinal);
        Assert.Contains(
            "a_wait_seconds_bucket{le=\"0.0025\"} 0\na_wait_seconds_bucket{le=\"0.005\"} 1\n", written, StringComparison.Ordinal);
        Assert.Contains(
            "a_wait_seconds_bucket{le=\"+Inf\"} 2\na_wait_seconds_sum 7200.003\na_wait_seconds_count 2\n", written,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Leaves_other_meters_alone()
    {
        using var text = new PrometheusText("another");

        _meter.CreateCounter<long>("a.count").Add(1);

        Assert.Equal("", text.Write());
    }

    [Fact]
    public void Keeps_a_bounded_number_of_series()
    {
        using var text = new PrometheusText(_meter.Name);
        var counter = _meter.CreateCounter<long>("a.count");

        for (var i = 0; i < 5_000; i++)
            counter.Add(1, KeyValuePair.Create("type", (object?)i));

        Assert.InRange(text.Write().Split('\n').Length, 1_000, 2_100);
    }

    public void Dispose() => _meter.Dispose();
}
