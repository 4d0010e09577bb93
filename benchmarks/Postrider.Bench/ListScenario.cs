using System.Diagnostics;
using Postrider.Bench.Load;
using Postrider.Bench.Products;

namespace Postrider.Bench;

/// <summary>Somebody walks through a list page by page, as the published samples do: is page 500 as fast as the first ones?</summary>
/// <remarks>postrider only, on whatever the scenario before it has left there.</remarks>
sealed class ListScenario(PostriderUnderTest product, Figures figures)
{
    const int Pages = 500;
    const int Measured = 20;        // at each end

    public async Task RunAsync(CancellationToken cancel)
    {
        var took = new long[Pages];
        for (var page = 1; page <= Pages; page++)
        {
            var begun = Stopwatch.GetTimestamp();
            using var list = await product.AskAsync(HttpMethod.Get, $"/v3/messages?page={page}&page_size=100", cancel);
            took[page - 1] = Stopwatch.GetTimestamp() - begun;
        }

        figures.Add(Metric.ListFirstPages, new Latencies(took[..Measured]).Milliseconds(50));
        figures.Add(Metric.ListLastPages, new Latencies(took[^Measured..]).Milliseconds(50));
    }
}
