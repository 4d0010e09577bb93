namespace Postrider.Bench.Load;

/// <summary>One persistent connection that hands messages to a product, one at a time.</summary>
interface ISubmitter : IAsyncDisposable
{
    /// <summary>Submits message <paramref name="number"/> and returns when the product has taken responsibility for it.</summary>
    /// <returns>False when the product asks to come back later; a refusal is a <see cref="BenchFault"/>.</returns>
    ValueTask<bool> SubmitAsync(int number, CancellationToken cancel);
}
