using Postrider.Bench.Machine;
using Postrider.Bench.Products;
using Postrider.Bench.Sinks;

namespace Postrider.Bench;

/// <summary>The whole run: every round of every product against the same sink, then the backlog and the batches.</summary>
sealed class Benchmark(BenchOptions options)
{
    public async Task<Report> RunAsync(CancellationToken cancel)
    {
        var measured = Product.All(options.Store)
            .Where(product => options.Only is null || options.Only.Contains(product.Name))
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
                await using var instance = await product.StartAsync(destinations, options, cancel);
                await new Round(instance, sink, firstByte, options, product, figures).RunAsync(cancel);
            }
        }

        var backlogged = Product.Backlogged(options.Store);
        if (options.Backlog > 0 && measured.FirstOrDefault(entry => entry.Product == backlogged).Figures is { } backlogFigures)
        {
            await using var instance = await backlogged.StartAsync(destinations, options, cancel);
            await new BacklogScenario((PostriderUnderTest)instance, firstByte, options, backlogFigures).RunAsync(cancel);
        }

        if (options.Backlog > 0 && measured.FirstOrDefault(entry => entry.Product == backlogged).Figures is { } dueFigures)
        {
            await using var instance = await backlogged.StartAsync(destinations, options, cancel);
            await new DueScenario((PostriderUnderTest)instance, firstByte, options, dueFigures).RunAsync(cancel);
            await new ListScenario((PostriderUnderTest)instance, dueFigures).RunAsync(cancel);
        }

        if (options.Scheduled > 0 && measured.FirstOrDefault(entry => entry.Product == backlogged).Figures is { } batchFigures)
        {
            await using var instance = await backlogged.StartAsync(destinations, options, cancel);
            await new BatchScenario((PostriderUnderTest)instance, sink, options, batchFigures).RunAsync(cancel);
        }

        return new(measured, options);
    }
}
