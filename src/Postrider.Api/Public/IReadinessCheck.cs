namespace Postrider.Api.Public;

/// <summary>One thing that must be well for this node to be given work: the database, the dispatcher's heartbeat, the age of the oldest
/// due message.</summary>
public interface IReadinessCheck
{
    /// <summary>As shown by <c>/ready</c>: <c>database</c>.</summary>
    string Name { get; }

    /// <summary>An exception, or no answer in time, counts as not well; its text is logged and not shown.</summary>
    ValueTask<Readiness> CheckAsync(CancellationToken cancel);
}

/// <param name="Detail">Shown to anybody who asks: no secrets, no host names.</param>
public readonly record struct Readiness(bool Ok, string Detail);
