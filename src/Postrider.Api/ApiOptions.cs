using Postrider.Api.RateLimits;
using Postrider.Api.ScaiSend;

namespace Postrider.Api;

public sealed record ApiOptions
{
    public ScaiSendOptions ScaiSend { get; init; } = new();

    public RateLimitOptions RateLimits { get; init; } = new();

    /// <summary>Every setting that cannot be served, one sentence each; empty when all are good.</summary>
    public IReadOnlyList<string> FindFaults()
    {
        var faults = new List<string>();
        ScaiSend.FindFaults(faults);
        RateLimits.FindFaults(faults);
        return faults;
    }
}
