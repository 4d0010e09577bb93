namespace Postrider.Bench;

/// <summary>
/// A measurement that cannot be made or trusted: a refused message, a product that does not start, mail that never arrives.
/// </summary>
/// <remarks>It ends the run with its text; a table with a hole in it would be read as a result.</remarks>
sealed class BenchFault(string message, Exception? inner = null) : Exception(message, inner);
