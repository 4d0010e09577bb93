using System.Globalization;
using System.Text;
using System.Text.Json;
using Postrider.Bench.Load;
using Postrider.Bench.Products;

namespace Postrider.Bench;

/// <summary>The one table, or the same as JSON: medians, each with its ratio to Postfix + OpenDKIM.</summary>
sealed class Report(IReadOnlyList<(Product Product, Figures Figures)> measured, BenchOptions options)
{
    const string NotMeasured = "–";

    readonly Figures? _reference = measured.FirstOrDefault(entry => entry.Product == Product.Reference).Figures;

    public string Table()
    {
        List<string[]> rows = [["", "", .. measured.SelectMany(entry => Titles(entry.Product))]];
        rows.AddRange(
            from title in MetricTitle.All
            where measured.Any(entry => entry.Figures.Median(title.Metric) is not null)
            select (string[])[title.Title, title.Unit, .. measured.SelectMany(entry => Cells(title, entry.Product, entry.Figures))]);

        var widths = Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length)).ToArray();
        var text = new StringBuilder();
        foreach (var row in rows)
        {
            var cells = row.Select((cell, column) => column < 2 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]));
            text.Append("| ").AppendJoin(" | ", cells).AppendLine(" |");
            if (row == rows[0])
                text.Append('|').AppendJoin('|', widths.Select((width, i) => new string('-', width + 1) + (i < 2 ? '-' : ':')))
                    .AppendLine("|");
        }

        return text.AppendLine().Append(Explanation()).ToString();
    }

    public string Json()
    {
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json, new() { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteString("store", options.Store.ToString().ToLowerInvariant());
            writer.WriteNumber("messages", options.Messages);
            writer.WriteNumber("rounds", options.Rounds);
            writer.WriteNumber("tenants", options.Tenants);
            writer.WriteNumber("backlog", options.Backlog);
            writer.WriteNumber("scheduled", options.Scheduled);
            writer.WriteNumber("cores", Environment.ProcessorCount);
            writer.WriteStartObject("products");
            foreach (var (product, figures) in measured) WriteProduct(writer, product, figures);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(json.ToArray());
    }

    static IEnumerable<string> Titles(Product product) => product == Product.Reference ? [product.Title] : [product.Title, "ratio"];

    IEnumerable<string> Cells(MetricTitle title, Product product, Figures figures)
    {
        yield return Format(figures.Median(title.Metric), title.Digits);
        if (product != Product.Reference) yield return Ratio(title.Metric, figures) is { } ratio ? Format(ratio, 2) + "×" : NotMeasured;
    }

    void WriteProduct(Utf8JsonWriter writer, Product product, Figures figures)
    {
        writer.WriteStartObject(product.Name);
        writer.WriteNumber("connections", options.Connections ?? product.Connections);
        foreach (var title in MetricTitle.All)
        {
            if (figures.Median(title.Metric) is not { } value) continue;
            writer.WriteStartObject(title.Name);
            writer.WriteNumber("median", Math.Round(value, 3));
            if (Ratio(title.Metric, figures) is { } ratio) writer.WriteNumber("ratio", Math.Round(ratio, 3));
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    double? Ratio(Metric metric, Figures figures) => figures.Median(metric) / _reference?.Median(metric);

    string Explanation()
    {
        var backlog = options.Backlog > 0 && measured.Any(entry => entry.Product == Product.Backlogged(options.Store));
        var scheduled = options.Scheduled > 0 && measured.Any(entry => entry.Product == Product.Backlogged(options.Store));
        var backlogs = backlog ? $" Backlog: {options.Backlog} messages." : "";
        var batches = scheduled ? $" Batches: {options.Scheduled} messages." : "";
        return string.Create(CultureInfo.InvariantCulture, $"""
            Medians of {options.Rounds} round(s) on {Environment.ProcessorCount} cores shared with load generator and sink; ratios are to
            {Product.Reference.Title}. {options.Messages} messages a round for postrider, a quarter of them for Postfix; {Connections()}
            connections, each waiting for its answer; text and html of {BenchMessage.ContentOctets} octets together, no two alike.
            Everybody commits to disk before accepting. CPU and RSS count the product's own processes only (RSS counts pages they share
            once for each){Database()}.{backlogs}{batches}

            """);
    }

    string Database() => options.Store is BenchStore.Sqlite ? "" : """
        ; CPU also its database's, RSS its nodes'.
        PostgreSQL 15 with fsync and synchronous_commit. Statements are those that it counted itself, a write of a group being one; so
        are commits, of transactions that wrote
        """;

    string Connections() => string.Join(
        " / ", measured.Select(entry => (options.Connections ?? entry.Product.Connections).ToString(CultureInfo.InvariantCulture)));

    static string Format(double? value, int digits) =>
        value?.ToString("f" + digits.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture) ?? NotMeasured;
}
