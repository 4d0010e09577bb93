using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Postrider.Operations;

/// <summary>
/// The product's instruments as Prometheus text (exposition format 0.0.4): it listens to the meters itself, so that a scrape needs no
/// collector.
/// </summary>
/// <remarks>
/// Names have dots as underscores and their unit behind them; counters end in <c>_total</c>. Histograms have fixed buckets, in seconds.
/// </remarks>
sealed class PrometheusText : IDisposable
{
    static readonly double[] Buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600];

    /// <summary>A guess at well above what our instruments have; more come from an attacker, and are not kept.</summary>
    const int MostSeries = 2_000;

    readonly MeterListener _listener = new();
    readonly ConcurrentDictionary<(Instrument, string Labels), Series> _series = new();

    public PrometheusText(params IReadOnlyList<string> meters)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (meters.Contains(instrument.Meter.Name))
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument, value, tags));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Note(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Note(instrument, value, tags));
        _listener.Start();
    }

    public string Write()
    {
        _listener.RecordObservableInstruments();
        var text = new StringBuilder();
        foreach (var group in _series.GroupBy(entry => entry.Key.Item1).OrderBy(group => group.Key.Name, StringComparer.Ordinal))
        {
            var name = NameOf(group.Key);
            if (group.Key.Description is { } description)
                text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {description}\n");
            text.Append(CultureInfo.InvariantCulture, $"# TYPE {name} {KindOf(group.Key)}\n");
            foreach (var ((_, labels), series) in group.OrderBy(entry => entry.Key.Labels, StringComparer.Ordinal))
                series.Write(text, name, labels);
        }
        return text.ToString();
    }

    public void Dispose() => _listener.Dispose();

    void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var key = (instrument, LabelsOf(tags));
        if (!_series.TryGetValue(key, out var series))
        {
            if (_series.Count >= MostSeries)
                return;
            series = _series.GetOrAdd(key, static key => new Series(key.Item1));
        }
        series.Note(value);
    }

    static string LabelsOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty)
            return "";
        var labels = new StringBuilder();
        foreach (var (name, value) in tags)
        {
            var escaped = Convert.ToString(value, CultureInfo.InvariantCulture)!
                .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
                .Replace("\n", "\\n", StringComparison.Ordinal);
            labels.Append(CultureInfo.InvariantCulture, $"{(labels.Length > 0 ? "," : "")}{Plain(name)}=\"{escaped}\"");
        }
        return labels.ToString();
    }

    static string NameOf(Instrument instrument)
    {
        var name = Plain(instrument.Name);
        var unit = instrument.Unit is "s" ? "_seconds" : instrument.Unit is "By" ? "_bytes" : "";
        return name + unit + (IsCounter(instrument) ? "_total" : "");
    }

    static string Plain(string name) => string.Create(name.Length, name, (plain, from) =>
    {
        for (var i = 0; i < from.Length; i++)
            plain[i] = char.IsAsciiLetterOrDigit(from[i]) ? from[i] : '_';
    });

    static string KindOf(Instrument instrument) => IsCounter(instrument) ? "counter" : IsHistogram(instrument) ? "histogram" : "gauge";

    static bool IsCounter(Instrument instrument) =>
        instrument is Counter<long> or Counter<double> or ObservableCounter<long> or ObservableCounter<double>;

    static bool IsHistogram(Instrument instrument) => instrument is Histogram<double> or Histogram<long>;

    sealed class Series(Instrument instrument)
    {
        readonly Lock _lock = new();
        readonly long[] _buckets = IsHistogram(instrument) ? new long[Buckets.Length + 1] : [];
        readonly bool _isSet = instrument.IsObservable || instrument is Gauge<long> or Gauge<double>;
        double _value;
        long _count;

        public void Note(double value)
        {
            lock (_lock)
            {
                _value = _isSet ? value : _value + value;
                _count++;
                if (_buckets.Length > 0)
                {
                    var bucket = Array.BinarySearch(Buckets, value);
                    _buckets[bucket < 0 ? ~bucket : bucket]++;
                }
            }
        }

        public void Write(StringBuilder text, string name, string labels)
        {
            lock (_lock)
            {
                var braces = labels.Length > 0 ? $"{{{labels}}}" : "";
                if (_buckets.Length == 0)
                {
                    text.Append(CultureInfo.InvariantCulture, $"{name}{braces} {_value}\n");
                    return;
                }
                var comma = labels.Length > 0 ? labels + "," : "";
                long below = 0;
                for (var i = 0; i < Buckets.Length; i++)
                    text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{{comma}le=\"{Buckets[i]}\"}} {below += _buckets[i]}\n");
                text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{{comma}le=\"+Inf\"}} {_count}\n");
                text.Append(CultureInfo.InvariantCulture, $"{name}_sum{braces} {_value}\n{name}_count{braces} {_count}\n");
            }
        }
    }
}
