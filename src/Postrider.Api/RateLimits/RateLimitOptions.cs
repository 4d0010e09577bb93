namespace Postrider.Api.RateLimits;

/// <summary>How many requests a caller may make; defaults are those of contracts/scaisend.md §9. Each is counted in windows of one
/// second.</summary>
public sealed record RateLimitOptions
{
    /// <summary>Sends a second and tenant. Default 10,000.</summary>
    public int SendsPerSecond { get; init; } = 10_000;

    /// <summary>Lists of messages a second and credential. Default 100.</summary>
    public int MessageListsPerSecond { get; init; } = 100;

    /// <summary>All other requests a second and credential, and those without a credential by address. Default 1,000.</summary>
    public int OthersPerSecond { get; init; } = 1_000;

    internal int PerSecond(RateClass rate) => rate switch
    {
        RateClass.Send => SendsPerSecond,
        RateClass.MessageList => MessageListsPerSecond,
        _ => OthersPerSecond,
    };

    internal void FindFaults(List<string> faults)
    {
        Check(SendsPerSecond, nameof(SendsPerSecond), faults);
        Check(MessageListsPerSecond, nameof(MessageListsPerSecond), faults);
        Check(OthersPerSecond, nameof(OthersPerSecond), faults);
    }

    static void Check(int value, string name, List<string> faults)
    {
        if (value < 1)
            faults.Add($"RateLimits:{name} is {value}; it must be at least 1.");
    }
}

/// <summary>What a request counts as; each class has windows of its own.</summary>
enum RateClass : byte
{
    Other,
    Send,
    MessageList,

    /// <summary>No credential was given, or none that is known.</summary>
    Anonymous,
}
