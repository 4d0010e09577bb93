using Postrider.Bench.Machine;
using Postrider.Bench.Products;
using Postrider.Bench.Sinks;

namespace Postrider.Bench;

/// <summary>The whole run: every round of every product against the same sink, then the backlog.</summary>
sealed class Benchmark(BenchOptions options)
{
    public async Task<Report> RunAsync(CancellationToken cancel)
    {
        var measured = Product.All
            .Where(product => options.Only is null || product.Name == options.Only)
            .Select(product => (Product: product, Figures: new Figures()))
            .ToList();
        await using var sink = await Sink.StartAsync(cancel);
        await using var firstByte = new FirstByteSink();
        var destinations = new Destinations(sink.Address, firstByte.Address, Down: Loopback.FreePort());

        // Products take turns, so that a machine that gets slower or faster meanwhile does so for all.
        for (var round = 1; round <= options.Rounds; round++)
        {
            foreach (var (product, figures) in measured)
            {
                Progress.Say($"{product.Title}, round {round} of {options.Rounds}");
                await using var instance = await product.StartAsync(destinations, cancel);
                await new Round(instance, sink, firstByte, options, product, figures).RunAsync(cancel);
            }
        }

        if (options.Backlog > 0 && measured.FirstOrDefault(entry => entry.Product == Product.Postrider).Figures is { } backlogFigures)
        {
            await using var instance = await PostriderUnderTest.StartAsync(destinations, cancel);
            await new BacklogScenario(instance, firstByte, options, backlogFigures).RunAsync(cancel);
        }

        return new(measured, options);
    }
}
