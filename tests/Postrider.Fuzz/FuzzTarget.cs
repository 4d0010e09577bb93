namespace Postrider.Fuzz;

/// <summary>Something that takes octets from outside.</summary>
/// <param name="Name">What the command line calls it: <c>mailbox</c>, <c>smtp-reply</c>.</param>
/// <param name="Seeds">Inputs worth mutating: one of each kind.</param>
/// <param name="Run">
/// Must return for any octets. Throws <see cref="FuzzException"/> when an invariant does not hold; any other exception fails too.
/// </param>
public sealed record FuzzTarget(string Name, IReadOnlyList<byte[]> Seeds, FuzzRun Run);

public delegate void FuzzRun(ReadOnlySpan<byte> input);

public sealed class FuzzException(string message) : Exception(message)
{
    public static void Unless(bool holds, string invariant)
    {
        if (!holds)
            throw new FuzzException(invariant);
    }
}
